// The rows of a CSV of results by cell, with what they name. Private to results/.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "results/csv_columns.h"
#include "results/csv_reader.h"
#include "results/statistics/descriptive.h"

namespace emosweep::results {

// Texts by number, in the order in which they came.
class Texts {
 public:
  std::uint32_t of(std::string_view text);
  const std::string& operator[](std::uint32_t i) const { return values_[i]; }
  const std::vector<std::string>& values() const { return values_; }

 private:
  std::unordered_map<std::string, std::uint32_t> places_;
  std::vector<std::string> values_;
};

struct CsvCell {
  std::vector<std::uint32_t> truth, predicted, group, sample;  // texts, one a row
  std::vector<float> probability;                              // [rows, p_ columns]
  double score = kUndefined;                                   // of a file of scores
  std::vector<std::int64_t> line;
};

struct CsvKey {
  std::uint32_t experiment = 0, condition = 0;
  std::uint64_t seed = 1;
  std::uint32_t fold = 0;
  auto operator<=>(const CsvKey&) const = default;
};

struct CsvCells {
  CsvColumns columns;
  std::string file;
  Texts experiments, conditions, folds, groups, samples, labels;
  std::map<CsvKey, CsvCell> cells;
};

// InputError with up to 20 mistakes: values that are none, a sample that is tested twice by one
// seed or has another label or group elsewhere, two scores of one cell, nothing at all.
CsvCells read_csv_cells(const std::filesystem::path& file);

}  // namespace emosweep::results
