// Counts that `plan` prints as text and as JSON.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "launcher/plan.h"

namespace emosweep::launcher {

// What rows say about the target, a few words each: counts of classes or labels; of aspects, each
// with its classes, and how many rows do not know it; mean and range of values.
std::vector<std::string> target_words(const data::Dataset& dataset);
// The same of a fold's part, short: "12/3/0"; of aspects the classes over all of them; of values
// the mean.
std::string mix_text(const data::Dataset& dataset, std::span<const std::int32_t> rows);
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

}  // namespace emosweep::launcher
