// Ranks, and what compares more than two conditions by them. Pure, thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "results/statistics/descriptive.h"

namespace emosweep::results {

// From 1, the smallest first; equal values share the mean of their ranks. No NaN.
std::vector<double> midranks(std::span<const double> values);

// k conditions ranked within each of n subjects, 1 the best (highest score):
//   chi2 = [12 / (n k (k + 1)) sum_j R_j^2 - 3 n (k + 1)] / (1 - sum_ties (t^3 - t) / (n (k^3 -
//   k))) F    = (n - 1) chi2 / (n (k - 1) - chi2), df k - 1 and (k - 1)(n - 1)  (Iman and Davenport
//   1980)
// chi2 after Friedman (1937), R_j the rank sums. Undefined for fewer than two conditions or
// subjects; where every subject ties all conditions chi2 = 0 and p = 1. F is infinite where all
// subjects rank alike.
struct RankTest {
  std::vector<double> mean_ranks;  // [k]
  double chi2 = kUndefined, chi2_p = kUndefined;
  double f = kUndefined, f_df_above = kUndefined, f_df_below = kUndefined, f_p = kUndefined;
};
// scores: [n subjects, k conditions] row-major, no NaN.
RankTest rank_test(std::span<const double> scores, std::size_t conditions);

// Holm's (1979) adjusted p-values, in the order given: each at most alpha keeps the chance of any
// false finding below alpha. NaN stays and does not count.
std::vector<double> holm(std::span<const double> p);

}  // namespace emosweep::results
