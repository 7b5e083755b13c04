// What of multi-label predictions needs whole rows: thresholds, and scores that counts by label do
// not hold. Pure, thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace emosweep::results {

// A threshold a label, such that predicting it where probability >= threshold (compared as doubles)
// gives these rows, which must be validation rows, the greatest F1. Tried are the middles between
// neighbouring probabilities, and one below all of them; of equals the one nearest to .5, of two as
// near the lower. .5 for a label that no row has, and without rows. probability, truth (0 or 1):
// [n, labels] row-major.
std::vector<double> choose_thresholds(std::span<const float> probability,
                                      std::span<const std::int32_t> truth, std::int64_t labels);

// 1 where probability >= threshold of the label: [n, labels].
std::vector<std::int32_t> labels_above(std::span<const float> probability,
                                       std::span<const double> thresholds);

// subset_accuracy: share of rows all of whose labels are right. jaccard: mean over rows of |true
// and predicted| / |true or predicted|, 0/0 counted as 0 (scikit-learn's accuracy_score, and
// jaccard_score(average="samples", zero_division=0)). NaN without rows.
struct RowScores {
  double subset_accuracy, jaccard;
};
// truth, predicted: [n, labels] of 0 and 1.
RowScores row_scores(std::span<const std::int32_t> truth, std::span<const std::int32_t> predicted,
                     std::int64_t labels);

}  // namespace emosweep::results
