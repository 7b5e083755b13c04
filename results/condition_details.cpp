#include "results/condition_details.h"

#include <algorithm>
#include <cmath>

#include "results/counting.h"
#include "results/report_metrics.h"

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
  for (const auto& of_class : all_class_scores(confusion)) result.push_back(of_class.support);
  return result;
}

}  // namespace

std::vector<ClassStatistics> class_statistics(const std::vector<Confusion>& per_seed,
                                              const TargetSpec& spec) {
  const std::size_t c = class_names_of(spec).size();
  if (c == 0) return {};
  std::vector<std::vector<double>> precision(c), recall(c), f1(c);
  std::vector<ClassStatistics> result(c);
  for (const auto& confusion : per_seed) {
    const bool complete = confusion.total() > 0;
    const auto of_seed = all_class_scores(confusion);
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
  const TargetKind kind = counts.cells.empty() ? TargetKind::single : counts.cells[0]->kind;
  if (kind == TargetKind::regression) return result;
  for (std::size_t g = 0; g < counts.subjects; ++g) {
    SubjectStatistics& own = result.emplace_back();
    own.subject = table.subjects[g];
    own.metric = subject_metric(kind);
    std::vector<double> accuracy;
    for (std::size_t s = 0; s < counts.seeds; ++s) {
      const Confusion& cell = *counts.cells[s * counts.subjects + g];
      const KindScores of_cell = kind_scores(cell);
      if (s == 0) own.support = supports(cell);
      own.score.push_back(kind == TargetKind::multi ? of_cell.micro_f1 : of_cell.uar);
      accuracy.push_back(of_cell.accuracy);
    }
    own.score_spread = spread_of(own.score);
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
    std::vector<double> macro_f1, own_score, accuracy;
    for (const auto& of_seed : by_seed) {
      const bool multi = of_seed[i].kind == TargetKind::multi;
      const KindScores of_slice = kind_scores(of_seed[i]);
      own.metric = subject_metric(of_seed[i].kind);
      macro_f1.push_back(of_slice.macro_f1);
      own_score.push_back(multi ? of_slice.micro_f1 : of_slice.uar);
      accuracy.push_back(of_slice.accuracy);
      if (own.rows > 0 || of_seed[i].total() == 0) continue;
      own.rows = of_seed[i].total() / (multi ? of_seed[i].blocks : 1);
      const auto support = supports(of_seed[i]);
      own.absent = std::count(support.begin(), support.end(), 0);
    }
    own.rerun = t_interval(macro_f1);
    own.macro_f1 = over_seeds(std::move(macro_f1));
    own.score = over_seeds(std::move(own_score));
    own.accuracy = over_seeds(std::move(accuracy));
    if (own.rows > 0) result.push_back(std::move(own));
  }
  return result;
}

ResampledStatistics resampled_statistics(const ScoreTable& pseudo_values,
                                         const std::vector<SubjectStatistics>& subjects) {
  ResampledStatistics result;
  if (pseudo_values.subjects() == 0) return result;
  BootstrapOptions options;
  options.resampling = Resampling::stratified;
  result.stratified =
      percentile_interval(bootstrap_means(pseudo_values, "headline", options), kLevel);
  options.resampling = Resampling::two_way;
  result.two_way = percentile_interval(bootstrap_means(pseudo_values, "headline", options), kLevel);
  if (subjects.empty()) return result;
  std::vector<double> all;  // a subject without a known cell of an aspect has none
  for (std::size_t s = 0; s < pseudo_values.seeds(); ++s) {
    for (const auto& subject : subjects) all.push_back(subject.score[s]);
  }
  if (std::any_of(all.begin(), all.end(), [](double v) { return std::isnan(v); })) return result;
  std::vector<double> thresholds;
  for (int percent = 0; percent < 100; percent += 5) thresholds.push_back(percent / 100.0);
  result.profile = performance_profile({pseudo_values.seeds(), subjects.size(), std::move(all)},
                                       thresholds, kLevel, options);
  return result;
}

}  // namespace emosweep::results
