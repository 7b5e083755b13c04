// Counts that `plan` prints as text and as JSON.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "launcher/plan.h"

namespace emosweep::launcher {

std::vector<std::int64_t> class_counts(const data::Dataset& dataset);
std::vector<std::int64_t> class_counts(const data::Dataset& dataset,
                                       std::span<const std::int32_t> rows);
std::size_t different(const data::Column& column);

struct ModalityFacts {
  std::int64_t missing_values = 0;  // empty cells, those of absent rows included
  std::int64_t absent_rows = 0;     // samples without the modality
};
ModalityFacts modality_facts(const data::Modality& modality);

// Of one experiment. Trials that an earlier experiment has too are counted there.
struct TrialCounts {
  std::size_t cells = 0, trials = 0;
  double seconds = 0;
};
std::vector<TrialCounts> trial_counts(const Plan& plan);

// How all trials of a plan would be packed on so many ranks.
struct PackCounts {
  std::size_t packs = 0, largest = 0,
              trials = 0;                    // packs of several trials, and the trials in them
  std::map<std::string, std::size_t> alone;  // trials by why they are trained alone
};
PackCounts pack_counts(const Plan& plan, int ranks);

}  // namespace emosweep::launcher
