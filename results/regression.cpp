#include "results/regression.h"

#include <cmath>
#include <limits>

#include "base/error.h"

namespace emosweep::results {

void RegressionSums::add(double truth, double predicted) {
  RegressionSums one;
  one.n = 1;
  one.truth_mean = truth;
  one.predicted_mean = predicted;
  one.absolute_error = std::fabs(truth - predicted);
  one.squared_error = (truth - predicted) * (truth - predicted);
  *this += one;
}

RegressionSums& RegressionSums::operator+=(const RegressionSums& other) {
  if (other.n == 0) return *this;
  const auto own = static_cast<double>(n), more = static_cast<double>(other.n);
  const double all = own + more, mix = own * more / all;
  const double truth_step = other.truth_mean - truth_mean;
  const double predicted_step = other.predicted_mean - predicted_mean;
  truth_squares += other.truth_squares + truth_step * truth_step * mix;
  predicted_squares += other.predicted_squares + predicted_step * predicted_step * mix;
  products += other.products + truth_step * predicted_step * mix;
  truth_mean += truth_step * more / all;
  predicted_mean += predicted_step * more / all;
  absolute_error += other.absolute_error;
  squared_error += other.squared_error;
  n += other.n;
  return *this;
}

RegressionSums regression_sums(std::span<const double> truth, std::span<const double> predicted) {
  EMO_CHECK(truth.size() == predicted.size(), "as many predictions as true values");
  RegressionSums sums;
  for (std::size_t i = 0; i < truth.size(); ++i) sums.add(truth[i], predicted[i]);
  return sums;
}

RegressionScores scores(const RegressionSums& sums) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  if (sums.n == 0) return {kNaN, kNaN, kNaN, kNaN};
  const auto n = static_cast<double>(sums.n);
  const double shift = sums.truth_mean - sums.predicted_mean;
  const double agreement = sums.truth_squares + sums.predicted_squares + n * shift * shift;
  const double scale = std::sqrt(sums.truth_squares) * std::sqrt(sums.predicted_squares);
  return {sums.absolute_error / n, std::sqrt(sums.squared_error / n),
          scale > 0 ? sums.products / scale : kNaN,
          agreement > 0 ? 2 * sums.products / agreement : kNaN};
}

}  // namespace emosweep::results
