// Equal samples: rows whose feature values are all equal, bit for bit, missing cells included.
// Internal to data/.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/splits.h"

namespace emosweep::data {

// Sets of two or more equal rows, each ascending, in the order of their first rows. Near linear:
// rows are compared only where their hashes are equal.
std::vector<std::vector<std::int32_t>> equal_rows(const Dataset& dataset);

// Applies the dataset's policy to equal rows that stand on two sides of a fold: InputError, rows
// taken out of train (and out of validation where they equal a test row), or a warning. Counts the
// pairs.
void handle_duplicates(const Dataset& dataset, Protocol protocol, Folds& folds);

}  // namespace emosweep::data
