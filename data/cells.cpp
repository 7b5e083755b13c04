#include "data/cells.h"

#include <charconv>
#include <limits>
#include <system_error>

#include "data/table.h"

namespace emosweep::data {
namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_word(std::string_view text, std::string_view word) {
  if (text.size() != word.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (lower(text[i]) != word[i]) return false;
  return true;
}

}  // namespace

bool is_missing(std::string_view cell) {
  cell = trimmed(cell);
  return cell.empty() || cell == "NA" || is_word(cell, "nan") || is_word(cell, "-nan");
}

CellKind read_number(std::string_view cell, double& value) {
  value = std::numeric_limits<double>::quiet_NaN();
  cell = trimmed(cell);
  if (cell.empty()) return CellKind::missing;
  const std::size_t sign = cell[0] == '-' || cell[0] == '+' ? 1 : 0;
  if (cell.size() == sign) return CellKind::text;
  if (!digit(cell[sign]) && cell[sign] != '.') {  // from_chars would read inf and nan(...)
    if (is_missing(cell)) return CellKind::missing;
    const std::string_view word = cell.substr(sign);
    return is_word(word, "inf") || is_word(word, "infinity") ? CellKind::infinite : CellKind::text;
  }
  const char* const begin = cell.data() + (cell[0] == '+' ? 1 : 0);
  const char* const end = cell.data() + cell.size();
  double read = 0;
  const auto [stop, code] = std::from_chars(begin, end, read);
  if (stop != end) return CellKind::text;
  if (code == std::errc::result_out_of_range) {
    const auto exponent = cell.find_first_of("eE");
    const bool tiny = exponent == std::string_view::npos || cell.substr(exponent).size() < 2 ||
                      cell[exponent + 1] == '-';
    if (!tiny) return CellKind::too_large;
    read = 0;  // nearer to zero than a double can be
  } else if (code != std::errc()) {
    return CellKind::text;
  }
  value = read;
  return CellKind::number;
}

std::string split_of(std::string_view cell) {
  cell = trimmed(cell);
  if (is_word(cell, "train")) return "train";
  if (is_word(cell, "test")) return "test";
  for (const char* word : {"validation", "val", "valid", "dev"})
    if (is_word(cell, word)) return "validation";
  return "";
}

bool natural_less(std::string_view a, std::string_view b) {
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (!digit(a[i]) || !digit(b[j])) {
      if (a[i] != b[j]) return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[j]);
      ++i;
      ++j;
      continue;
    }
    const auto run = [](std::string_view text, std::size_t& at) {
      while (at < text.size() && text[at] == '0') ++at;
      const std::size_t begin = at;
      while (at < text.size() && digit(text[at])) ++at;
      return text.substr(begin, at - begin);
    };
    const std::string_view x = run(a, i), y = run(b, j);
    if (x.size() != y.size()) return x.size() < y.size();
    if (x != y) return x < y;
  }
  if (i < a.size() || j < b.size()) return j < b.size();
  return a < b;  // equal but for leading zeros
}

}  // namespace emosweep::data
