// Calls of MPI that keep their own text for the error. Inside distributed/ only.
#pragma once

#include <mpi.h>

#include <string>

#include "base/error.h"

namespace emosweep::distributed {

[[noreturn]] void mpi_failed(int code, const char* expression, const std::string& what);

}  // namespace emosweep::distributed

// RunError with the failed expression, MPI's text and the rank. `what` says what it was for.
#define EMO_MPI(expression, what)                                             \
  do {                                                                        \
    const int emo_mpi_code = (expression);                                    \
    if (emo_mpi_code != MPI_SUCCESS)                                          \
      ::emosweep::distributed::mpi_failed(emo_mpi_code, #expression, (what)); \
  } while (false)
