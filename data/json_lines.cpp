// JSON Lines: one flat object a line. Names are the keys in the order in which the file first uses
// them; a key that a line lacks, or null, is an empty cell.
#include <deque>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "base/canonical.h"
#include "data/description_reader.h"
#include "data/table.h"

namespace emosweep::data {
namespace {

// One line's keys and the text of their values; a nested value reads "[...]", which is no number
// and no label.
class FlatObject final : public nlohmann::json_sax<nlohmann::json> {
 public:
  std::vector<std::pair<std::string, std::string>> cells;
  std::string wrong;

  bool null() override { return value(""); }
  bool boolean(bool v) override { return value(v ? "true" : "false"); }
  bool number_integer(number_integer_t v) override { return value(std::to_string(v)); }
  bool number_unsigned(number_unsigned_t v) override { return value(std::to_string(v)); }
  bool number_float(number_float_t, const string_t& text) override { return value(text); }
  bool string(string_t& text) override { return value(text); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(); }
  bool start_array(std::size_t) override {
    if (depth_ == 0) wrong = "the line is not an object: {\"name\": value, ...}";
    return depth_ != 0 && open();
  }
  bool end_object() override { return --depth_, true; }
  bool end_array() override { return --depth_, true; }
  bool key(string_t& name) override {
    if (depth_ == 1) cells.emplace_back(name, "");
    return true;
  }
  bool parse_error(std::size_t at, const std::string&,
                   const nlohmann::detail::exception& error) override {
    const std::string text = error.what();
    const auto last_read = text.find("; last read");  // the line's own bytes, maybe broken ones
    const auto detail = text.rfind(": ", last_read);
    wrong = "not JSON near byte " + std::to_string(at) + " of the line" +
            (detail == std::string::npos ? "" : text.substr(detail, last_read - detail));
    return false;
  }

 private:
  bool open() {
    if (depth_ == 1 && !cells.empty()) cells.back().second = "[...]";
    return ++depth_ <= 64;
  }
  bool value(std::string text) {
    if (depth_ == 0) wrong = "the line is not an object: {\"name\": value, ...}";
    if (depth_ == 1) cells.back().second = std::move(text);
    return depth_ != 0;
  }
  int depth_ = 0;
};

class JsonLinesReader final : public TableReader {
 public:
  JsonLinesReader(const std::string& file, std::string text, const TableLimits& limits,
                  TableMistakes& mistakes)
      : text_(std::move(text)), limits_(limits), mistakes_(mistakes) {
    file_ = file;
  }

  bool read_header() {
    FlatObject object;
    for (std::string_view line; next_line(line);) {
      if (!parse(line, object)) continue;  // the second pass says what is wrong
      for (auto& [name, cell] : object.cells)
        if (column_.emplace(name, header_.size()).second) header_.push_back(name);
      if (static_cast<std::int64_t>(header_.size()) > limits_.columns) break;
    }
    at_ = 0;
    line_ = 0;
    if (header_.empty()) {
      Record record;
      while (next(record)) continue;
      if (mistakes_.count() == 0) mistakes_.add({file_, 1, 0}, "the table is empty");
      return false;
    }
    return check_header(file_, 1, header_, limits_, mistakes_);
  }

  bool next(Record& record) override {
    for (std::string_view line; next_line(line);) {
      FlatObject object;
      if (!parse(line, object)) {
        mistakes_.add({file_, static_cast<int>(line_), 0},
                      object.wrong.empty() ? "nested too deep" : object.wrong);
        continue;
      }
      if (keep(object, record)) return true;
    }
    return false;
  }

  std::int64_t line_of(std::size_t) const override { return line_; }

 private:
  bool keep(FlatObject& object, Record& record) {
    record.line = line_;
    record.cells.assign(header_.size(), {});
    std::vector<bool> seen(header_.size());
    kept_.clear();
    for (auto& [name, cell] : object.cells) {
      const std::size_t i = column_.at(name);
      const char* wrong = nullptr;
      if (seen[i]) wrong = "the key is given twice";
      if (cell.size() > limits_.cell) wrong = "the value is too long";
      if (cell.find('\0') != std::string::npos) wrong = "the value holds a NUL byte";
      if (wrong != nullptr) {
        mistakes_.add({file_, static_cast<int>(line_), 0},
                      "column " + in_quotes(name) + ": " + wrong);
        return false;
      }
      seen[i] = true;
      record.cells[i] = kept_.emplace_back(std::move(cell));
    }
    return true;
  }

  static bool parse(std::string_view line, FlatObject& object) {
    object = FlatObject();
    return nlohmann::json::sax_parse(line.begin(), line.end(), &object);
  }

  bool next_line(std::string_view& line) {
    while (at_ < text_.size()) {
      std::size_t end = text_.find('\n', at_);
      if (end == std::string::npos) end = text_.size();
      line = std::string_view(text_).substr(at_, end - at_);
      if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
      at_ = end + 1;
      ++line_;
      if (!trimmed(line).empty()) return true;
    }
    return false;
  }

  const std::string text_;
  const TableLimits limits_;
  TableMistakes& mistakes_;
  std::size_t at_ = 0;
  std::int64_t line_ = 0;
  std::unordered_map<std::string, std::size_t> column_;
  std::deque<std::string> kept_;  // what the latest record's cells point into
};

}  // namespace

std::unique_ptr<TableReader> open_json_lines(const std::string& file, std::string text,
                                             const TableLimits& limits, TableMistakes& mistakes) {
  auto reader = std::make_unique<JsonLinesReader>(file, std::move(text), limits, mistakes);
  if (!reader->read_header()) return nullptr;
  return reader;
}

}  // namespace emosweep::data
