#include "data/target_cells.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/canonical.h"
#include "data/cells.h"
#include "data/description_reader.h"
#include "data/target_counts.h"

namespace emosweep::data {
namespace {

using Unlabelled = TargetDescription::Unlabelled;

constexpr std::size_t kMostClasses = 1000;  // more are no classes but numbers or sentences

std::size_t index(int column) { return static_cast<std::size_t>(column); }

std::string target_name(const TargetDescription& t) {
  if (t.column.given()) return t.column.text;
  return t.kind == TargetKind::multi     ? "labels"
         : t.kind == TargetKind::aspects ? "aspects"
                                         : "values";
}

// -1: neither.
std::int32_t flag_of(std::string_view cell) {
  std::string lower(cell);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (lower == "true") return 1;
  if (lower == "false") return 0;
  double value = 0;
  if (read_number(cell, value) != CellKind::number) return -1;
  return value == 0 ? 0 : value == 1 ? 1 : -1;
}

}  // namespace

TargetCells::TargetCells(const Description& d, const Layout& layout,
                         const std::vector<std::string>& header, Dataset& dataset,
                         TableMistakes& mistakes)
    : t_(d.target), ignored_(d.labels == Labels::ignored), dataset_(dataset), mistakes_(mistakes) {
  TargetSpec& spec = dataset.target;
  spec.name = target_name(t_);
  spec.kind = t_.kind;
  std::vector<std::string> names;
  for (const Written& name : t_.classes) names.push_back(name.text);
  for (std::size_t c = 0; c < names.size(); ++c)
    classes_.emplace(t_.by_index ? std::to_string(c) : names[c], static_cast<std::int32_t>(c));
  (t_.separator.empty() ? spec.classes : spec.outputs) = names;
  for (const int column : layout.targets) spec.outputs.push_back(header[index(column)]);
  if (t_.kind == TargetKind::regression && layout.targets.empty()) spec.outputs = {spec.name};
  neutral_ = static_cast<std::int32_t>(neutral_class(spec));
}

bool TargetCells::read(const Record& record, const Layout& columns, const TableReader& table) {
  table_ = &table;
  if (ignored_) {
    const auto outputs = static_cast<std::size_t>(target_outputs(dataset_.target));
    if (t_.kind == TargetKind::regression)
      dataset_.value.resize(dataset_.value.size() + outputs, 0);
    else
      dataset_.label.resize(dataset_.label.size() + outputs, 0);
    return true;
  }
  switch (t_.kind) {
    case TargetKind::single:
      return read_class(record, columns);
    case TargetKind::multi:
      return t_.separator.empty() ? read_flags(record, columns) : read_label_set(record, columns);
    case TargetKind::aspects:
      return read_aspects(record, columns);
    case TargetKind::regression:
      break;
  }
  return read_values(record, columns);
}

void TargetCells::wrong(std::size_t cell, const std::string& message) {
  mistakes_.add({table_->file(), static_cast<int>(table_->line_of(cell)), 0},
                "column " + in_quotes(table_->header()[cell]) + ": " + message);
}

bool TargetCells::stays(std::size_t cell, const std::string& what) {
  if (t_.unlabelled == Unlabelled::skip) {
    ++left_out_;
    return false;
  }
  ++without_;
  if (t_.unlabelled == Unlabelled::error)
    wrong(cell, what + " (unlabelled: skip leaves such rows out)");
  return true;
}

std::int32_t TargetCells::class_of(std::string_view cell, std::size_t at) {
  std::string text(cell);
  const auto mapped = t_.map.find(text);
  const bool named = mapped != t_.map.end();  // what a map says is a name, whatever cells hold
  if (named) text = mapped->second;
  const std::vector<std::string>& names =
      t_.kind == TargetKind::multi ? dataset_.target.outputs : dataset_.target.classes;
  if (named && t_.by_index) {
    const auto found = std::find(names.begin(), names.end(), text);
    return static_cast<std::int32_t>(found - names.begin());  // check_target has looked
  }
  const auto known = classes_.find(text);
  if (known != classes_.end()) return known->second;
  if (t_.by_index)
    wrong(at, "the label " + in_quotes(text) +
                  " is no index of the classes, a whole number from 0 to " +
                  std::to_string(names.size() - 1));
  else
    wrong(at, "the label " + in_quotes(text) + " is not one of the classes" + hint(text, names));
  return -1;
}

bool TargetCells::read_class(const Record& record, const Layout& columns) {
  const std::size_t at = index(columns.label);
  std::string text(trimmed(record.cells[at]));
  const auto mapped = t_.map.find(text);
  if (mapped != t_.map.end()) text = mapped->second;
  TargetSpec& spec = dataset_.target;
  std::int32_t label = 0;
  if (const auto known = classes_.find(text); known != classes_.end()) {
    label = known->second;
  } else if (is_missing(text)) {
    if (!stays(at, "the label is missing")) return false;
  } else if (!spec.classes.empty() && !t_.classes.empty()) {
    label = std::max(0, class_of(trimmed(record.cells[at]), at));
  } else {
    if (classes_.size() == kMostClasses)
      wrong(at, "there are more than " + std::to_string(kMostClasses) +
                    " different labels; list the 'classes' if it is meant");
    label = static_cast<std::int32_t>(classes_.size());
    classes_.emplace(text, label);
    spec.classes.push_back(text);
  }
  dataset_.label.push_back(label);
  return true;
}

bool TargetCells::read_label_set(const Record& record, const Layout& columns) {
  const std::size_t at = index(columns.label);
  const std::string_view cell = trimmed(record.cells[at]);
  std::vector<std::int32_t> set(dataset_.target.outputs.size(), 0);
  if (is_missing(cell) && !classes_.contains(std::string(cell))) {
    if (!stays(at, "the row has no label")) return false;
  } else {
    for (std::size_t begin = 0; begin <= cell.size();) {
      const std::size_t end = std::min(cell.find(t_.separator, begin), cell.size());
      const std::string_view word = trimmed(cell.substr(begin, end - begin));
      begin = end + t_.separator.size();
      if (word.empty()) {
        wrong(at, "nothing stands between two separators of " + in_quotes(std::string(cell)));
        continue;
      }
      const std::int32_t label = class_of(word, at);
      if (label < 0) continue;
      if (set[index(label)]++ == 1) {
        set[index(label)] = 1;
        wrong(at, "the label " + in_quotes(std::string(word)) + " is there twice");
      }
    }
  }
  dataset_.label.insert(dataset_.label.end(), set.begin(), set.end());
  return true;
}

bool TargetCells::read_flags(const Record& record, const Layout& columns) {
  const auto empty = [&](int column) { return is_missing(trimmed(record.cells[index(column)])); };
  const bool none = std::all_of(columns.targets.begin(), columns.targets.end(), empty);
  if (none && !stays(index(columns.targets[0]), "all labels of the row are missing")) return false;
  for (const int column : columns.targets) {
    const std::string_view cell = trimmed(record.cells[index(column)]);
    const std::int32_t flag = none ? 0 : flag_of(cell);
    if (flag < 0)
      wrong(index(column), in_quotes(std::string(cell)) + " is none of 0, 1, true, false");
    dataset_.label.push_back(std::max(flag, 0));
  }
  return true;
}

bool TargetCells::read_aspects(const Record& record, const Layout& columns) {
  std::vector<std::int32_t> labels;
  bool any = false;
  for (const int column : columns.targets) {
    const std::string_view cell = trimmed(record.cells[index(column)]);
    const std::string text(cell);
    std::int32_t label = -1;
    if (classes_.contains(text) || t_.map.contains(text) || !is_missing(cell)) {
      label = class_of(cell, index(column));
    } else if (t_.empty == TargetDescription::Empty::neutral) {
      label = neutral_;
    } else if (t_.empty == TargetDescription::Empty::error) {
      wrong(index(column),
            "the cell is empty (empty: neutral reads it as the class neutral, empty: ignore as "
            "unknown)");
    }
    any = any || label >= 0;
    labels.push_back(label);
  }
  if (!any && !stays(index(columns.targets[0]), "no aspect of the row is known")) return false;
  dataset_.label.insert(dataset_.label.end(), labels.begin(), labels.end());
  return true;
}

double TargetCells::number_in(std::string_view cell, std::size_t at) {
  double value = 0;
  const CellKind kind = read_number(cell, value);
  const std::string text = in_quotes(std::string(trimmed(cell)));
  if (kind != CellKind::number) {
    wrong(at, text + (kind == CellKind::infinite    ? " is infinite"
                      : kind == CellKind::too_large ? " is too large for a number"
                                                    : " is not a number"));
    return 0;
  }
  if (t_.range && (value < t_.range->first || value > t_.range->second))
    wrong(at, text + " is outside of the range [" + number_text(t_.range->first) + ", " +
                  number_text(t_.range->second) + "]");
  return value;
}

bool TargetCells::read_values(const Record& record, const Layout& columns) {
  const std::vector<int> cells =
      columns.targets.empty() ? std::vector<int>{columns.label} : columns.targets;
  for (const int column : cells) {
    if (!is_missing(trimmed(record.cells[index(column)]))) continue;
    if (!stays(index(column), "the value is missing")) return false;
    break;
  }
  for (const int column : cells) {
    const std::string_view cell = record.cells[index(column)];
    dataset_.value.push_back(is_missing(trimmed(cell)) ? 0 : number_in(cell, index(column)));
  }
  return true;
}

void TargetCells::sort_classes() {
  if (t_.kind != TargetKind::single || !t_.classes.empty()) return;
  std::vector<std::string>& classes = dataset_.target.classes;
  std::vector<std::int32_t> order(classes.size()), rank(classes.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
    return classes[static_cast<std::size_t>(a)] < classes[static_cast<std::size_t>(b)];
  });
  std::vector<std::string> sorted;
  for (std::size_t i = 0; i < order.size(); ++i) {
    rank[static_cast<std::size_t>(order[i])] = static_cast<std::int32_t>(i);
    sorted.push_back(classes[static_cast<std::size_t>(order[i])]);
  }
  classes = std::move(sorted);
  for (std::int32_t& label : dataset_.label) label = rank[static_cast<std::size_t>(label)];
}

std::vector<std::string> TargetCells::warnings() const {
  std::vector<std::string> all;
  const TargetSpec& spec = dataset_.target;
  if (without_ > 0)
    all.push_back((spec.kind == TargetKind::aspects ? "rows without a known aspect: "
                                                    : "rows without any label: ") +
                  std::to_string(without_));
  const std::vector<std::int64_t> counts = target_counts(dataset_, all_rows(dataset_));
  const auto C = static_cast<std::size_t>(block_classes(spec));
  std::vector<std::string> empty;
  const std::size_t blocks = C == 0 ? 0 : counts.size() / C;
  for (std::size_t g = 0; g < blocks; ++g) {
    const auto own = counts.begin() + static_cast<std::ptrdiff_t>(g * C);
    if (spec.kind == TargetKind::multi && own[1] == 0) empty.push_back(spec.outputs[g]);
    if (spec.kind == TargetKind::aspects && std::accumulate(own, own + C, std::int64_t{0}) == 0)
      empty.push_back(spec.outputs[g]);
    for (std::size_t c = 0; spec.kind == TargetKind::single && c < C; ++c)
      if (own[static_cast<std::ptrdiff_t>(c)] == 0) empty.push_back(spec.classes[c]);
  }
  const char* what = spec.kind == TargetKind::aspects ? "aspects that no row knows: "
                     : spec.kind == TargetKind::multi ? "labels that no row has: "
                                                      : "classes without a sample: ";
  if (!empty.empty()) all.push_back(what + listed(empty));
  return all;
}

}  // namespace emosweep::data
