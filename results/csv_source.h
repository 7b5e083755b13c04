// Results of another program, from a CSV, as a filled table. Private to results/.
#pragma once

#include <filesystem>
#include <string>

#include "results/table.h"

namespace emosweep::results {

// One row a test row (true, predicted) or a cell (score); csv_columns.h has the columns. A seed of
// a condition that lacks a fold of its experiment has a missing cell there. `metric`: what a score
// is called. InputError names file, line and column.
Table csv_table(const std::filesystem::path& file, const std::string& metric);

}  // namespace emosweep::results
