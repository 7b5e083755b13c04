// The rows of a dataset's tables, read one after another into columns. Internal to data/.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "data/audio/load_clips.h"
#include "data/columns.h"
#include "data/dataset.h"
#include "data/description.h"
#include "data/table.h"
#include "data/target_cells.h"

namespace emosweep::data {

class RowLoader {
 public:
  // `header`: of the first table, which `layout` counts in.
  RowLoader(const Description& description, const Layout& layout,
            const std::vector<std::string>& header, const TableLimits& limits,
            TableMistakes& mistakes);
  // All records of a table; `split`: the part that the whole table is, or "".
  void read(TableReader& table, const Layout& columns, const std::string& split);
  // Of every modality that is media, in order: its cells in all rows so far.
  const std::vector<std::vector<MediaCell>>& media() const { return media_; }
  // Class indices, warnings, checks over all rows. Once; without meaning if there were mistakes.
  Loaded finish();

 private:
  bool selected(const Record& record, const Layout& columns) const;
  std::string id_of(const Record& record, const Layout& columns);
  void keep(const Record& record, const Layout& columns, const std::string& split);
  bool features(const Record& record, const Layout& columns);
  void difficulty(const Record& record, const Layout& columns);
  Place place(std::size_t cell) const;

  const Description& d_;
  const std::vector<std::string> header_;
  const TableLimits limits_;
  TableMistakes& mistakes_;
  const TableReader* table_ = nullptr;
  Loaded out_;
  TargetCells target_;
  std::unordered_map<std::string, std::string> lines_;  // of ids: where each was first seen
  std::vector<std::vector<MediaCell>> media_;
  std::vector<double> difficulty_;  // [n, columns]
  std::int32_t tables_ = 0;         // read so far, the present one included
  std::int64_t row_ = 0, infinite_ = 0;
};

}  // namespace emosweep::data
