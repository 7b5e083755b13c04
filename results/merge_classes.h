// Classes of a single label taken together, such as emotions to sentiments: an experiment more of a
// report, made of another's records. Private to results/.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "results/record.h"
#include "results/run_folder.h"

namespace emosweep::results {

struct ClassMerge {
  std::uint32_t of = 0;              // the experiment, an index into the plan's
  std::vector<std::string> classes;  // those that are made, in the order in which they are written
  std::vector<std::int32_t> into;    // [classes of the experiment] index into `classes`
  std::string text;                  // "negative = sad + angry, positive = happy"
};

// asked: "EXPERIMENT: negative = sad + angry, positive = happy". Every class of the experiment
// stands in it once; spaces around names mean nothing. InputError otherwise, and where the
// experiment is not of a single label or has several conditions.
ClassMerge read_merge(const PlanFile& plan, const std::string& asked);

// "EXPERIMENT (negative, positive)": its classes, and how often they are in the folds; no epoch is
// selected by them.
PlannedExperiment merged_experiment(const PlannedExperiment& from, const ClassMerge& merge);

// The record with probabilities summed over the classes that become one, the most probable of these
// predicted, and all that follows from it; of validation rows likewise. InputError: no
// probabilities.
TrialRecord merged_record(const TrialRecord& from, const ClassMerge& merge, const Digest& id);

}  // namespace emosweep::results
