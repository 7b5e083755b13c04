#include "data/table.h"

#include <algorithm>
#include <unordered_map>

#include "data/description_reader.h"

namespace emosweep::data {

void TableMistakes::add(const Place& place, const std::string& message) {
  if (count_++ < shown_) first_.emplace_back(place, message);
}

void TableMistakes::give_to(Mistakes& mistakes) const {
  for (const auto& [place, message] : first_) mistakes.add(place, message);
  if (count_ > first_.size())
    mistakes.add("... and " + std::to_string(count_ - first_.size()) +
                 " more mistakes in the tables");
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool check_header(const std::string& file, std::int64_t line,
                  const std::vector<std::string>& header, const TableLimits& limits,
                  TableMistakes& mistakes) {
  const std::size_t before = mistakes.count();
  const Place place{file, static_cast<int>(line), 0};
  if (static_cast<std::int64_t>(header.size()) > limits.columns)
    mistakes.add(place, std::to_string(header.size()) + " columns; at most " +
                            std::to_string(limits.columns) + " are allowed");
  std::unordered_map<std::string_view, std::size_t> seen;
  for (std::size_t i = 0; i < header.size(); ++i) {
    const auto [old, fresh] = seen.emplace(header[i], i);
    if (!fresh)
      mistakes.add(place, "the header names column " + in_quotes(header[i]) + " twice (numbers " +
                              std::to_string(old->second + 1) + " and " + std::to_string(i + 1) +
                              ")");
    if (first_bad_byte(header[i]) != std::string_view::npos)
      mistakes.add(place, "the name of column " + std::to_string(i + 1) + " is not UTF-8 text");
  }
  return mistakes.count() == before;
}

std::unique_ptr<TableReader> open_table(const std::filesystem::path& path, std::string text,
                                        const TableForm& form, const Place& place,
                                        const TableLimits& limits, TableMistakes& mistakes) {
  const std::string file = path.string();
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    mistakes.add({file, 1, 1}, "the file is UTF-16; save it as UTF-8");
    return nullptr;
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);  // a byte order mark
  std::string extension = path.extension().string();
  for (char& c : extension)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  if (extension == ".jsonl" || extension == ".ndjson") {
    if (!form.header.empty() || form.delimiter != 0)
      mistakes.add(place, "JSON Lines have their own names: no 'header' and no 'delimiter'");
    return open_json_lines(file, std::move(text), limits, mistakes);
  }
  TableForm whole = form;
  if (whole.delimiter == 0 && extension == ".csv") whole.delimiter = ',';
  if (whole.delimiter == 0 && (extension == ".tsv" || extension == ".tab")) whole.delimiter = '\t';
  if (whole.delimiter == 0) {
    mistakes.add(place, in_quotes(path.filename().string()) +
                            " ends neither in .csv, .tsv nor .jsonl: give 'delimiter'");
    return nullptr;
  }
  return open_csv(file, std::move(text), whole, limits, mistakes);
}

}  // namespace emosweep::data
