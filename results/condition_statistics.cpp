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

double macro_f1(const Confusion& confusion) { return scores(confusion).macro_f1; }
double uar(const Confusion& confusion) { return scores(confusion).uar; }
double accuracy(const Confusion& confusion) { return scores(confusion).accuracy; }

struct NamedMetric {
  const char* name;
  Metric value;
};
constexpr NamedMetric kFurther[] = {
    {"macro_f1_occurring", [](const Confusion& c) { return scores(c).macro_f1_occurring; }},
    {"f1_of_means", [](const Confusion& c) { return scores(c).f1_of_means; }},
    {"weighted_f1", [](const Confusion& c) { return scores(c).weighted_f1; }},
    {"mcc", [](const Confusion& c) { return scores(c).mcc; }},
    {"kappa", [](const Confusion& c) { return scores(c).kappa; }},
};

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

// What predicting the most frequent training class everywhere would have given on the same test
// rows.
Confusion majority_confusion(const Row& row) {
  Confusion result(row.confusion.classes);
  const auto most = std::max_element(row.train_counts.begin(), row.train_counts.end());
  if (most == row.train_counts.end() || *most == 0) return result;
  const auto c = static_cast<std::size_t>(result.classes);
  for (std::size_t t = 0; t < c; ++t) {
    std::int64_t support = 0;
    for (std::size_t p = 0; p < c; ++p) support += row.confusion.counts[t * c + p];
    result.add(static_cast<std::int64_t>(t), most - row.train_counts.begin(), support);
  }
  return result;
}

const Confusion& own_confusion(const Row& row) { return row.confusion; }

template <class Of>
std::vector<Confusion> pooled_by_seed(const Grid& grid, std::size_t seeds, std::int64_t classes,
                                      const Of& of) {
  std::vector<Confusion> pooled;
  for (std::size_t s = 0; s < seeds; ++s) {
    Confusion sum(classes);
    bool complete = true;
    for (std::size_t f = 0; f < grid.folds; ++f) {
      const Row* row = grid.at(s, f);
      if (!row) continue;
      complete = complete && row->done();
      if (row->done()) sum += of(*row);
    }
    pooled.push_back(complete ? sum : Confusion(classes));  // empty counts score NaN
  }
  return pooled;
}

PooledStatistics pooled_statistics(const std::vector<Confusion>& pooled, Metric value) {
  PooledStatistics result;
  for (const auto& confusion : pooled) result.per_seed.push_back(value(confusion));
  result.spread = spread_of(result.per_seed);
  return result;
}

ReplicatedStatistics replicated_metric(const std::vector<Confusion>& pooled,
                                       const ScoreTable& scores, Metric metric) {
  return replicated_statistics(pooled_statistics(pooled, metric).per_seed, scores);
}

// Of each seed and slice; nothing counted for an incomplete seed.
std::vector<std::vector<Confusion>> sliced_by_seed(const Grid& grid, std::size_t seeds,
                                                   std::size_t slices, std::int64_t classes) {
  std::vector<std::vector<Confusion>> result(seeds);
  for (std::size_t s = 0; s < seeds; ++s) {
    std::vector<Confusion> sums(slices, Confusion(classes));
    bool complete = true;
    for (std::size_t f = 0; f < grid.folds; ++f) {
      const Row* row = grid.at(s, f);
      if (!row) continue;
      complete = complete && row->done();
      for (const auto& count : row->slices) {
        sums[count.slice].add(count.truth, count.predicted, count.n);
      }
    }
    result[s] = complete ? std::move(sums) : std::vector<Confusion>(slices, Confusion(classes));
  }
  return result;
}

SubjectScores subject_scores(const SubjectTable& table) {
  SubjectScores result{table.seeds, table.subjects, pseudo_values(table.counts, macro_f1),
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

ReplicatedStatistics replicated_statistics(std::vector<double> per_seed, const ScoreTable& scores) {
  ReplicatedStatistics result;
  result.spread = spread_of(per_seed);
  result.per_seed = std::move(per_seed);
  result.rerun = t_interval(result.per_seed);
  std::vector<double> complete;
  std::copy_if(result.per_seed.begin(), result.per_seed.end(), std::back_inserter(complete),
               [](double score) { return !std::isnan(score); });
  result.expected_best = expected_best(complete, Draw::without_replacement);
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

ConditionStatistics condition_statistics(const std::string& label, const Rows& rows,
                                         const ExperimentStatistics& axes,
                                         const std::vector<Slice>& slices, std::int64_t classes) {
  ConditionStatistics result;
  result.label = label;
  result.confusion = Confusion(classes);
  count_rows(result, rows);
  for (const Row* row : rows) {
    if (!row->done()) continue;
    result.confusion += row->confusion;
    result.calibration += row->calibration;
  }
  const Grid grid = grid_of(rows, axes);
  const std::size_t seeds = axes.seeds.size();
  result.macro_f1 = metric_of_cells(grid, seeds, macro_f1);
  result.uar = metric_of_cells(grid, seeds, uar);
  result.accuracy = metric_of_cells(grid, seeds, accuracy);
  const auto pooled = pooled_by_seed(grid, seeds, classes, own_confusion);
  const SubjectTable subjects = subject_table(rows);
  result.subject_scores = subject_scores(subjects);
  const ScoreTable& own = result.subject_scores.scores;
  result.pooled_macro_f1 = replicated_metric(pooled, own, macro_f1);
  result.pooled_uar = replicated_metric(pooled, pseudo_values(subjects.counts, uar), uar);
  result.pooled_accuracy =
      replicated_metric(pooled, pseudo_values(subjects.counts, accuracy), accuracy);
  for (const auto& [name, value] : kFurther) {
    result.further.emplace_back(name, pooled_statistics(pooled, value));
  }
  for (const auto& confusion : pooled) {
    result.undefined_f1.push_back(confusion.total() > 0 ? scores(confusion).undefined_f1 : -1);
  }
  const auto majority = pooled_by_seed(grid, seeds, classes, majority_confusion);
  result.majority_macro_f1 = pooled_statistics(majority, macro_f1);
  result.majority_accuracy = pooled_statistics(majority, accuracy);
  result.per_seed = pooled;
  result.classes = class_statistics(pooled, classes);
  result.subjects = subject_statistics(subjects);
  result.slices = slice_statistics(slices, sliced_by_seed(grid, seeds, slices.size(), classes));
  return result;
}

}  // namespace emosweep::results
