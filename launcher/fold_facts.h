// What a reader of logs and reports must know of an experiment's folds: who is in which part, how
// often each class, and how classes are weighted.
#pragma once

#include <string>
#include <vector>

#include "launcher/plan.h"

namespace emosweep::launcher {

// Of every fold, in order. `conditions` are filled; class weights only where all conditions have
// the same ones.
std::vector<results::FoldFacts> fold_facts(const PlannedExperiment& experiment);

// One line: "fold 0: train 16 of actor (960 rows), validation 4: 1, 5, 9, 13 (240), test ...".
std::string fold_text(const PlannedExperiment& experiment, const results::FoldFacts& fold);

}  // namespace emosweep::launcher
