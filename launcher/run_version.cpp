#include "launcher/run_version.h"

#include "emosweep_version.h"

namespace emosweep::launcher {

const char* source_revision() { return EMOSWEEP_REVISION; }

}  // namespace emosweep::launcher
