#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "results/slices.h"
#include "results/statistics/profile.h"
#include "results/statistics_parts.h"
#include "results/subjects.h"

namespace emosweep::results {
namespace {

// Means along one axis over the lines that are planned and done throughout.
std::vector<double> line_means(const std::vector<std::vector<double>>& lines) {
  std::vector<double> means;
  for (const auto& line : lines) {
    double sum = 0;
    for (const double value : line) sum += value;  // NaN for an incomplete line
    if (!line.empty()) means.push_back(sum / static_cast<double>(line.size()));
  }
  return means;
}

// Of a metric of each cell's own confusion matrix.
CellStatistics metric_of_cells(const Grid& grid, std::size_t seeds, Metric metric) {
  return cell_statistics(grid, seeds, [&](const Row& row) { return metric(row.confusion); });
}

const Confusion& own_confusion(const Row& row) { return row.confusion; }

// Of each seed and slice; nothing counted for an incomplete seed.
std::vector<std::vector<Confusion>> sliced_by_seed(const Grid& grid, std::size_t seeds,
                                                   std::size_t slices, const TargetSpec& spec) {
  std::vector<std::vector<Confusion>> result(seeds);
  for (std::size_t s = 0; s < seeds; ++s) {
    std::vector<Confusion> sums(slices, Confusion(spec));
    bool complete = true;
    for (std::size_t f = 0; f < grid.folds; ++f) {
      const Row* row = grid.at(s, f);
      if (!row) continue;
      complete = complete && row->done();
      for (const auto& count : row->slices) {
        sums[count.slice].add_to(count.block, count.truth, count.predicted, count.n);
      }
    }
    result[s] = complete ? std::move(sums) : std::vector<Confusion>(slices, Confusion(spec));
  }
  return result;
}

SubjectScores subject_scores(const SubjectTable& table, Metric headline) {
  SubjectScores result{table.seeds, table.subjects, pseudo_values(table.counts, headline),
                       table.tested, table.absent_because};
  if (result.absent_because.empty() && result.scores.subjects() == 0) {
    result.absent_because = "a score is undefined";
  }
  return result;
}

}  // namespace

CellStatistics cell_statistics(const Grid& grid, std::size_t seeds, const CellValue& value) {
  std::vector<double> all;
  std::vector<std::vector<double>> by_seed(seeds), by_fold(grid.folds);
  for (std::size_t s = 0; s < seeds; ++s) {
    for (std::size_t f = 0; f < grid.folds; ++f) {
      const Row* row = grid.at(s, f);
      if (!row) continue;
      all.push_back(row->done() ? value(*row) : kUndefined);
      by_seed[s].push_back(all.back());
      by_fold[f].push_back(all.back());
    }
  }
  return {describe(all), spread_of(line_means(by_seed)), spread_of(line_means(by_fold))};
}

ReplicatedStatistics replicated_statistics(std::vector<double> per_seed, const ScoreTable& scores,
                                           bool lower) {
  ReplicatedStatistics result;
  result.spread = spread_of(per_seed);
  result.per_seed = std::move(per_seed);
  result.rerun = t_interval(result.per_seed);
  std::vector<double> complete;
  std::copy_if(result.per_seed.begin(), result.per_seed.end(), std::back_inserter(complete),
               [](double score) { return !std::isnan(score); });
  const double sign = lower ? -1 : 1;
  for (double& score : complete) score *= sign;
  result.expected_best = expected_best(complete, Draw::without_replacement);
  for (double& best : result.expected_best) best *= sign;
  result.seeds_to_halve_rerun = replicates_to_halve(result.rerun.n);
  if (scores.subjects() == 0) return result;
  result.new_subject = new_subject_interval(scores);
  result.components = variance_components(scores);
  result.subjects_to_halve_new_subject = replicates_to_halve(result.new_subject.n);
  result.seeds_to_halve_new_subject = seeds_to_halve_new_subject(result.components);
  return result;
}

Grid grid_of(const Rows& rows, const ExperimentStatistics& axes) {
  Grid grid{axes.folds.size(), Rows(axes.seeds.size() * axes.folds.size(), nullptr)};
  std::map<std::string, std::size_t> fold_index;
  for (const auto& fold : axes.folds) fold_index.emplace(fold, fold_index.size());
  for (const Row* row : rows) {
    const auto seed = static_cast<std::size_t>(
        std::lower_bound(axes.seeds.begin(), axes.seeds.end(), row->cell.seed) -
        axes.seeds.begin());
    grid.cells[seed * grid.folds + fold_index.at(row->cell.fold)] = row;
  }
  return grid;
}

void count_rows(ConditionStatistics& condition, const Rows& rows) {
  std::set<Digest> ids;
  for (const Row* row : rows) {
    ++condition.expected;
    condition.done += row->done();
    condition.failed += row->status == "failed";
    ids.insert(row->cell.id);
  }
  condition.missing = condition.expected - condition.done - condition.failed;
  condition.trials = static_cast<std::int64_t>(ids.size());
}

PooledStatistics pooled_statistics(std::vector<double> per_seed) {
  PooledStatistics result;
  result.spread = spread_of(per_seed);
  result.per_seed = std::move(per_seed);
  return result;
}

namespace {

// The metrics of the kind, and the headline's scores by subject.
void add_metrics(ConditionStatistics& result, const Grid& grid, std::size_t seeds,
                 const SubjectTable& subjects, TargetKind kind) {
  const auto metrics = report_metrics(kind);
  result.subject_scores = subject_scores(subjects, metrics[0].value);
  for (const ReportMetric& metric : metrics) {
    const bool first = &metric == &metrics[0];
    const ScoreTable others = first ? ScoreTable() : pseudo_values(subjects.counts, metric.value);
    std::vector<double> per_seed = pooled_statistics(result.per_seed, metric.value).per_seed;
    result.metrics.push_back(
        {metric.name, metric_of_cells(grid, seeds, metric.value),
         replicated_statistics(std::move(per_seed), first ? result.subject_scores.scores : others,
                               metric.lower_is_better)});
  }
  for (const ReportMetric& metric : further_metrics(kind)) {
    result.further.emplace_back(metric.name, pooled_statistics(result.per_seed, metric.value));
  }
  for (const char* name : row_metrics(kind)) {
    result.row_scores.emplace_back(name, cell_statistics(grid, seeds, [&](const Row& row) {
                                     return value_of(row.test, name);
                                   }));
  }
}

// Classes, or labels, of a seed that are neither true nor predicted; -1 for an incomplete one.
std::int64_t undefined_f1(const Confusion& confusion) {
  if (confusion.total() == 0) return -1;
  if (confusion.kind == TargetKind::single) return scores(confusion).undefined_f1;
  std::int64_t undefined = 0;
  for (std::int64_t label = 0; label < confusion.blocks; ++label) {
    const auto counts = confusion.counts.begin() + 4 * label;
    undefined += counts[1] + counts[2] + counts[3] == 0;
  }
  return undefined;
}

}  // namespace

ConditionStatistics condition_statistics(const std::string& label, const Rows& rows,
                                         const ExperimentStatistics& axes,
                                         const std::vector<Slice>& slices) {
  const TargetKind kind = axes.target.kind;
  const std::size_t seeds = axes.seeds.size();
  ConditionStatistics result;
  result.label = label;
  result.confusion = Confusion(axes.target);
  count_rows(result, rows);
  for (const Row* row : rows) {
    if (!row->done()) continue;
    result.confusion += row->confusion;
    result.calibration += row->calibration;
  }
  const Grid grid = grid_of(rows, axes);
  result.per_seed = pooled_by_seed(grid, seeds, Confusion(axes.target), own_confusion);
  const SubjectTable subjects = subject_table(rows);
  add_metrics(result, grid, seeds, subjects, kind);
  if (kind == TargetKind::single || kind == TargetKind::multi) {
    for (const auto& of_seed : result.per_seed)
      result.undefined_f1.push_back(undefined_f1(of_seed));
  }
  result.baselines = baseline_statistics(grid, axes);
  result.classes = class_statistics(result.per_seed, axes.target);
  result.outputs = output_statistics(grid, axes, result.per_seed);
  result.subjects = subject_statistics(subjects);
  if (kind == TargetKind::regression) return result;  // slices count classes
  result.slices = slice_statistics(slices, sliced_by_seed(grid, seeds, slices.size(), axes.target));
  return result;
}

const ReplicatedStatistics& ConditionStatistics::pooled(const std::string& metric) const {
  static const ReplicatedStatistics none;
  for (const auto& own : metrics) {
    if (own.name == metric) return own.pooled;
  }
  return none;
}

const CellStatistics& ConditionStatistics::cells(const std::string& metric) const {
  static const CellStatistics none;
  for (const auto& own : metrics) {
    if (own.name == metric) return own.cells;
  }
  return none;
}

const PooledStatistics& ConditionStatistics::baseline(const std::string& name,
                                                      const std::string& metric) const {
  static const PooledStatistics none;
  for (const auto& own : baselines) {
    if (own.name != name) continue;
    for (const auto& [of, statistics] : own.metrics) {
      if (of == metric) return statistics;
    }
  }
  return none;
}

}  // namespace emosweep::results
