#include "results/condition_details.h"

#include <algorithm>

namespace emosweep::results {
namespace {

PooledStatistics over_seeds(std::vector<double> per_seed) {
  PooledStatistics result;
  result.spread = spread_of(per_seed);
  result.per_seed = std::move(per_seed);
  return result;
}

std::vector<std::int64_t> supports(const Confusion& confusion) {
  std::vector<std::int64_t> result;
  for (const auto& of_class : class_scores(confusion)) result.push_back(of_class.support);
  return result;
}

}  // namespace

std::vector<ClassStatistics> class_statistics(const std::vector<Confusion>& per_seed,
                                              std::int64_t classes) {
  const auto c = static_cast<std::size_t>(classes);
  std::vector<std::vector<double>> precision(c), recall(c), f1(c);
  std::vector<ClassStatistics> result(c);
  for (const auto& confusion : per_seed) {
    const bool complete = confusion.total() > 0;
    const auto of_seed = class_scores(confusion);
    for (std::size_t k = 0; k < c; ++k) {
      precision[k].push_back(complete ? of_seed[k].precision : kUndefined);
      recall[k].push_back(complete ? of_seed[k].recall : kUndefined);
      f1[k].push_back(complete ? of_seed[k].f1 : kUndefined);
      result[k].support = std::max(result[k].support, of_seed[k].support);
    }
  }
  for (std::size_t k = 0; k < c; ++k) {
    result[k].precision = spread_of(precision[k]);
    result[k].recall = spread_of(recall[k]);
    result[k].rerun = t_interval(f1[k]);
    result[k].f1 = over_seeds(std::move(f1[k]));
  }
  return result;
}

std::vector<SubjectStatistics> subject_statistics(const SubjectTable& table) {
  std::vector<SubjectStatistics> result;
  const ConfusionTable& counts = table.counts;
  for (std::size_t g = 0; g < counts.subjects; ++g) {
    SubjectStatistics& own = result.emplace_back();
    own.subject = table.subjects[g];
    std::vector<double> accuracy;
    for (std::size_t s = 0; s < counts.seeds; ++s) {
      const Confusion& cell = *counts.cells[s * counts.subjects + g];
      const Scores of_cell = scores(cell);
      if (s == 0) own.support = supports(cell);
      own.uar.push_back(of_cell.uar);
      accuracy.push_back(of_cell.accuracy);
    }
    own.uar_spread = spread_of(own.uar);
    own.accuracy = spread_of(accuracy);
  }
  return result;
}

std::vector<SliceStatistics> slice_statistics(const std::vector<Slice>& slices,
                                              const std::vector<std::vector<Confusion>>& by_seed) {
  std::vector<SliceStatistics> result;
  for (std::size_t i = 0; i < slices.size(); ++i) {
    SliceStatistics own;
    own.column = slices[i].column;
    own.value = slices[i].value;
    std::vector<double> macro_f1, uar, accuracy;
    for (const auto& of_seed : by_seed) {
      const Scores of_slice = scores(of_seed[i]);
      macro_f1.push_back(of_slice.macro_f1);
      uar.push_back(of_slice.uar);
      accuracy.push_back(of_slice.accuracy);
      if (own.rows > 0 || of_seed[i].total() == 0) continue;
      own.rows = of_seed[i].total();
      const auto support = supports(of_seed[i]);
      own.absent = std::count(support.begin(), support.end(), 0);
    }
    own.rerun = t_interval(macro_f1);
    own.macro_f1 = over_seeds(std::move(macro_f1));
    own.uar = over_seeds(std::move(uar));
    own.accuracy = over_seeds(std::move(accuracy));
    if (own.rows > 0) result.push_back(std::move(own));
  }
  return result;
}

ResampledStatistics resampled_statistics(const ScoreTable& pseudo_values,
                                         const std::vector<SubjectStatistics>& subjects) {
  ResampledStatistics result;
  if (pseudo_values.subjects() == 0 || subjects.empty()) return result;
  BootstrapOptions options;
  options.resampling = Resampling::stratified;
  result.stratified =
      percentile_interval(bootstrap_means(pseudo_values, "headline", options), kLevel);
  options.resampling = Resampling::two_way;
  result.two_way = percentile_interval(bootstrap_means(pseudo_values, "headline", options), kLevel);
  std::vector<double> uar;
  for (std::size_t s = 0; s < pseudo_values.seeds(); ++s) {
    for (const auto& subject : subjects) uar.push_back(subject.uar[s]);
  }
  std::vector<double> thresholds;
  for (int percent = 0; percent < 100; percent += 5) thresholds.push_back(percent / 100.0);
  result.profile = performance_profile({pseudo_values.seeds(), subjects.size(), std::move(uar)},
                                       thresholds, kLevel, options);
  return result;
}

}  // namespace emosweep::results
