// Tables of text: CSV (RFC 4180), TSV and JSON Lines, one record at a time. Internal to data/.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/utf8.h"
#include "data/dataset.h"

namespace emosweep::data {

// Collects mistakes of tables: the first `shown` with their text, the rest as a count.
class TableMistakes {
 public:
  explicit TableMistakes(std::size_t shown = 20) : shown_(shown) {}
  void add(const Place& place, const std::string& message);
  std::size_t count() const { return count_; }
  void give_to(Mistakes& mistakes) const;

 private:
  std::size_t shown_, count_ = 0;
  std::vector<std::pair<Place, std::string>> first_;
};

// The cells point into the reader and hold until its next record.
struct Record {
  std::int64_t line = 0;                // where it begins, from 1
  std::vector<std::string_view> cells;  // one a column of the header
};

struct TableForm {
  char delimiter = 0;  // 0: by the extension
  bool quotes = true;
  std::vector<std::string> header;  // empty: the first line is the header
};

class TableReader {
 public:
  virtual ~TableReader() = default;
  const std::vector<std::string>& header() const { return header_; }
  // The next whole record; what is wrong on the way is added to the mistakes and passed over.
  // false: the end.
  virtual bool next(Record& record) = 0;
  // The line on which a cell of the latest record begins: cells of CSV may hold line breaks.
  virtual std::int64_t line_of(std::size_t cell) const = 0;
  const std::string& file() const { return file_; }

 protected:
  std::string file_;
  std::vector<std::string> header_;
};

// Takes over the text. nullptr where nothing can be read at all (a mistake says why): no header,
// UTF-16, no delimiter. `place`: where the user named the file, for mistakes of the form.
std::unique_ptr<TableReader> open_table(const std::filesystem::path& path, std::string text,
                                        const TableForm& form, const Place& place,
                                        const TableLimits& limits, TableMistakes& mistakes);
std::unique_ptr<TableReader> open_csv(const std::string& file, std::string text,
                                      const TableForm& form, const TableLimits& limits,
                                      TableMistakes& mistakes);
std::unique_ptr<TableReader> open_json_lines(const std::string& file, std::string text,
                                             const TableLimits& limits, TableMistakes& mistakes);

std::string_view trimmed(std::string_view text);  // without spaces and tabs at both ends
// Duplicate, empty-only and too many names are mistakes; false if there are any.
bool check_header(const std::string& file, std::int64_t line,
                  const std::vector<std::string>& header, const TableLimits& limits,
                  TableMistakes& mistakes);

}  // namespace emosweep::data
