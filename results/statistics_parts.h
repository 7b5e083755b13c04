// How the statistics of an experiment are put together. Private to results/.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "results/statistics.h"

namespace emosweep::results {

using Rows = std::vector<const Row*>;

// Cells of one condition as a grid: [seed][fold], nullptr where nothing is planned.
struct Grid {
  std::size_t folds = 0;
  std::vector<const Row*> cells;
  const Row* at(std::size_t seed, std::size_t fold) const { return cells[seed * folds + fold]; }
};

Grid grid_of(const Rows& rows, const ExperimentStatistics& axes);

// Of what `value` says of each done cell.
using CellValue = std::function<double(const Row&)>;
CellStatistics cell_statistics(const Grid& grid, std::size_t seeds, const CellValue& value);
// per_seed: NaN for an incomplete seed. scores: by complete seed and subject, empty where subjects
// cannot be told. `lower`: lower is better.
ReplicatedStatistics replicated_statistics(std::vector<double> per_seed, const ScoreTable& scores,
                                           bool lower = false);

inline bool is_done(const Row& row) { return row.done(); }
// Pooled by seed: the sum of `of` over the folds of each seed, nothing counted where one of its
// cells does not count.
template <class Sum, class Of, class Counts = bool (*)(const Row&)>
std::vector<Sum> pooled_by_seed(const Grid& grid, std::size_t seeds, const Sum& nothing,
                                const Of& of, const Counts& counts = is_done) {
  std::vector<Sum> pooled;
  for (std::size_t s = 0; s < seeds; ++s) {
    Sum sum = nothing;
    bool complete = true;
    for (std::size_t f = 0; f < grid.folds; ++f) {
      const Row* row = grid.at(s, f);
      if (!row) continue;
      complete = complete && counts(*row);
      if (complete) sum += of(*row);
    }
    pooled.push_back(complete ? sum : nothing);  // empty counts score NaN
  }
  return pooled;
}

PooledStatistics pooled_statistics(std::vector<double> per_seed);
template <class Sum, class Value>
PooledStatistics pooled_statistics(const std::vector<Sum>& pooled, const Value& value) {
  std::vector<double> per_seed;
  for (const auto& sum : pooled) per_seed.push_back(value(sum));
  return pooled_statistics(std::move(per_seed));
}

// Of the kind of target; undefined where training rows are not known.
std::vector<BaselineStatistics> baseline_statistics(const Grid& grid,
                                                    const ExperimentStatistics& axes);
// What predicting the majority's class everywhere would have given on the row's test rows.
Confusion majority_confusion(const Row& row);
// By label, aspect or value; per_seed: the condition's.
std::vector<OutputStatistics> output_statistics(const Grid& grid, const ExperimentStatistics& axes,
                                                const std::vector<Confusion>& per_seed);

// Of the rows of one condition, whose slice counts refer to `slices`; of `axes` seeds, folds and
// target are read.
ConditionStatistics condition_statistics(const std::string& label, const Rows& rows,
                                         const ExperimentStatistics& axes,
                                         const std::vector<Slice>& slices);

// The same of rows that hold a score called `metric` in place of predictions: it is the only metric
// (its cells; its means over the folds of a seed), subjects have it as it is, and all that needs
// predictions is undefined or empty.
ConditionStatistics score_statistics(const std::string& label, const Rows& rows,
                                     const ExperimentStatistics& axes, const std::string& metric);

// Which of the rows are done, and how many trials they are.
void count_rows(ConditionStatistics& condition, const Rows& rows);

// rows of every condition, in their order.
NestedSelection nested_selection(const std::vector<Rows>& conditions,
                                 const ExperimentStatistics& axes,
                                 const PlannedExperiment& experiment,
                                 const std::vector<Slice>& slices);

}  // namespace emosweep::results
