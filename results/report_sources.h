// What a report is made of: the filled table of its sources and the statistics of it. Private to
// results/.
#pragma once

#include "results/report.h"
#include "results/report_parts.h"

namespace emosweep::results {

// InputError: no source, no run folder, one that is given twice, a damaged record.
ReportData load_report(const ReportSources& sources);

}  // namespace emosweep::results
