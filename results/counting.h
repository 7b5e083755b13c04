// From predictions of any kind of target to what is counted of them. Pure, thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "results/metrics.h"
#include "results/record.h"

namespace emosweep::results {

// Adds row `row` of the predictions; unknown cells are not counted. `confusion` is of the target's
// spec.
void count_row(Confusion& confusion, const TargetResult& target, std::size_t row);
Confusion count_rows_of(const TargetResult& target);

// What class_scores(confusion, ...) of a spec are called, in the order of the blocks: classes of a
// single label, labels, "aspect: class"; none of regression.
std::vector<std::string> class_names_of(const TargetSpec& spec);
// The scores of these: of labels those of presence.
std::vector<ClassScores> all_class_scores(const Confusion& confusion);

// "8 classes", "28 labels", "8 aspects of 3 classes", "2 values".
std::string target_text(const TargetSpec& spec);

}  // namespace emosweep::results
