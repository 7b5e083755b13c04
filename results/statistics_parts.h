// How the statistics of an experiment are put together. Private to results/.
#pragma once

#include <cstddef>
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

// Of the rows of one condition, whose slice counts refer to `slices`; of `axes` seeds and folds are
// read.
ConditionStatistics condition_statistics(const std::string& label, const Rows& rows,
                                         const ExperimentStatistics& axes,
                                         const std::vector<Slice>& slices, std::int64_t classes);

// rows of every condition, in their order.
NestedSelection nested_selection(const std::vector<Rows>& conditions,
                                 const ExperimentStatistics& axes,
                                 const PlannedExperiment& experiment,
                                 const std::vector<Slice>& slices);

}  // namespace emosweep::results
