// The table of a run folder from summary.h5 and timing.csv, where these say what the records say: a
// report of 10,000 trials then takes a second, not five. Private to results/.
#pragma once

#include "results/table.h"

namespace emosweep::results {

// `table` is planned_table(folder). true: it is filled as fill_table would. false, and nothing is
// changed: summary.h5 or timing.csv is lacking, damaged, of an older program, older than a record,
// or not of exactly this plan and the records that are there now. A record that was changed and
// kept its time is not noticed: that is verify's part.
bool fill_from_summary(const RunFolder& folder, Table& table);

}  // namespace emosweep::results
