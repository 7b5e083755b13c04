// What a report is made of: the filled table of its sources and the statistics of it. Private to
// results/.
#pragma once

#include "results/report_parts.h"
#include "results/run_folder.h"

namespace emosweep::results {

// Of one run folder: plan, records and failures. InputError: no run folder, a damaged record.
ReportData load_report(const RunFolder& folder);

}  // namespace emosweep::results
