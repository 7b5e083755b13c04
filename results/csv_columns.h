// Which columns of a CSV of results mean what. Private to results/.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "results/csv_reader.h"

namespace emosweep::results {

// Places in the header. A file holds predictions (`truth`, `predicted`) or scores (`score`).
struct CsvColumns {
  std::size_t fold = 0;
  std::optional<std::size_t> experiment, condition, seed, group, sample;
  std::optional<std::size_t> truth, predicted, score;
  std::vector<std::pair<std::string, std::size_t>> probabilities;  // by class, as in the header
};

// InputError names file, line and column: an unknown one (with the nearest known name), a missing
// one, predictions beside scores.
CsvColumns csv_columns(const CsvReader& reader);

}  // namespace emosweep::results
