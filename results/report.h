// The report as text and JSON, from the run folder alone.
#pragma once

#include <string>

#include "results/run_folder.h"

namespace emosweep::results {

struct ReportOptions {
  std::string format = "text";  // text | json
};
std::string report(const RunFolder& folder, const ReportOptions& options);

}  // namespace emosweep::results
