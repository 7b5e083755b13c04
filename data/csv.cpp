// RFC 4180: cells in double quotes may hold delimiters, line breaks and doubled quotes; LF or CRLF.
#include <cstring>
#include <deque>

#include "data/description_reader.h"
#include "data/table.h"

namespace emosweep::data {
namespace {

class CsvReader final : public TableReader {
 public:
  CsvReader(const std::string& file, std::string text, const TableForm& form,
            const TableLimits& limits, TableMistakes& mistakes)
      : text_(std::move(text)), form_(form), limits_(limits), mistakes_(mistakes) {
    file_ = file;
    all_utf8_ = first_bad_byte(text_) == std::string_view::npos;
  }

  bool read_header() {
    if (!form_.header.empty()) {
      header_ = form_.header;
      return check_header(file_, 1, header_, limits_, mistakes_);
    }
    Record record;
    if (!scan(record)) {
      if (mistakes_.count() == 0) mistakes_.add({file_, 1, 0}, "the table is empty");
      return false;
    }
    for (const std::string_view cell : record.cells) header_.emplace_back(trimmed(cell));
    return check_header(file_, record.line, header_, limits_, mistakes_);
  }

  bool next(Record& record) override {
    while (scan(record)) {
      if (record.cells.size() != header_.size()) {
        const auto cells = record.cells.size();
        mistakes_.add(place(record.line), "the row has " + std::to_string(cells) +
                                              (cells == 1 ? " cell" : " cells") +
                                              ", the header has " + std::to_string(header_.size()));
        continue;
      }
      if (good(record)) return true;
    }
    return false;
  }

  std::int64_t line_of(std::size_t cell) const override {
    std::int64_t line = latest_line_;
    std::size_t at = latest_;
    for (std::size_t i = 0; i < cell; ++i) {
      if (form_.quotes && text_[at] == '"') {
        for (++at; at < text_.size(); ++at) {
          if (text_[at] == '\n') ++line;
          if (text_[at] != '"') continue;
          if (at + 1 < text_.size() && text_[at + 1] == '"')
            ++at;
          else
            break;
        }
        ++at;
      } else {
        while (text_[at] != form_.delimiter) ++at;
      }
      ++at;  // the delimiter
    }
    return line;
  }

 private:
  Place place(std::int64_t line) const { return {file_, static_cast<int>(line), 0}; }

  // Encoding and size of the cells.
  bool good(const Record& record) {
    bool fine = true;
    for (std::size_t i = 0; i < record.cells.size(); ++i) {
      const std::string_view cell = record.cells[i];
      std::string wrong;
      if (cell.size() > limits_.cell)
        wrong = "the cell holds " + std::to_string(cell.size()) + " bytes; at most " +
                std::to_string(limits_.cell) + " are allowed (is a quote left open?)";
      else if (!all_utf8_)
        if (const auto bad = first_bad_byte(cell); bad != std::string_view::npos)
          wrong = cell[bad] == '\0' ? "the cell holds a NUL byte"
                                    : "the cell is not UTF-8 (byte " + std::to_string(bad + 1) +
                                          "); save the file as UTF-8";
      if (wrong.empty()) continue;
      mistakes_.add(place(line_of(i)), "column " + in_quotes(header_[i]) + ": " + wrong);
      fine = false;
    }
    return fine;
  }

  // The next record as it is, blank lines passed over. false: the end, or an open quote.
  bool scan(Record& record) {
    const std::size_t size = text_.size();
    while (at_ < size && (text_[at_] == '\n' || text_.compare(at_, 2, "\r\n") == 0)) {
      at_ += text_[at_] == '\n' ? 1 : 2;
      ++line_;
    }
    if (at_ >= size) return false;
    record.cells.clear();
    unescaped_.clear();
    record.line = latest_line_ = line_;
    latest_ = at_;
    for (;;) {
      if (form_.quotes && at_ < size && text_[at_] == '"') {
        if (!quoted_cell(record)) return false;
      } else {
        plain_cell(record);
      }
      if (at_ < size && text_[at_] == form_.delimiter) {
        ++at_;
        continue;
      }
      if (at_ < size) ++at_;  // the line break
      ++line_;
      return true;
    }
  }

  void plain_cell(Record& record) {
    const char* const begin = text_.data() + at_;
    const char* const end = text_.data() + text_.size();
    const char delimiter = form_.delimiter;
    const char* p = begin;
    while (p < end && *p != delimiter && *p != '\n') ++p;
    const char* stop = p;
    if ((p == end || *p == '\n') && stop > begin && stop[-1] == '\r') --stop;
    record.cells.emplace_back(begin, static_cast<std::size_t>(stop - begin));
    at_ = static_cast<std::size_t>(p - text_.data());
  }

  bool quoted_cell(Record& record) {
    const std::int64_t opened = line_;
    const std::size_t begin = ++at_;
    bool doubled = false;
    for (;; ++at_) {
      if (at_ >= text_.size()) {
        mistakes_.add(place(opened),
                      "a quote is opened and never closed (quote: none reads "
                      "quotes as text)");
        return false;
      }
      if (text_[at_] == '\n') ++line_;
      if (text_[at_] != '"') continue;
      if (at_ + 1 >= text_.size() || text_[at_ + 1] != '"') break;
      doubled = true;
      ++at_;
    }
    const std::string_view raw(text_.data() + begin, at_ - begin);
    ++at_;
    if (doubled) {
      std::string& cell = unescaped_.emplace_back();
      for (std::size_t i = 0; i < raw.size(); ++i) {
        cell += raw[i];
        if (raw[i] == '"') ++i;
      }
      record.cells.emplace_back(cell);
    } else {
      record.cells.push_back(raw);
    }
    if (at_ < text_.size() && text_[at_] == '\r' &&
        (at_ + 1 == text_.size() || text_[at_ + 1] == '\n'))
      ++at_;
    if (at_ < text_.size() && text_[at_] != form_.delimiter && text_[at_] != '\n') {
      mistakes_.add(place(line_), "cell " + std::to_string(record.cells.size()) +
                                      " goes on after its closing quote (quote: none reads "
                                      "quotes as text)");
      while (at_ < text_.size() && text_[at_] != form_.delimiter && text_[at_] != '\n') ++at_;
    }
    return true;
  }

  const std::string text_;
  const TableForm form_;
  const TableLimits limits_;
  TableMistakes& mistakes_;
  bool all_utf8_ = true;
  std::size_t at_ = 0, latest_ = 0;
  std::int64_t line_ = 1, latest_line_ = 1;
  std::deque<std::string> unescaped_;  // cells with doubled quotes; a deque does not move them
};

}  // namespace

std::unique_ptr<TableReader> open_csv(const std::string& file, std::string text,
                                      const TableForm& form, const TableLimits& limits,
                                      TableMistakes& mistakes) {
  auto reader = std::make_unique<CsvReader>(file, std::move(text), form, limits, mistakes);
  if (!reader->read_header()) return nullptr;
  return reader;
}

}  // namespace emosweep::data
