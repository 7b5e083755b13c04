// What the cells of a row say about its target. Internal to data/.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "data/columns.h"
#include "data/dataset.h"
#include "data/description.h"
#include "data/table.h"

namespace emosweep::data {

class TargetCells {
 public:
  // Fills dataset.target; `header`: of the first table, which `layout` counts in. All of them
  // outlive it.
  TargetCells(const Description& description, const Layout& layout,
              const std::vector<std::string>& header, Dataset& dataset, TableMistakes& mistakes);
  // Appends the row's label or value to the dataset, also where a mistake is added. False: the row
  // is left out and nothing is appended.
  bool read(const Record& record, const Layout& columns, const TableReader& table);
  // Once, after all rows and without mistakes: classes that are not listed come in the order of
  // their texts, whatever the order of the rows.
  void sort_classes();
  std::int64_t left_out() const { return left_out_; }
  // What to tell of the rows that are there; of classes nobody has last.
  std::vector<std::string> warnings() const;

 private:
  bool read_class(const Record& record, const Layout& columns);
  bool read_label_set(const Record& record, const Layout& columns);
  bool read_flags(const Record& record, const Layout& columns);
  bool read_aspects(const Record& record, const Layout& columns);
  bool read_values(const Record& record, const Layout& columns);
  // Whether a row without a label stays; adds the mistake where that is one.
  bool stays(std::size_t cell, const std::string& what);
  // The class of a cell, through `map`; -1 where it is none, of which a mistake tells.
  std::int32_t class_of(std::string_view text, std::size_t cell);
  double number_in(std::string_view text, std::size_t cell);
  void wrong(std::size_t cell, const std::string& message);

  const TargetDescription& t_;
  const bool ignored_;
  Dataset& dataset_;
  TableMistakes& mistakes_;
  std::unordered_map<std::string, std::int32_t> classes_;  // of cells as they are written
  std::int32_t neutral_ = -1;
  const TableReader* table_ = nullptr;
  std::int64_t left_out_ = 0, without_ = 0;
};

}  // namespace emosweep::data
