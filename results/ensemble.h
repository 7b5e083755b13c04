// Ensembles as experiments of a report: the members' probabilities averaged fold by fold, by
// weights that the validation rows choose. Private to results/.
#pragma once

#include <string>
#include <vector>

#include "results/run_folder.h"
#include "results/table.h"

namespace emosweep::results {

// The table of a run folder with an experiment more for each of `merges` (merge_classes.h), and then
// for each of `ensembles`, which may name those: names of its
// experiments joined by '/', which no name holds. Members of one condition each; of two or more,
// the seeds that all of them have are averaged seed by seed, and of a single one all its seeds
// together. Weights: mixture_weights over the validation rows of the same fold and seeds. A cell is
// missing where a member's is. InputError: an unknown experiment, several conditions, other
// classes, folds or test rows, records without (validation) probabilities.
Table derived_table(const RunFolder& folder, const std::vector<std::string>& merges,
                    const std::vector<std::string>& ensembles);

}  // namespace emosweep::results
