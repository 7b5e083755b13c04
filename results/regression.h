// Scores of continuous targets from sums that add up over folds. Pure, thread-safe.
#pragma once

#include <cstdint>
#include <span>

namespace emosweep::results {

// Of pairs (truth, predicted). Parts are combined by Chan's rule, so that the score of several
// folds together needs their sums only and loses no digits to large means.
struct RegressionSums {
  std::int64_t n = 0;
  double truth_mean = 0, predicted_mean = 0;
  double truth_squares = 0, predicted_squares = 0, products = 0;  // about the means
  double absolute_error = 0, squared_error = 0;                   // sums

  void add(double truth, double predicted);
  RegressionSums& operator+=(const RegressionSums& other);
};
// Of the same length.
RegressionSums regression_sums(std::span<const double> truth, std::span<const double> predicted);

// mae, rmse: NaN where n is 0. pearson: NaN where truth or prediction is constant. ccc, Lin's
// (1989) concordance with population moments: 2 cov / (var_t + var_p + (mean_t - mean_p)^2), NaN
// where all values are one number.
struct RegressionScores {
  double mae, rmse, pearson, ccc;
};
RegressionScores scores(const RegressionSums& sums);

}  // namespace emosweep::results
