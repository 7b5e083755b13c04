#include "results/multi_label.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/error.h"

namespace emosweep::results {
namespace {

constexpr double kDefault = 0.5;

// rows: (probability, truth) of one label.
double best_threshold(std::vector<std::pair<double, std::int32_t>>& rows) {
  std::sort(rows.begin(), rows.end(),
            [](const auto& a, const auto& b) { return a.first > b.first; });
  std::int64_t truth = 0;
  for (const auto& [p, present] : rows) truth += present;
  if (truth == 0) return kDefault;
  double best = -1, chosen = kDefault;
  std::int64_t hits = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {  // rows 0 to i are predicted present
    hits += rows[i].second;
    const bool last = i + 1 == rows.size();
    if (!last && rows[i + 1].first == rows[i].first) continue;  // no threshold parts equals
    const double below = last ? 0 : rows[i + 1].first;
    const double threshold = below + (rows[i].first - below) / 2;
    const double f1 = 2 * static_cast<double>(hits) / static_cast<double>(i + 1 + truth);
    const double far = std::fabs(threshold - kDefault), chosen_far = std::fabs(chosen - kDefault);
    // Thresholds fall, so that of two as near to .5 the later one is the lower.
    if (f1 > best || (f1 == best && far <= chosen_far)) {
      best = f1;
      chosen = threshold;
    }
  }
  return chosen;
}

}  // namespace

std::vector<double> choose_thresholds(std::span<const float> probability,
                                      std::span<const std::int32_t> truth, std::int64_t labels) {
  const auto l = static_cast<std::size_t>(labels);
  EMO_CHECK(l > 0 && probability.size() == truth.size() && truth.size() % l == 0,
            "a probability and a truth for each label of every row");
  std::vector<double> thresholds;
  for (std::size_t label = 0; label < l; ++label) {
    std::vector<std::pair<double, std::int32_t>> rows;
    rows.reserve(truth.size() / l);
    for (std::size_t at = label; at < truth.size(); at += l) {
      rows.emplace_back(static_cast<double>(probability[at]), truth[at] != 0);
    }
    thresholds.push_back(best_threshold(rows));
  }
  return thresholds;
}

std::vector<std::int32_t> labels_above(std::span<const float> probability,
                                       std::span<const double> thresholds) {
  EMO_CHECK(!thresholds.empty() && probability.size() % thresholds.size() == 0,
            "a threshold a label");
  std::vector<std::int32_t> predicted;
  predicted.reserve(probability.size());
  for (std::size_t i = 0; i < probability.size(); ++i) {
    predicted.push_back(static_cast<double>(probability[i]) >= thresholds[i % thresholds.size()]);
  }
  return predicted;
}

RowScores row_scores(std::span<const std::int32_t> truth, std::span<const std::int32_t> predicted,
                     std::int64_t labels) {
  const auto l = static_cast<std::size_t>(labels);
  EMO_CHECK(l > 0 && truth.size() == predicted.size() && truth.size() % l == 0,
            "a truth and a prediction for each label of every row");
  const std::size_t n = truth.size() / l;
  if (n == 0) {
    constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
    return {kNaN, kNaN};
  }
  RowScores sum{0, 0};
  for (std::size_t i = 0; i < n; ++i) {
    std::int64_t both = 0, either = 0;
    for (std::size_t at = i * l; at < (i + 1) * l; ++at) {
      both += truth[at] != 0 && predicted[at] != 0;
      either += truth[at] != 0 || predicted[at] != 0;
    }
    sum.subset_accuracy += both == either;
    sum.jaccard += either > 0 ? static_cast<double>(both) / static_cast<double>(either) : 0;
  }
  return {sum.subset_accuracy / static_cast<double>(n), sum.jaccard / static_cast<double>(n)};
}

}  // namespace emosweep::results
