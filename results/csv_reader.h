// A CSV file of results that another program wrote, a row at a time. Strict: commas, RFC 4180
// quotes (a cell may hold commas, line breaks and doubled quotes), LF or CRLF, a header with unique
// names, as many cells in every row, UTF-8 with or without a byte order mark; blank lines are
// passed over. Private to results/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace emosweep::results {

class CsvReader {
 public:
  static constexpr std::size_t kMostColumns = 10'000, kMostCellBytes = 1u << 16;

  // Reads the file (1 GiB at most) and its header. InputError, here and below, names file and line.
  explicit CsvReader(const std::filesystem::path& file);

  const std::string& file() const { return file_; }
  const std::vector<std::string>& header() const { return header_; }
  // The next row; false: the end.
  bool next();
  std::int64_t line() const { return row_line_; }  // where the latest row begins, from 1
  // Of the latest row, without spaces and tabs at both ends; holds until the next one.
  std::string_view cell(std::size_t column) const { return cells_[column]; }

 private:
  bool scan();
  void quoted_cell();
  void plain_cell();
  [[noreturn]] void refuse(std::int64_t line, const std::string& why) const;

  std::string file_, text_;
  std::vector<std::string> header_;
  std::vector<std::string> cells_;  // their memory is used again
  std::size_t used_ = 0, at_ = 0;
  std::int64_t line_ = 1, row_line_ = 1;
};

}  // namespace emosweep::results
