// Which columns of a table serve what: names, ranges and globs of a description resolved against a
// header. Internal.
#pragma once

#include <string>
#include <vector>

#include "data/description.h"
#include "data/table.h"

namespace emosweep::data {

// Numbers of columns in a table's header; -1: not used by this dataset.
struct Layout {
  int id = -1, label = -1, split = -1;
  std::vector<int> targets;  // of a target of several columns, in their written order
  std::vector<int> groups, metadata, difficulty;
  std::vector<std::vector<int>> modalities;  // ascending
  struct Filter {
    int column;
    std::vector<std::string> values;  // trimmed, sorted
  };
  std::vector<Filter> where, exclude;
};

// All mistakes are added with the place in the description; the layout is then incomplete.
Layout resolve_columns(const Description& description, const RowSelection& selection,
                       const std::vector<std::string>& header, const std::string& table,
                       Mistakes& mistakes);

// The same columns, by name, in another table of the dataset.
Layout same_columns(const Layout& layout, const std::vector<std::string>& header,
                    const TableReader& other, TableMistakes& mistakes);

bool matches_glob(std::string_view pattern, std::string_view text);  // * any characters, ? one byte

}  // namespace emosweep::data
