#include "results/summary_parts.h"

#include <algorithm>
#include <set>

#include "base/canonical.h"
#include "base/error.h"
#include "results/summary.h"

namespace emosweep::results {
namespace {

template <class T, class Value>
void write_column(const h5::Node& node, const std::string& name, const Table& table,
                  const Value& value) {
  std::vector<T> column;
  column.reserve(table.rows.size());
  for (const Row& row : table.rows) column.push_back(value(row));
  if constexpr (std::is_same_v<T, std::string>) {
    node.write_texts(name, column);
  } else {
    node.write(name, column);
  }
}

// The metrics that always stand there, in their order, then whatever else records hold.
std::vector<std::string> metric_names(const Table& table, NamedValues Row::*values) {
  std::vector<std::string> names;
  for (const auto& [name, value] : named_scores(Confusion(1))) names.push_back(name);
  names.emplace_back("loss");
  std::set<std::string> further;
  for (const Row& row : table.rows) {
    for (const auto& [name, value] : row.*values) further.insert(name);
  }
  for (const auto& name : names) further.erase(name);
  names.insert(names.end(), further.begin(), further.end());
  return names;
}

// A column's name as the name of a dataset of the group, unlike those in use.
std::string dataset_name(const std::string& name, std::set<std::string>& used) {
  std::string base = name;
  std::replace(base.begin(), base.end(), '/', '_');
  if (base.empty() || base == "." || base == "..") base = "column_" + base;
  std::string result = base;
  for (int n = 2; !used.insert(result).second; ++n) result = base + "_" + std::to_string(n);
  return result;
}

// Confusion, training rows and thresholds of each trial; zero and NaN where it is not done.
void write_counts(const h5::Node& node, const Table& table, const PlannedExperiment& experiment,
                  std::size_t first, std::size_t rows) {
  const bool single = experiment.kind == TargetKind::single;
  const auto g = static_cast<std::uint64_t>(target_blocks(experiment.target())),
             c = static_cast<std::uint64_t>(block_classes(experiment.target()));
  std::vector<std::int64_t> confusion, train_counts;
  std::vector<double> thresholds;
  confusion.reserve(rows * g * c * c);
  train_counts.reserve(rows * g * c);
  for (std::size_t i = 0; i < rows; ++i) {
    const Row& row = table.rows[first + i];
    confusion.insert(confusion.end(), row.confusion.counts.begin(), row.confusion.counts.end());
    confusion.resize((i + 1) * g * c * c, 0);
    train_counts.insert(train_counts.end(), row.train_counts.begin(), row.train_counts.end());
    train_counts.resize((i + 1) * g * c, 0);
    thresholds.insert(thresholds.end(), row.thresholds.begin(), row.thresholds.end());
    if (experiment.kind == TargetKind::multi) thresholds.resize((i + 1) * g, kUndefined);
  }
  node.write("confusion", confusion, single ? h5::Shape{rows, c, c} : h5::Shape{rows, g, c, c});
  node.write("train_counts", train_counts, single ? h5::Shape{rows, c} : h5::Shape{rows, g, c});
  if (experiment.kind == TargetKind::multi) node.write("thresholds", thresholds, {rows, g});
}

// Means of the training rows, [rows, values]; NaN where they are not known.
void write_means(const h5::Node& node, const Table& table, const PlannedExperiment& experiment,
                 std::size_t first, std::size_t rows) {
  const auto o = static_cast<std::uint64_t>(target_outputs(experiment.target()));
  std::vector<double> means;
  for (std::size_t i = 0; i < rows; ++i) {
    const std::vector<double>& own = table.rows[first + i].train_mean;
    means.insert(means.end(), own.begin(), own.end());
    means.resize((i + 1) * o, kUndefined);
  }
  node.write("train_mean", means, {rows, o});
}

}  // namespace

void write_trials(const h5::Node& node, const Table& table) {
  const auto& experiments = table.experiments;
  using Text = std::string;
  using Whole = std::int64_t;
  write_column<Text>(node, "id", table, [](const Row& r) { return r.cell.id.hex(); });
  write_column<Text>(node, "experiment", table,
                     [&](const Row& r) { return experiments[r.cell.experiment].name; });
  write_column<Text>(node, "condition", table, [&](const Row& r) {
    return experiments[r.cell.experiment].conditions[r.cell.condition];
  });
  write_column<std::uint64_t>(node, "seed", table, [](const Row& r) { return r.cell.seed; });
  write_column<Text>(node, "fold", table, [](const Row& r) { return r.cell.fold; });
  write_column<Text>(node, "group", table, [](const Row& r) { return r.cell.group; });
  write_column<Text>(node, "status", table, [](const Row& r) { return r.status; });
  write_column<Text>(node, "reason", table, [](const Row& r) { return r.reason; });
  write_column<Text>(node, "result_sha256", table, [](const Row& r) { return r.result; });
  write_column<Whole>(node, "best_epoch", table, [](const Row& r) { return r.best_epoch; });
  write_column<Whole>(node, "epochs", table, [](const Row& r) { return r.epochs; });
  write_column<Whole>(node, "train_rows", table, [](const Row& r) { return r.train_rows; });
  write_column<Whole>(node, "validation_rows", table,
                      [](const Row& r) { return r.validation_rows; });
  write_column<Whole>(node, "test_rows", table, [](const Row& r) { return r.test_rows; });
  for (const auto& name : metric_names(table, &Row::test)) {
    write_column<double>(node, name, table, [&](const Row& r) { return value_of(r.test, name); });
  }
  for (const auto& name : metric_names(table, &Row::validation)) {
    write_column<double>(node, "validation_" + name, table,
                         [&](const Row& r) { return value_of(r.validation, name); });
  }
}

void write_experiment(const h5::Node& node, const Table& table, const PlannedExperiment& experiment,
                      std::size_t first, std::size_t rows) {
  node.set("resolved", experiment.resolved);
  node.set("classes", experiment.classes);
  if (experiment.kind != TargetKind::single) {
    node.set("target", std::string(target_kind_name(experiment.kind)));
    node.set("outputs", experiment.outputs);
  }
  node.set("dataset", experiment.dataset);
  node.set("samples", sample_groups(table).at(experiment.samples));
  node.set("protocol", experiment.protocol);
  node.set("group", experiment.group);
  node.set("normalise", experiment.normalise);
  node.set("selection_metric", experiment.selection_metric);
  node.set("first_trial", static_cast<std::int64_t>(first));
  node.set("trials", static_cast<std::int64_t>(rows));
  node.write_texts("conditions", experiment.conditions);
  if (experiment.kind == TargetKind::regression)
    write_means(node, table, experiment, first, rows);
  else
    write_counts(node, table, experiment, first, rows);
}

std::map<Digest, std::string> sample_groups(const Table& table) {
  std::set<std::pair<std::string, Digest>> tables;
  for (const auto& experiment : table.experiments) {
    tables.emplace(experiment.dataset, experiment.samples);
  }
  std::map<Digest, std::string> groups;
  std::set<std::string> used;
  for (const auto& [dataset, digest] : tables) {
    if (!groups.count(digest)) groups[digest] = dataset_name(dataset, used);
  }
  return groups;
}

void write_samples(const h5::Node& node, const RunFolder& folder, const Table& table) {
  for (const auto& [digest, name] : sample_groups(table)) {
    const Samples samples = read_samples(folder, digest);
    const h5::Node group = node.make_group(name);
    group.set("dataset", samples.dataset);
    group.set("digest", digest.hex());
    group.write_texts("id", samples.id);
    std::set<std::string> used{"id"};
    const auto write = [&](const std::string& column, const std::vector<std::string>& values,
                           const char* role) {
      const h5::Node dataset = group.write_texts(dataset_name(column, used), values);
      dataset.set("name", column);
      dataset.set("role", std::string(role));
    };
    std::set<std::string> groups;
    for (const auto& [column, values] : samples.groups) {
      write(column, values, "group");
      groups.insert(column);
    }
    for (const auto& [column, values] : samples.metadata) {
      if (!groups.count(column)) write(column, values, "metadata");
    }
  }
}

Digest resolved_digest(const Table& table) {
  Sha256 hash;
  for (const auto& experiment : table.experiments) {
    hash.add_sized(experiment.name).add_sized(experiment.resolved);
  }
  return hash.finish();
}

}  // namespace emosweep::results
