#include "launcher/run_version.h"

#include <torch/headeronly/version.h>

#include "distributed/devices.h"
#include "emosweep_version.h"
#include "results/record.h"

namespace emosweep::launcher {

const char* source_revision() { return EMOSWEEP_REVISION; }

std::string libraries_text() { return "torch " TORCH_VERSION "; hdf5 " + results::hdf5_version(); }

std::string version_text() {
  return "emosweep " EMOSWEEP_VERSION " (" + std::string(source_revision()) + ")\n" +
         libraries_text() + "\ndevices: " + distributed::device_text() + "\n";
}

}  // namespace emosweep::launcher
