#include "results/csv_reader.h"

#include <algorithm>

#include "base/error.h"
#include "base/files.h"
#include "base/utf8.h"

namespace emosweep::results {
namespace {

void trim(std::string& cell) {
  const auto last = cell.find_last_not_of(" \t");
  cell.erase(last == std::string::npos ? 0 : last + 1);
  cell.erase(0, std::min(cell.find_first_not_of(" \t"), cell.size()));
}

}  // namespace

CsvReader::CsvReader(const std::filesystem::path& file)
    : file_(file.string()), text_(read_text(file)) {
  if (text_.starts_with("\xFF\xFE") || text_.starts_with("\xFE\xFF")) {
    refuse(1, "the file is UTF-16; save it as UTF-8");
  }
  if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;
  if (const auto bad = first_bad_byte(text_); bad != std::string_view::npos) {
    const auto line = std::count(text_.begin(), text_.begin() + static_cast<long>(bad), '\n') + 1;
    refuse(line, text_[bad] == '\0' ? "the line holds a NUL byte"
                                    : "the line is not UTF-8; save the file as UTF-8");
  }
  if (!scan()) refuse(1, "the file is empty");
  header_.assign(cells_.begin(), cells_.begin() + static_cast<long>(used_));
  if (header_.size() == 1 && header_[0].find_first_of(";\t") != std::string::npos) {
    refuse(row_line_, "cells are separated by commas, here they seem to be by semicolons or tabs");
  }
  for (std::size_t i = 0; i < header_.size(); ++i) {
    if (header_[i].empty()) {
      refuse(row_line_, "column " + std::to_string(i + 1) + " has no name");
    }
    if (std::find(header_.begin(), header_.begin() + static_cast<long>(i), header_[i]) !=
        header_.begin() + static_cast<long>(i)) {
      refuse(row_line_, "two columns are called '" + header_[i] + "'");
    }
  }
}

bool CsvReader::next() {
  if (!scan()) return false;
  if (used_ != header_.size()) {
    refuse(row_line_, "the row has " + std::to_string(used_) + (used_ == 1 ? " cell" : " cells") +
                          ", the header has " + std::to_string(header_.size()));
  }
  return true;
}

bool CsvReader::scan() {
  while (at_ < text_.size() && (text_[at_] == '\n' || text_.compare(at_, 2, "\r\n") == 0)) {
    at_ += text_[at_] == '\n' ? 1 : 2;
    ++line_;
  }
  if (at_ >= text_.size()) return false;
  used_ = 0;
  row_line_ = line_;
  for (;;) {
    if (used_ == kMostColumns) {
      refuse(line_, "more than " + std::to_string(kMostColumns) + " columns");
    }
    if (used_ == cells_.size()) cells_.emplace_back();
    cells_[used_].clear();
    if (at_ < text_.size() && text_[at_] == '"') {
      quoted_cell();
    } else {
      plain_cell();
    }
    std::string& cell = cells_[used_++];
    if (cell.size() > kMostCellBytes) {
      refuse(line_, "a cell holds " + std::to_string(cell.size()) + " bytes; at most " +
                        std::to_string(kMostCellBytes) + " are read (is a quote left open?)");
    }
    trim(cell);
    const bool more = at_ < text_.size() && text_[at_] == ',';
    if (at_ < text_.size()) ++at_;  // the comma or the line break
    if (more) continue;
    ++line_;
    return true;
  }
}

void CsvReader::plain_cell() {
  const std::size_t end = std::min(text_.find_first_of(",\n", at_), text_.size());
  std::size_t stop = end;
  if (stop > at_ && text_[stop - 1] == '\r' && (end == text_.size() || text_[end] == '\n')) --stop;
  cells_[used_].assign(text_, at_, stop - at_);
  at_ = end;
}

void CsvReader::quoted_cell() {
  const std::int64_t opened = line_;
  for (++at_;; ++at_) {
    if (at_ >= text_.size()) refuse(opened, "a quote is opened and never closed");
    if (text_[at_] == '\n') ++line_;
    if (text_[at_] == '"') {
      if (at_ + 1 >= text_.size() || text_[at_ + 1] != '"') break;
      ++at_;
    }
    cells_[used_] += text_[at_];
  }
  ++at_;
  if (text_.compare(at_, 2, "\r\n") == 0) ++at_;
  if (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '\n') {
    refuse(line_, "cell " + std::to_string(used_ + 1) + " goes on after its closing quote");
  }
}

void CsvReader::refuse(std::int64_t line, const std::string& why) const {
  throw InputError(Place{file_, static_cast<int>(line), 0}, why);
}

}  // namespace emosweep::results
