#include "data/rows.h"

#include <algorithm>
#include <limits>

#include "data/cells.h"
#include "data/description_reader.h"
#include "data/difficulty.h"

namespace emosweep::data {
namespace {

std::size_t index(int column) { return static_cast<std::size_t>(column); }

bool one_of(const Layout::Filter& filter, const Record& record) {
  const std::string_view cell = trimmed(record.cells[index(filter.column)]);
  return std::binary_search(filter.values.begin(), filter.values.end(), cell);
}

}  // namespace

RowLoader::RowLoader(const Description& description, const Layout& layout,
                     const std::vector<std::string>& header, const TableLimits& limits,
                     TableMistakes& mistakes)
    : d_(description),
      header_(header),
      limits_(limits),
      mistakes_(mistakes),
      target_(description, layout, header_, out_.dataset, mistakes) {
  Dataset& dataset = out_.dataset;
  dataset.name = out_.samples.dataset = d_.name;
  for (const auto& [name, column] : d_.groups) dataset.groups.push_back({name, {}});
  for (const Written& name : d_.metadata) dataset.metadata.push_back({name.text, {}});
  out_.samples.groups = dataset.groups;
  out_.samples.metadata = dataset.metadata;
  for (std::size_t m = 0; m < d_.modalities.size(); ++m) {
    Modality modality{d_.modalities[m].name.text, d_.modalities[m].kind, {}, 0, {}, {}};
    if (d_.modalities[m].media()) {
      media_.emplace_back();
      dataset.modalities.push_back(std::move(modality));
      continue;
    }
    for (const int column : layout.modalities[m])
      modality.columns.push_back(header_[index(column)]);
    modality.width = static_cast<std::int64_t>(modality.columns.size());
    dataset.modalities.push_back(std::move(modality));
  }
  dataset.official_validation = d_.validation;
  dataset.duplicates = d_.duplicates;
  dataset.duplicates_given = d_.duplicates_given;
}

Place RowLoader::place(std::size_t cell) const {
  return {table_->file(), static_cast<int>(table_->line_of(cell)), 0};
}

void RowLoader::read(TableReader& table, const Layout& columns, const std::string& split) {
  table_ = &table;
  ++tables_;
  const std::int64_t before = row_;
  SampleTable& samples = out_.samples;
  Record record;
  while (table.next(record)) {
    if (row_ >= limits_.rows) {
      mistakes_.add({table.file(), static_cast<int>(record.line), 0},
                    "more than " + std::to_string(limits_.rows) + " rows");
      return;
    }
    const auto text = [&](int column) { return std::string(trimmed(record.cells[index(column)])); };
    samples.id.push_back(id_of(record, columns));
    for (std::size_t g = 0; g < columns.groups.size(); ++g)
      samples.groups[g].values.push_back(text(columns.groups[g]));
    for (std::size_t m = 0; m < columns.metadata.size(); ++m)
      samples.metadata[m].values.push_back(text(columns.metadata[m]));
    std::size_t path = 0;
    for (std::size_t m = 0; m < d_.modalities.size(); ++m)
      if (d_.modalities[m].media()) {
        std::string cell;  // a path, or texts one below the other
        for (const int column : columns.modalities[m])
          cell += (column == columns.modalities[m][0] ? "" : "\n") + text(column);
        media_[path++].push_back(
            {std::move(cell), tables_ - 1, static_cast<std::int32_t>(record.line)});
      }
    if (selected(record, columns)) keep(record, columns, split);
    ++row_;
  }
  if (row_ == before) mistakes_.add({table.file(), 0, 0}, "the table has no whole row");
}

bool RowLoader::selected(const Record& record, const Layout& columns) const {
  const auto hit = [&](const Layout::Filter& filter) { return one_of(filter, record); };
  if (!std::all_of(columns.where.begin(), columns.where.end(), hit)) return false;
  return columns.exclude.empty() ||
         !std::all_of(columns.exclude.begin(), columns.exclude.end(), hit);
}

std::string RowLoader::id_of(const Record& record, const Layout& columns) {
  if (columns.id < 0) return std::to_string(row_ + 1);
  const std::size_t cell = index(columns.id);
  std::string id(trimmed(record.cells[cell]));
  const std::string column = "column " + in_quotes(d_.id.text) + ": ";
  if (id.empty()) {
    mistakes_.add(place(cell), column + "the id is empty");
    return id;
  }
  const auto old = lines_.find(id);
  if (old != lines_.end())
    mistakes_.add(place(cell),
                  column + "the id " + in_quotes(id) + " is there twice, first at " + old->second);
  else
    lines_.emplace(id, table_->file() == d_.tables[0].path.string()
                           ? "line " + std::to_string(table_->line_of(cell))
                           : place(cell).text());
  return id;
}

void RowLoader::keep(const Record& record, const Layout& columns, const std::string& split) {
  Dataset& dataset = out_.dataset;
  if (!target_.read(record, columns, *table_)) return;
  dataset.row.push_back(row_);
  dataset.id.push_back(out_.samples.id.back());
  for (std::size_t g = 0; g < columns.groups.size(); ++g) {
    const std::string& value = out_.samples.groups[g].values.back();
    if (value.empty())
      mistakes_.add(place(index(columns.groups[g])),
                    "column " + in_quotes(d_.groups[g].second.text) + ": the group is empty");
    dataset.groups[g].values.push_back(value);
  }
  for (std::size_t m = 0; m < columns.metadata.size(); ++m)
    dataset.metadata[m].values.push_back(out_.samples.metadata[m].values.back());
  difficulty(record, columns);
  if (columns.split >= 0) {
    const std::string_view cell = trimmed(record.cells[index(columns.split)]);
    dataset.split.push_back(split_of(cell));
    if (dataset.split.back().empty())
      mistakes_.add(place(index(columns.split)), "column " + in_quotes(d_.split.text) +
                                                     ": the split " + in_quotes(std::string(cell)) +
                                                     " is none of train, validation, test");
  } else if (!split.empty()) {
    dataset.split.push_back(split);
  }
  if (!features(record, columns))
    mistakes_.add({table_->file(), static_cast<int>(record.line), 0},
                  "the sample " + in_quotes(dataset.id.back()) +
                      " has no modality: all its feature cells are missing");
}

void RowLoader::difficulty(const Record& record, const Layout& columns) {
  for (const int column : columns.difficulty) {
    double value;
    const std::string_view cell = record.cells[index(column)];
    if (read_number(cell, value) != CellKind::number) {
      mistakes_.add(place(index(column)), "column " + in_quotes(table_->header()[index(column)]) +
                                              ": difficulty needs a number, " +
                                              in_quotes(std::string(cell)) + " is none");
      value = 0;
    }
    difficulty_.push_back(value);
  }
}

// false: every modality of the row is missing.
bool RowLoader::features(const Record& record, const Layout& columns) {
  bool any = false;
  for (std::size_t m = 0; m < columns.modalities.size(); ++m) {
    Modality& modality = out_.dataset.modalities[m];
    bool present = false;
    if (d_.modalities[m].media()) {          // whether the recording can be used is found out later
      present = d_.modalities[m].texts() ||  // nothing is a text too
                !trimmed(record.cells[index(columns.modalities[m][0])]).empty();
      modality.present.push_back(present ? 1 : 0);
      any = any || present;
      continue;
    }
    for (const int column : columns.modalities[m]) {
      double value;
      const std::string_view cell = record.cells[index(column)];
      const CellKind kind = read_number(cell, value);
      modality.values.push_back(value);
      if (kind == CellKind::number) {
        present = true;
      } else if (kind == CellKind::infinite && d_.inf_is_missing) {
        ++infinite_;
      } else if (kind != CellKind::missing) {
        const char* wrong = kind == CellKind::infinite
                                ? "infinite (inf: missing reads it as missing)"
                            : kind == CellKind::too_large ? "too large for a number"
                                                          : "not a number";
        mistakes_.add(place(index(column)), "column " + in_quotes(table_->header()[index(column)]) +
                                                ": " + in_quotes(std::string(cell)) + " is " +
                                                wrong);
        present = true;
      }
    }
    modality.present.push_back(present ? 1 : 0);
    any = any || present;
  }
  return any;
}

Loaded RowLoader::finish() {
  Dataset& dataset = out_.dataset;
  const TargetDescription& target = d_.target;
  const Written& label = target.column;
  const auto warn = [&](const std::string& text) { dataset.warnings.push_back(text); };
  if (row_ > 0 && dataset.size() == 0 && mistakes_.count() == 0)
    mistakes_.add(
        {d_.file.string(), 0, 0},
        "no row is left of " + std::to_string(row_) +
            (target_.left_out() > 0 ? " (the others have no label)" : " after row selection"));
  if (d_.labels == Labels::ignored) return std::move(out_);
  if (target.kind == TargetKind::single && target.classes.empty() && mistakes_.count() == 0) {
    target_.sort_classes();
    if (dataset.target.classes.size() < 2)
      mistakes_.add({d_.file.string(), label.place.line, label.place.column},
                    "the label has only one class: " + listed(dataset.target.classes));
    warn("classes are not listed; found " + std::to_string(dataset.target.classes.size()) +
         " in the column " + in_quotes(label.text) + ": " + listed(dataset.target.classes));
  }
  if (d_.difficulty.given() && mistakes_.count() == 0)
    dataset.difficulty =
        difficulties(d_.difficulty, difficulty_, dataset.label, dataset.target.classes, mistakes_);
  if (target_.left_out() > 0)
    warn("rows without a label, left out: " + std::to_string(target_.left_out()));
  if (infinite_ > 0) warn("infinite cells, read as missing: " + std::to_string(infinite_));
  if (mistakes_.count() == 0)
    for (const std::string& text : target_.warnings()) warn(text);
  return std::move(out_);
}

}  // namespace emosweep::data
