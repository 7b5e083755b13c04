#include "results/csv_source.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "base/error.h"
#include "results/csv_cells.h"

namespace emosweep::results {
namespace {

// Where folds are named anew in every seed, most of seeds x folds would be missing.
constexpr std::size_t kMostMissing = 1'000'000;

using Cells = std::map<Digest, const CsvCell*>;

// The p_ columns name the classes in their order; else they are the labels that occur.
std::vector<std::string> classes_of(const CsvCells& csv) {
  std::vector<std::string> classes;
  for (const auto& [name, column] : csv.columns.probabilities) classes.push_back(name);
  if (classes.empty()) {
    classes = csv.labels.values();
    std::sort(classes.begin(), classes.end(), natural_less);
    return classes;
  }
  for (const auto& label : csv.labels.values()) {
    if (std::find(classes.begin(), classes.end(), label) != classes.end()) continue;
    std::string what = "there is no column 'p_";
    what.append(label).append("' for class '").append(label).append("' of 'true' and 'predicted'");
    throw InputError(Place{csv.file, 1, 0}, what);
  }
  return classes;
}

Digest id_of(const CsvCells& csv, const CsvKey& key) {
  Sha256 hash;
  hash.add_sized("emosweep-csv").add_sized(csv.file).add_sized(csv.experiments[key.experiment]);
  hash.add_sized(csv.conditions[key.condition]).add_sized(std::to_string(key.seed));
  hash.add_sized(csv.folds[key.fold]);
  return hash.finish();
}

// Over the names of the samples, so that equal test parts of two files are equal.
Digest samples_of(const CsvCells& csv, const CsvCell& cell) {
  if (cell.sample.empty()) return {};
  std::vector<std::string> names;
  for (const auto sample : cell.sample) names.push_back(csv.samples[sample]);
  std::sort(names.begin(), names.end());
  Sha256 hash;
  for (const auto& name : names) hash.add_sized(name);
  return hash.finish();
}

// What an experiment was tested on: samples with their labels and groups, or without their names
// how many of each label every fold and group holds (the same for every seed, so they count once).
std::map<std::uint32_t, Digest> tested_of(const CsvCells& csv) {
  std::map<std::uint32_t, std::set<std::vector<std::string>>> lines;
  for (const auto& [key, cell] : csv.cells) {
    std::map<std::vector<std::string>, std::int64_t> counts;
    for (std::size_t i = 0; i < cell.line.size(); ++i) {
      const std::string group = cell.group.empty() ? "" : csv.groups[cell.group[i]];
      const std::string truth = cell.truth.empty() ? "" : csv.labels[cell.truth[i]];
      if (!cell.sample.empty()) {
        lines[key.experiment].insert({csv.samples[cell.sample[i]], truth, group});
      } else {
        ++counts[{csv.folds[key.fold], truth, group}];
      }
    }
    for (const auto& [counted, n] : counts) {
      std::vector<std::string> line = counted;
      line.push_back(std::to_string(n));
      lines[key.experiment].insert(std::move(line));
    }
  }
  std::map<std::uint32_t, Digest> digests;
  for (const auto& [experiment, own] : lines) {
    Sha256 hash;
    for (const auto& line : own) {
      for (const auto& cell : line) hash.add_sized(cell);
    }
    digests[experiment] = hash.finish();
  }
  return digests;
}

std::vector<std::string> notes_of(const CsvColumns& columns) {
  std::vector<std::string> notes;
  if (!columns.seed) {
    notes.emplace_back(
        "no column 'seed': all rows are of one seed, and nothing says what a re-run would give");
  }
  if (columns.score) {
    if (!columns.group) notes.emplace_back("no column 'group': every fold stands for a subject");
    notes.emplace_back(
        "scores of cells: of confusion, classes and pooled metrics nothing is known");
    return notes;
  }
  if (!columns.sample) {
    notes.emplace_back("no column 'sample': that equal counts are the same rows is taken on trust");
  }
  notes.emplace_back("no majority baseline: what was trained on is not known");
  return notes;
}

PlanFile plan_of(const CsvCells& csv, const std::vector<std::string>& classes) {
  PlanFile plan;
  const auto tested = tested_of(csv);
  std::vector<std::map<std::uint32_t, std::uint32_t>> conditions(csv.experiments.values().size());
  std::vector<std::set<std::uint32_t>> folds(csv.experiments.values().size());
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::set<std::uint64_t>> seeds;
  for (std::uint32_t e = 0; e < csv.experiments.values().size(); ++e) {
    PlannedExperiment& experiment = plan.experiments.emplace_back();
    experiment.name = csv.experiments[e];
    experiment.dataset = std::filesystem::path(csv.file).filename().string();
    experiment.samples = tested.at(e);
    if (csv.columns.group) experiment.group = "group";
    experiment.classes = classes;
  }
  for (const auto& [key, cell] : csv.cells) {
    auto& labels = plan.experiments[key.experiment].conditions;
    const auto [place, is_new] = conditions[key.experiment].try_emplace(
        key.condition, static_cast<std::uint32_t>(labels.size()));
    if (is_new) labels.push_back(csv.conditions[key.condition]);
    folds[key.experiment].insert(key.fold);
    seeds[{key.experiment, key.condition}].insert(key.seed);
  }
  for (const auto& [condition, own] : seeds) {
    const auto [e, c] = condition;
    if (own.size() * folds[e].size() > csv.cells.size() + kMostMissing) {
      throw InputError(csv.file + ": " + std::to_string(own.size()) + " seeds x " +
                       std::to_string(folds[e].size()) +
                       " folds are far more than the file holds: "
                       "do folds have another name in every seed?");
    }
    for (const auto seed : own) {
      for (const auto fold : folds[e]) {
        plan.cells.push_back(
            {id_of(csv, {e, c, seed, fold}), e, conditions[e].at(c), seed, csv.folds[fold], ""});
      }
    }
  }
  return plan;
}

class CellFiller {
 public:
  CellFiller(const CsvCells& csv, const std::vector<std::string>& classes,
             const std::string& metric)
      : csv_(csv), classes_(static_cast<std::int64_t>(classes.size())), metric_(metric) {
    for (const auto& label : csv.labels.values()) {
      class_of_.push_back(static_cast<std::int32_t>(
          std::find(classes.begin(), classes.end(), label) - classes.begin()));
    }
  }

  void fill(Row& row, const CsvCell& cell) const {
    row.status = "done";
    add_groups(row, cell);
    if (csv_.columns.score) {
      row.test = {{metric_, cell.score}};
      return;
    }
    row.confusion = Confusion(classes_);
    std::vector<std::int32_t> truth, predicted;
    for (std::size_t i = 0; i < cell.truth.size(); ++i) {
      truth.push_back(class_of_[cell.truth[i]]);
      predicted.push_back(class_of_[cell.predicted[i]]);
      row.confusion.add(truth.back(), predicted.back());
    }
    row.test_rows = static_cast<std::int64_t>(truth.size());
    row.test = named_scores(row.confusion);
    row.samples = samples_of(csv_, cell);
    if (!cell.probability.empty()) {
      row.calibration.add(truth, predicted, cell.probability, classes_);
    }
  }

 private:
  void add_groups(Row& row, const CsvCell& cell) const {
    if (cell.group.empty()) {
      if (csv_.columns.score) row.cell.group = row.cell.fold;
      return;
    }
    const std::set<std::uint32_t> groups(cell.group.begin(), cell.group.end());
    if (groups.size() == 1) {
      row.cell.group = csv_.groups[cell.group[0]];
      return;
    }
    std::map<std::string, Confusion, bool (*)(const std::string&, const std::string&)> parts(
        natural_less);
    for (std::size_t i = 0; i < cell.group.size(); ++i) {
      parts.try_emplace(csv_.groups[cell.group[i]], classes_)
          .first->second.add(class_of_[cell.truth[i]], class_of_[cell.predicted[i]]);
    }
    row.subjects.assign(parts.begin(), parts.end());
  }

  const CsvCells& csv_;
  std::int64_t classes_;
  std::string metric_;
  std::vector<std::int32_t> class_of_;  // by label
};

}  // namespace

Table csv_table(const std::filesystem::path& file, const std::string& metric) {
  const CsvCells csv = read_csv_cells(file);
  const std::vector<std::string> classes = classes_of(csv);
  Table table = table_of_plan(plan_of(csv, classes));
  table.slices.assign(table.experiments.size(), {});
  for (TableExperiment& experiment : table.experiments) {
    experiment.external = true;
    if (csv.columns.score) experiment.metric = metric;
    experiment.notes = notes_of(csv.columns);
  }
  Cells cells;
  for (const auto& [key, cell] : csv.cells) cells.emplace(id_of(csv, key), &cell);
  const CellFiller filler(csv, classes, metric);
  for (Row& row : table.rows) {
    const auto found = cells.find(row.cell.id);
    if (found != cells.end()) filler.fill(row, *found->second);
  }
  return table;
}

}  // namespace emosweep::results
