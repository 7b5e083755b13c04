#include "results/table.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "base/error.h"
#include "results/row_filler.h"

namespace emosweep::results {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// End of the run of digits that begins at `at`.
std::size_t digits_end(const std::string& text, std::size_t at) {
  while (at < text.size() && is_digit(text[at])) ++at;
  return at;
}

void check_name(const std::string& name, const RunFolder& folder) {
  const bool control = std::any_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  if (name.empty() || name == "." || name == ".." || control ||
      name.find('/') != std::string::npos) {
    throw InputError((folder.path() / "plan.json").string() + ": experiment name '" + name +
                     "' may not be empty, '.' or '..' or hold '/' or control characters");
  }
}

template <class T, class Less>
std::vector<std::uint32_t> sorted_places(const std::vector<T>& values, const Less& less) {
  std::vector<std::uint32_t> order(values.size()), place(values.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(),
                   [&](auto a, auto b) { return less(values[a], values[b]); });
  for (std::uint32_t i = 0; i < order.size(); ++i) place[order[i]] = i;
  return place;
}

bool before(const Cell& a, const Cell& b) {
  if (a.experiment != b.experiment) return a.experiment < b.experiment;
  if (a.condition != b.condition) return a.condition < b.condition;
  if (a.seed != b.seed) return a.seed < b.seed;
  if (a.fold != b.fold) return natural_less(a.fold, b.fold);
  return a.id < b.id;
}

}  // namespace

bool natural_less(const std::string& a, const std::string& b) {
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (is_digit(a[i]) && is_digit(b[j])) {
      const std::size_t end_i = digits_end(a, i), end_j = digits_end(b, j);
      std::size_t start_i = i, start_j = j;
      while (start_i + 1 < end_i && a[start_i] == '0') ++start_i;
      while (start_j + 1 < end_j && b[start_j] == '0') ++start_j;
      if (end_i - start_i != end_j - start_j) return end_i - start_i < end_j - start_j;
      const int order = a.compare(start_i, end_i - start_i, b, start_j, end_j - start_j);
      if (order != 0) return order < 0;
      i = end_i;
      j = end_j;
    } else {
      if (a[i] != b[j]) return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[j]);
      ++i;
      ++j;
    }
  }
  if ((a.size() - i == 0) != (b.size() - j == 0)) return a.size() - i == 0;
  return a < b;  // only leading zeros differ, or nothing
}

Digest samples_digest(std::span<const std::int64_t> samples) {
  if (samples.empty()) return {};
  return sha256({reinterpret_cast<const std::uint8_t*>(samples.data()), samples.size_bytes()});
}

std::vector<std::string> loss_terms(const std::vector<std::string>& curves) {
  static constexpr const char* kNoTerms[] = {"loss",     "accuracy", "macro_f1", "weighted_f1",
                                             "micro_f1", "uar",      "mae",      "rmse",
                                             "pearson",  "ccc",      "rows"};
  const std::string start = "train_";
  std::vector<std::string> terms;
  for (const auto& curve : curves) {
    if (!curve.starts_with(start)) continue;
    const std::string term = curve.substr(start.size());
    if (std::find(std::begin(kNoTerms), std::end(kNoTerms), term) == std::end(kNoTerms)) {
      terms.push_back(term);
    }
  }
  if (terms.size() < 2) terms.clear();
  std::sort(terms.begin(), terms.end());  // summary.h5 does not keep the order of the records
  return terms;
}

double value_of(const NamedValues& values, const std::string& name) {
  for (const auto& [key, value] : values) {
    if (key == name) return value;
  }
  return kUndefined;
}

Table table_of_plan(const PlanFile& plan) {
  Table table;
  const auto by_name = [](const auto& a, const auto& b) { return a.name < b.name; };
  const auto place = sorted_places(plan.experiments, by_name);
  table.experiments.resize(plan.experiments.size());
  std::vector<std::vector<std::uint32_t>> condition_place;
  for (std::size_t e = 0; e < plan.experiments.size(); ++e) {
    TableExperiment experiment = plan.experiments[e];
    condition_place.push_back(sorted_places(experiment.conditions, std::less<>()));
    std::sort(experiment.conditions.begin(), experiment.conditions.end());
    table.experiments[place[e]] = std::move(experiment);
  }
  table.rows.reserve(plan.cells.size());
  for (const auto& cell : plan.cells) {
    Row& row = table.rows.emplace_back();
    row.cell = cell;
    row.cell.condition = condition_place[cell.experiment][cell.condition];
    row.cell.experiment = place[cell.experiment];
  }
  std::sort(table.rows.begin(), table.rows.end(),
            [](const Row& a, const Row& b) { return before(a.cell, b.cell); });
  std::size_t at = 0;
  for (std::uint32_t e = 0; e <= table.experiments.size(); ++e) {
    while (at < table.rows.size() && table.rows[at].cell.experiment < e) ++at;
    table.first.push_back(at);
  }
  return table;
}

Table planned_table(const RunFolder& folder) {
  const auto plan = folder.plan();
  if (!plan) throw InputError(folder.path().string() + " is no run folder: it has no plan.json");
  for (const auto& experiment : plan->experiments) check_name(experiment.name, folder);
  Table table = table_of_plan(*plan);
  for (std::size_t e = 1; e < table.experiments.size(); ++e) {
    if (table.experiments[e].name == table.experiments[e - 1].name) {
      throw InputError((folder.path() / "plan.json").string() + ": two experiments are called '" +
                       table.experiments[e].name + "'");
    }
  }
  return table;
}

void fill_table(const RunFolder& folder, Table& table, const Visit& visit) {
  const auto ids = folder.committed();
  std::set<std::string> revisions;
  RowFiller filler(folder, table);
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const Digest& id = table.rows[i].cell.id;
    if (!std::binary_search(ids.begin(), ids.end(), id)) {
      filler.not_done(i);
      continue;
    }
    const auto file = folder.record(id);
    const TrialRecord record = read_record(file);
    filler.done(i, record, result_digest(record).hex(), file.string());
    revisions.insert(record.cost.source_revision);
    if (visit) visit(i, record);
  }
  table.source_revisions.assign(revisions.begin(), revisions.end());
}

}  // namespace emosweep::results
