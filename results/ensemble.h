// Ensembles as experiments of a report: the members' probabilities averaged fold by fold, by
// weights that the validation rows choose. Private to results/.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "results/record.h"
#include "results/run_folder.h"
#include "results/table.h"

namespace emosweep::results {

struct Ensemble {
  std::string name;
  std::vector<std::uint32_t> members;  // experiments of the plan
  // By the id of the cell that stands for them, in hex: the members' cells, and of an ensemble of
  // seeds those of all seeds.
  std::map<std::string, std::vector<Digest>> cells;
  std::vector<std::vector<double>> weights;  // of the cells that are done
};

// asked: names of the plan's experiments joined by '/', which no name holds. Adds an experiment and
// its cells to the plan. Members have one condition each; of two or more, the seeds that all of
// them have are averaged seed by seed, and of a single one all its seeds together. InputError: an
// unknown experiment, several conditions, other classes, samples or splits, no common seed.
Ensemble add_ensemble(PlanFile& plan, const std::string& asked);

// What the trial of a cell would have recorded. Weights: mixture_weights over the validation rows
// of the members, noted in the ensemble. InputError: other test rows, records without (validation)
// probabilities.
TrialRecord average(const Digest& id, const std::vector<TrialRecord>& members, Ensemble& ensemble);

// Says in the table what the experiment is.
void note_weights(Table& table, const PlanFile& plan, const Ensemble& ensemble);

}  // namespace emosweep::results
