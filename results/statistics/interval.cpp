#include "results/statistics/interval.h"

#include <cmath>

#include "results/statistics/distributions.h"

namespace emosweep::results {

MeanInterval t_interval(double mean, double standard_error, double df, std::int64_t n,
                        double level) {
  MeanInterval result{n, mean, standard_error, df, kUndefined, kUndefined};
  if (std::isnan(standard_error)) return result;
  const double half = student_quantile((1 + level) / 2, df) * standard_error;
  result.lower = mean - half;
  result.upper = mean + half;
  return result;
}

MeanInterval t_interval(std::span<const double> values, double level) {
  const Spread spread = spread_of(values);
  const auto n = static_cast<double>(spread.n);
  return t_interval(spread.mean, spread.sd / std::sqrt(n), n - 1, spread.n, level);
}

MeanInterval rerun_interval(const ScoreTable& scores, double level) {
  return t_interval(scores.seed_means(), level);
}

MeanInterval new_subject_interval(const ScoreTable& scores, double level) {
  return t_interval(scores.subject_means(), level);
}

}  // namespace emosweep::results
