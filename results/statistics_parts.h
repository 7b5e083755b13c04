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
// cannot be told.
ReplicatedStatistics replicated_statistics(std::vector<double> per_seed, const ScoreTable& scores);

// Of the rows of one condition, whose slice counts refer to `slices`; of `axes` seeds and folds are
// read.
ConditionStatistics condition_statistics(const std::string& label, const Rows& rows,
                                         const ExperimentStatistics& axes,
                                         const std::vector<Slice>& slices, std::int64_t classes);

// The same of rows that hold a score called `metric` in place of predictions: macro_f1 and
// pooled_macro_f1 are then of that score (its cells; its means over the folds of a seed), subjects
// have it as it is, and all that needs predictions is undefined or empty.
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
