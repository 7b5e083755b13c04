#include "results/statistics/pooled.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "results/statistics/descriptive.h"

namespace emosweep::results {
namespace {

const Confusion& cell(const ConfusionTable& table, std::size_t seed, std::size_t subject) {
  return *table.cells[seed * table.subjects + subject];
}

Confusion sum_of_seed(const ConfusionTable& table, std::size_t seed) {
  Confusion sum = cell(table, seed, 0);
  for (std::size_t g = 1; g < table.subjects; ++g) sum += cell(table, seed, g);
  return sum;
}

// Sums of values lose digits where parts are taken off again: those of the subjects before g and
// behind it are added up.
std::vector<double> scores_of_others(const ConfusionTable& table, std::size_t seed, Metric metric) {
  std::vector<Confusion> behind(table.subjects);  // of g: the sum of the subjects after it
  for (std::size_t g = table.subjects; g-- > 0;) {
    behind[g] = cell(table, seed, std::min(g + 1, table.subjects - 1));
    if (g + 2 < table.subjects) behind[g] += behind[g + 1];
  }
  std::vector<double> scores_without;
  Confusion before = cell(table, seed, 0);
  for (std::size_t g = 0; g < table.subjects; ++g) {
    Confusion others = g == 0 ? behind[0] : before;
    if (g > 0 && g + 1 < table.subjects) others += behind[g];
    scores_without.push_back(metric(others));
    if (g > 0) before += cell(table, seed, g);
  }
  return scores_without;
}

// theta(-g) for every subject.
std::vector<double> scores_without_one(const ConfusionTable& table, std::size_t seed, Confusion sum,
                                       Metric metric) {
  if (sum.kind == TargetKind::regression) return scores_of_others(table, seed, metric);
  std::vector<double> scores_without;
  for (std::size_t g = 0; g < table.subjects; ++g) {
    sum -= cell(table, seed, g);
    scores_without.push_back(metric(sum));
    sum += cell(table, seed, g);
  }
  return scores_without;
}

}  // namespace

std::vector<double> pooled_scores(const ConfusionTable& table, Metric metric) {
  EMO_CHECK(table.cells.size() == table.seeds * table.subjects, "a table is [seeds, subjects]");
  std::vector<double> result;
  for (std::size_t s = 0; s < table.seeds; ++s) {
    result.push_back(table.subjects == 0 ? kUndefined : metric(sum_of_seed(table, s)));
  }
  return result;
}

ScoreTable pseudo_values(const ConfusionTable& table, Metric metric) {
  EMO_CHECK(table.cells.size() == table.seeds * table.subjects, "a table is [seeds, subjects]");
  if (table.subjects < 2) return {};
  std::vector<double> values;
  values.reserve(table.cells.size());
  for (std::size_t s = 0; s < table.seeds; ++s) {
    const Confusion sum = sum_of_seed(table, s);
    const double whole = metric(sum);
    const auto without = scores_without_one(table, s, sum, metric);
    const Spread spread = spread_of(without);
    if (std::isnan(whole) || spread.n != static_cast<std::int64_t>(without.size())) return {};
    for (const double score : without) {
      values.push_back(whole + static_cast<double>(table.subjects - 1) * (spread.mean - score));
    }
  }
  return {table.seeds, table.subjects, std::move(values)};
}

}  // namespace emosweep::results
