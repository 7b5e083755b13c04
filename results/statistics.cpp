#include "results/statistics.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "results/subjects.h"

namespace emosweep::results {
namespace {

using Rows = std::vector<const Row*>;

double macro_f1(const Confusion& confusion) { return scores(confusion).macro_f1; }
double uar(const Confusion& confusion) { return scores(confusion).uar; }
double accuracy(const Confusion& confusion) { return scores(confusion).accuracy; }

// Cells of one condition as a grid: [seed][fold], nullptr where nothing is planned.
struct Grid {
  std::size_t folds = 0;
  std::vector<const Row*> cells;
  const Row* at(std::size_t seed, std::size_t fold) const { return cells[seed * folds + fold]; }
};

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

CellStatistics cell_statistics(const Grid& grid, std::size_t seeds, Metric value) {
  std::vector<double> all;
  std::vector<std::vector<double>> by_seed(seeds), by_fold(grid.folds);
  for (std::size_t s = 0; s < seeds; ++s) {
    for (std::size_t f = 0; f < grid.folds; ++f) {
      const Row* row = grid.at(s, f);
      if (!row) continue;
      all.push_back(row->done() ? value(row->confusion) : kUndefined);
      by_seed[s].push_back(all.back());
      by_fold[f].push_back(all.back());
    }
  }
  return {spread_of(all), spread_of(line_means(by_seed)), spread_of(line_means(by_fold))};
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

ReplicatedStatistics replicated_statistics(const std::vector<Confusion>& pooled,
                                           const ScoreTable& scores, Metric value) {
  ReplicatedStatistics result{pooled_statistics(pooled, value), {}, {}, {}};
  result.rerun = t_interval(result.per_seed);
  result.seeds_to_halve_rerun = replicates_to_halve(result.rerun.n);
  if (scores.subjects() == 0) return result;
  result.new_subject = new_subject_interval(scores);
  result.components = variance_components(scores);
  result.subjects_to_halve_new_subject = replicates_to_halve(result.new_subject.n);
  result.seeds_to_halve_new_subject = seeds_to_halve_new_subject(result.components);
  return result;
}

SubjectScores subject_scores(const SubjectTable& table) {
  SubjectScores result{table.seeds, table.subjects, pseudo_values(table.counts, macro_f1),
                       table.absent_because};
  if (result.absent_because.empty() && result.scores.subjects() == 0) {
    result.absent_because = "a score is undefined";
  }
  return result;
}

ConditionStatistics condition_statistics(const std::string& label, const Rows& rows,
                                         const ExperimentStatistics& axes, std::int64_t classes) {
  ConditionStatistics result;
  result.label = label;
  result.confusion = Confusion(classes);
  std::set<Digest> ids;
  for (const Row* row : rows) {
    ++result.expected;
    result.done += row->done();
    result.failed += row->status == "failed";
    ids.insert(row->cell.id);
    if (row->done()) result.confusion += row->confusion;
  }
  result.missing = result.expected - result.done - result.failed;
  result.trials = static_cast<std::int64_t>(ids.size());
  const Grid grid = grid_of(rows, axes);
  const std::size_t seeds = axes.seeds.size();
  result.macro_f1 = cell_statistics(grid, seeds, macro_f1);
  result.uar = cell_statistics(grid, seeds, uar);
  result.accuracy = cell_statistics(grid, seeds, accuracy);
  const auto pooled = pooled_by_seed(grid, seeds, classes, own_confusion);
  const SubjectTable subjects = subject_table(rows);
  result.subject_scores = subject_scores(subjects);
  const ScoreTable& scores = result.subject_scores.scores;
  result.pooled_macro_f1 = replicated_statistics(pooled, scores, macro_f1);
  result.pooled_uar = replicated_statistics(pooled, pseudo_values(subjects.counts, uar), uar);
  result.pooled_accuracy =
      replicated_statistics(pooled, pseudo_values(subjects.counts, accuracy), accuracy);
  const auto majority = pooled_by_seed(grid, seeds, classes, majority_confusion);
  result.majority_macro_f1 = pooled_statistics(majority, macro_f1);
  result.majority_accuracy = pooled_statistics(majority, accuracy);
  return result;
}

// Losses of different objectives cannot be compared, so a grid over one of these keys is decided by
// macro-F1.
bool grid_changes_loss(const std::vector<std::string>& labels) {
  for (const char* key : {"loss", "focal_gamma", "loss_temperature", "class_weights",
                          "weight_reduction", "label_smoothing", "smoothing_weights"}) {
    const std::string start = std::string(key) + "=";
    for (const auto& label : labels) {
      if (label.starts_with(start) || label.find(", " + start) != std::string::npos) return true;
    }
  }
  return false;
}

NestedSelection nested_selection(const std::vector<Rows>& conditions,
                                 const ExperimentStatistics& axes,
                                 const PlannedExperiment& experiment) {
  NestedSelection nested;
  nested.metric = experiment.selection_metric;
  if (nested.metric == "last" ||
      (nested.metric == "loss" && grid_changes_loss(experiment.conditions))) {
    nested.metric = "macro_f1";
  }
  nested.chosen.assign(conditions.size(), 0);
  std::vector<Grid> grids;
  for (const auto& rows : conditions) grids.push_back(grid_of(rows, axes));
  Rows winners;
  for (std::size_t i = 0; i < axes.seeds.size() * axes.folds.size(); ++i) {
    const Row* lacking = nullptr;  // a cell that is not done leaves the (seed, fold) undecided
    const Row* best = nullptr;
    std::size_t winner = 0;
    double best_value = 0;
    bool planned = true;
    for (std::size_t c = 0; c < grids.size(); ++c) {
      const Row* row = grids[c].cells[i];
      if (!row) {
        planned = false;
      } else if (!row->done()) {
        lacking = row;
      } else {
        double value = value_of(row->validation, nested.metric);
        if (std::isnan(value)) {
          nested.absent_because =
              "condition '" + experiment.conditions[c] + "' has no validation " + nested.metric;
          return nested;
        }
        if (nested.metric == "loss") value = -value;
        if (!best || value > best_value) {  // the first of equals
          best = row;
          best_value = value;
          winner = c;
        }
      }
    }
    if (!planned) continue;  // only what all conditions were asked for
    winners.push_back(lacking ? lacking : best);
    if (!lacking) ++nested.chosen[winner];
  }
  if (winners.empty()) {
    nested.absent_because = "no (seed, fold) is planned for all conditions";
    return nested;
  }
  nested.exists = true;
  nested.result = condition_statistics("nested selection (per fold, on validation)", winners, axes,
                                       static_cast<std::int64_t>(experiment.classes.size()));
  return nested;
}

}  // namespace

ExperimentStatistics experiment_statistics(const Table& table, std::size_t index) {
  const PlannedExperiment& experiment = table.experiments[index];
  ExperimentStatistics result;
  result.name = experiment.name;
  if (!experiment.classes.empty()) {
    result.chance = 1.0 / static_cast<double>(experiment.classes.size());
  }
  std::vector<Rows> conditions(experiment.conditions.size());
  std::set<std::uint64_t> seeds;
  std::set<std::string, bool (*)(const std::string&, const std::string&)> folds(natural_less);
  for (std::size_t i = table.first[index]; i < table.first[index + 1]; ++i) {
    const Row& row = table.rows[i];
    conditions[row.cell.condition].push_back(&row);
    seeds.insert(row.cell.seed);
    folds.insert(row.cell.fold);
  }
  result.seeds.assign(seeds.begin(), seeds.end());
  result.folds.assign(folds.begin(), folds.end());
  const auto classes = static_cast<std::int64_t>(experiment.classes.size());
  for (std::size_t c = 0; c < conditions.size(); ++c) {
    result.conditions.push_back(
        condition_statistics(experiment.conditions[c], conditions[c], result, classes));
  }
  if (conditions.size() > 1) result.nested = nested_selection(conditions, result, experiment);
  const auto& chosen = result.nested.chosen;
  if (result.nested.exists) {
    result.reference =
        static_cast<std::size_t>(std::max_element(chosen.begin(), chosen.end()) - chosen.begin());
  }
  std::vector<Contender> contenders;
  for (const auto& condition : result.conditions) {
    contenders.push_back({condition.label, experiment.samples, &condition.subject_scores});
  }
  result.comparisons = compare_with(contenders, result.reference);
  return result;
}

const ConditionStatistics* headline_of(const ExperimentStatistics& experiment) {
  if (experiment.nested.exists) return &experiment.nested.result;
  return experiment.conditions.size() == 1 ? &experiment.conditions.front() : nullptr;
}

ComparisonFamily compare_experiments(const Table& table,
                                     const std::vector<ExperimentStatistics>& statistics) {
  std::vector<Contender> contenders;
  for (std::size_t e = 0; e < statistics.size(); ++e) {
    if (const ConditionStatistics* headline = headline_of(statistics[e])) {
      contenders.push_back(
          {statistics[e].name, table.experiments[e].samples, &headline->subject_scores});
    }
  }
  return compare_all(contenders);
}

}  // namespace emosweep::results
