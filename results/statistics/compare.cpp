#include "results/statistics/compare.h"

#include <algorithm>

#include "results/statistics/variance.h"

namespace emosweep::results {

Comparison compare(const ScoreTable& a, const ScoreTable& b, const CompareOptions& options) {
  const ScoreTable cells = difference(a, b);
  Comparison result;
  result.seeds = static_cast<std::int64_t>(cells.seeds());
  result.subjects = static_cast<std::int64_t>(cells.subjects());
  result.by_subject = cells.subject_means();
  const auto above = [](double value) { return value > 0; };
  const auto below = [](double value) { return value < 0; };
  const auto& own = result.by_subject;
  result.subjects_better = std::count_if(own.begin(), own.end(), above);
  result.subjects_worse = std::count_if(own.begin(), own.end(), below);

  result.difference = crossed_interval(cells, options.level);
  result.crossed =
      t_test(result.difference.mean, result.difference.standard_error, result.difference.df);
  result.new_subject = new_subject_interval(cells, options.level);
  result.rerun = rerun_interval(cells, options.level);

  const double loso = 1 / (static_cast<double>(result.subjects) - 1);
  const double test_over_train = options.test_over_train.value_or(loso);
  result.paired = paired_t(own);
  result.corrected = corrected_t(own, test_over_train);
  result.signed_rank = wilcoxon(own);
  result.sign = sign_test(own);
  result.posterior = correlated_posterior(own, test_over_train, options.rope);
  result.better = improvement(cells, options.level, options.bootstrap);
  result.d_z = cohen_dz(own);
  result.cliffs_delta = cliffs_delta(a.values(), b.values());
  result.seeds_needed = pairs_needed(cohen_dz(cells.seed_means()), options.power);
  result.subjects_needed = pairs_needed(result.d_z, options.power);
  return result;
}

}  // namespace emosweep::results
