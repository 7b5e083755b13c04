// The whole distribution of scores instead of its mean. Pure, thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "results/statistics/bootstrap.h"
#include "results/statistics/score_table.h"

namespace emosweep::results {

// Performance profile (Agarwal et al. 2021): the share of cells with a score above each threshold,
// with a pointwise percentile band. thresholds: ascending. Empty for an empty table.
struct ProfilePoint {
  double threshold = 0;
  double share = kUndefined;
  Interval band;
};
std::vector<ProfilePoint> performance_profile(const ScoreTable& scores,
                                              std::span<const double> thresholds, double level,
                                              const BootstrapOptions& options);

enum class Draw { with_replacement, without_replacement };
// The expected best of 1, 2, ..., N runs drawn from N scores v_(1) <= ... <= v_(N):
//   with replacement (Dodge et al. 2019)     sum_i v_(i) [(i / N)^n - ((i - 1) / N)^n]
//   without (unbiased, Tang et al. 2020)     sum_i v_(i) C(i - 1, n - 1) / C(N, n)
// No NaN among the scores; empty for none.
std::vector<double> expected_best(std::span<const double> scores, Draw draw);

}  // namespace emosweep::results
