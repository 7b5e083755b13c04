// The report as text and JSON, from run folders alone.
#pragma once

#include <string>
#include <vector>

#include "results/run_folder.h"

namespace emosweep::results {

// What one report is made of. Experiments of several folders stand in one table, those of one name
// with their folder's name before it ("run-a: Audio Only"); they are compared where samples and
// splits are the same.
struct ReportSources {
  std::vector<RunFolder> folders;
};

struct ReportOptions {
  std::string format = "text";  // text | json
};
// From plan, records and failures (not from summary.h5, which may be older). Text fits 100 columns
// where names allow it. JSON:
// {"statistics": the numbers of /statistics in summary.h5, with failures and missing cells, "cost":
// times}. InputError: no run folder, one given twice, a damaged record, an unknown format.
std::string report(const ReportSources& sources, const ReportOptions& options);
std::string report(const RunFolder& folder, const ReportOptions& options);

// One line an experiment, by name: its headline (of the nested selection where there are several
// conditions) beside the majority and chance baselines. The first part of the text report.
std::string overview(const RunFolder& folder);

}  // namespace emosweep::results
