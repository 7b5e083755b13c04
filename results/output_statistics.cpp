// Statistics of each label, aspect or value by itself.
#include <algorithm>

#include "results/statistics_parts.h"

namespace emosweep::results {
namespace {

using Scored = std::vector<std::pair<std::string, PooledStatistics>>;

double presence_f1(const Confusion& block) { return class_scores(block)[1].f1; }
double macro_f1(const Confusion& block) { return scores(block).macro_f1; }
double weighted_f1(const Confusion& block) { return scores(block).weighted_f1; }
double uar(const Confusion& block) { return scores(block).uar; }
double accuracy(const Confusion& block) { return scores(block).accuracy; }

Scored scored(const std::vector<Confusion>& per_seed, std::int64_t block, TargetKind kind) {
  const auto of = [&](const char* name, Metric metric) {
    return std::pair{std::string(name), pooled_statistics(per_seed, [&](const Confusion& sum) {
                       const Confusion own = sum.block(block);
                       return own.total() > 0 ? metric(own) : kUndefined;
                     })};
  };
  if (kind == TargetKind::multi) return {of("f1", presence_f1), of("accuracy", accuracy)};
  return {of("macro_f1", macro_f1), of("weighted_f1", weighted_f1), of("uar", uar),
          of("accuracy", accuracy)};
}

Scored scored_values(const std::vector<Confusion>& per_seed, std::size_t output) {
  const auto of = [&](const char* name, double RegressionScores::*value) {
    return std::pair{std::string(name), pooled_statistics(per_seed, [&](const Confusion& sum) {
                       return scores(sum.sums[output]).*value;
                     })};
  };
  return {of("ccc", &RegressionScores::ccc), of("pearson", &RegressionScores::pearson),
          of("mae", &RegressionScores::mae), of("rmse", &RegressionScores::rmse)};
}

// Thresholds and shares of training rows, over the done cells.
void add_labels(OutputStatistics& own, const Grid& grid, std::size_t label) {
  std::vector<double> thresholds, shares;
  for (const Row* row : grid.cells) {
    if (!row || !row->done()) continue;
    if (label < row->thresholds.size()) thresholds.push_back(row->thresholds[label]);
    const auto absent = static_cast<double>(row->train_counts[2 * label]),
               present = static_cast<double>(row->train_counts[2 * label + 1]);
    if (absent + present > 0) shares.push_back(present / (absent + present));
  }
  own.threshold = spread_of(thresholds);
  own.train_share = spread_of(shares).mean;
}

}  // namespace

std::vector<OutputStatistics> output_statistics(const Grid& grid, const ExperimentStatistics& axes,
                                                const std::vector<Confusion>& per_seed) {
  std::vector<OutputStatistics> result;
  const TargetKind kind = axes.target.kind;
  if (kind == TargetKind::single) return result;
  const std::vector<Confusion> majority =
      kind == TargetKind::regression
          ? std::vector<Confusion>()
          : pooled_by_seed(grid, axes.seeds.size(), Confusion(axes.target), majority_confusion);
  for (std::size_t i = 0; i < axes.target.outputs.size(); ++i) {
    OutputStatistics& own = result.emplace_back();
    own.name = axes.target.outputs[i];
    const auto block = static_cast<std::int64_t>(i);
    const bool values = kind == TargetKind::regression;
    for (const Confusion& sum : per_seed) {
      own.rows = std::max(own.rows, values ? sum.sums[i].n : sum.block(block).total());
    }
    own.scores = values ? scored_values(per_seed, i) : scored(per_seed, block, kind);
    if (!values) own.majority = scored(majority, block, kind);
    if (kind == TargetKind::multi) add_labels(own, grid, i);
  }
  return result;
}

}  // namespace emosweep::results
