// Statistics of scores that another program computed, one a cell.
#include <map>
#include <set>

#include "results/statistics_parts.h"

namespace emosweep::results {
namespace {

using BySubject = std::map<std::string, double, bool (*)(const std::string&, const std::string&)>;

SubjectScores absent(const std::string& why) {
  SubjectScores none;
  none.absent_because = why;
  return none;
}

// By seed and subject, of complete seeds: nothing is pooled, so no pseudo-values are needed.
SubjectScores subject_scores(const Rows& rows, const std::string& metric) {
  std::set<std::uint64_t> incomplete;
  for (const Row* row : rows) {
    if (!row->done()) incomplete.insert(row->cell.seed);
  }
  SubjectScores result;
  std::map<std::uint64_t, BySubject> seeds;
  for (const Row* row : rows) {
    if (incomplete.count(row->cell.seed)) continue;
    BySubject& own = seeds.try_emplace(row->cell.seed, natural_less).first->second;
    if (!own.emplace(row->cell.group, value_of(row->test, metric)).second) {
      return absent("a subject has the scores of two folds");
    }
    result.tested.push_back(tested_fold(*row));  // rows come by seed and fold
  }
  std::vector<double> values;
  for (const auto& [seed, own] : seeds) {
    std::vector<std::string> subjects;
    for (const auto& [subject, score] : own) {
      subjects.push_back(subject);
      values.push_back(score);
    }
    if (result.seeds.empty()) result.subjects = subjects;
    if (subjects != result.subjects) return absent("seeds test different subjects");
    result.seeds.push_back(seed);
  }
  if (result.seeds.empty()) return absent("no seed is complete");
  if (result.subjects.size() < 2) return absent("there are fewer than two subjects");
  result.scores = {result.seeds.size(), result.subjects.size(), std::move(values)};
  return result;
}

// Means over the folds; NaN for an incomplete seed.
std::vector<double> means_by_seed(const Grid& grid, std::size_t seeds, const std::string& metric) {
  std::vector<double> means;
  for (std::size_t s = 0; s < seeds; ++s) {
    double sum = 0;
    std::size_t n = 0;
    for (std::size_t f = 0; f < grid.folds; ++f) {
      const Row* row = grid.at(s, f);
      if (!row) continue;
      sum += row->done() ? value_of(row->test, metric) : kUndefined;
      ++n;
    }
    means.push_back(n > 0 ? sum / static_cast<double>(n) : kUndefined);
  }
  return means;
}

}  // namespace

ConditionStatistics score_statistics(const std::string& label, const Rows& rows,
                                     const ExperimentStatistics& axes, const std::string& metric) {
  ConditionStatistics result;
  result.label = label;
  count_rows(result, rows);
  const Grid grid = grid_of(rows, axes);
  const std::size_t seeds = axes.seeds.size();
  result.subject_scores = subject_scores(rows, metric);
  result.metrics.push_back(
      {metric,
       cell_statistics(grid, seeds, [&](const Row& row) { return value_of(row.test, metric); }),
       replicated_statistics(means_by_seed(grid, seeds, metric), result.subject_scores.scores)});
  return result;
}

}  // namespace emosweep::results
