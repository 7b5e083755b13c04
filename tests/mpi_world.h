// The world of a test binary that runs under mpirun (tests/mpi_main.cpp starts and ends MPI).
#pragma once

#include "distributed/world.h"

// The first call is collective.
inline const emosweep::distributed::World& mpi_world() {
  static const emosweep::distributed::World world = emosweep::distributed::start(nullptr, nullptr);
  return world;
}
