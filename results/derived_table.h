// Experiments that a report makes of those of a run folder. Private to results/.
#pragma once

#include <string>
#include <vector>

#include "results/run_folder.h"
#include "results/table.h"

namespace emosweep::results {

// The table of a run folder with an experiment more for each of `merges` (merge_classes.h), and
// then for each of `ensembles` (ensemble.h), which may name those. A cell is missing where a record
// that it is made of is. InputError as these two say.
Table derived_table(const RunFolder& folder, const std::vector<std::string>& merges,
                    const std::vector<std::string>& ensembles);

}  // namespace emosweep::results
