#include "results/summary_reader.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "results/summary_parts.h"

namespace emosweep::results {
namespace {

const std::set<std::string> kNoMetrics{
    "id",     "experiment", "condition", "seed",           "fold",
    "group",  "status",     "reason",    "result_sha256",  "best_epoch",
    "epochs", "train_rows", "test_rows", "validation_rows"};

template <class T>
std::vector<T> numbers(const h5::Node& node, const std::string& name, std::size_t size) {
  std::vector<T> values = node.open(name).values<T>();
  if (values.size() != size) throw InputError("'" + name + "' has another size than its fellows");
  return values;
}

std::vector<std::string> texts(const h5::Node& node, const std::string& name, std::size_t size) {
  std::vector<std::string> values = node.open(name).texts();
  if (values.size() != size) throw InputError("'" + name + "' has another size than its fellows");
  return values;
}

}  // namespace

SummaryReader::SummaryReader(const h5::Node& root, const Table& table) : table_(table) {
  const h5::Node trials = root.open("trials");
  of_plan_ = root.integer("result_version") == kResultVersion &&
             root.text("resolved_sha256") == resolved_digest(table).hex() && same_cells(trials) &&
             same_experiments(root);
  if (!of_plan_) return;
  const std::size_t rows = table.rows.size();
  status_ = texts(trials, "status", rows);
  results_ = texts(trials, "result_sha256", rows);
  best_epoch_ = numbers<std::int64_t>(trials, "best_epoch", rows);
  epochs_ = numbers<std::int64_t>(trials, "epochs", rows);
  train_rows_ = numbers<std::int64_t>(trials, "train_rows", rows);
  validation_rows_ = numbers<std::int64_t>(trials, "validation_rows", rows);
  test_rows_ = numbers<std::int64_t>(trials, "test_rows", rows);
  read_metrics(trials);
  source_revisions_ = root.text_list("source_revisions");
  for (std::size_t e = 0; e < table.experiments.size(); ++e) {
    experiments_.push_back(read_experiment(root, e));
  }
}

bool SummaryReader::same_cells(const h5::Node& trials) const {
  const auto id = trials.open("id").texts(), experiment = trials.open("experiment").texts(),
             condition = trials.open("condition").texts(), fold = trials.open("fold").texts(),
             group = trials.open("group").texts();
  const auto seed = trials.open("seed").values<std::uint64_t>();
  const std::size_t rows = table_.rows.size();
  for (const std::size_t size :
       {id.size(), experiment.size(), condition.size(), fold.size(), group.size(), seed.size()}) {
    if (size != rows) return false;
  }
  for (std::size_t i = 0; i < rows; ++i) {
    const Cell& cell = table_.rows[i].cell;
    const PlannedExperiment& own = table_.experiments[cell.experiment];
    if (id[i] != cell.id.hex() || experiment[i] != own.name ||
        condition[i] != own.conditions[cell.condition] || seed[i] != cell.seed ||
        fold[i] != cell.fold || group[i] != cell.group) {
      return false;
    }
  }
  return true;
}

bool SummaryReader::same_experiments(const h5::Node& root) const {
  for (const auto& experiment : table_.experiments) {
    const h5::Node node = root.open("experiments/" + experiment.name);
    const h5::Node samples = root.open("samples/" + node.text("samples"));
    if (node.text_list("classes") != experiment.classes || node.text("group") != experiment.group ||
        samples.text("digest") != experiment.samples.hex()) {
      return false;
    }
  }
  return true;
}

void SummaryReader::read_metrics(const h5::Node& trials) {
  const std::string validation = "validation_";
  for (const auto& name : trials.names()) {
    if (kNoMetrics.count(name)) continue;
    auto values = numbers<double>(trials, name, table_.rows.size());
    if (name.starts_with(validation)) {
      validation_.emplace_back(name.substr(validation.size()), std::move(values));
    } else {
      test_.emplace_back(name, std::move(values));
    }
  }
}

SummaryReader::Experiment SummaryReader::read_experiment(const h5::Node& root,
                                                         std::size_t index) const {
  const PlannedExperiment& planned = table_.experiments[index];
  const std::size_t rows = table_.first[index + 1] - table_.first[index];
  const std::size_t classes = planned.classes.size();
  const h5::Node node = root.open("experiments/" + planned.name);
  Experiment own;
  own.confusion = numbers<std::int64_t>(node, "confusion", rows * classes * classes);
  own.train_counts = numbers<std::int64_t>(node, "train_counts", rows * classes);
  const h5::Node curves = node.open("curves"), lengths = node.open("curve_epochs");
  for (const char* name : kDrawnCurves) {
    if (!curves.has(name)) continue;
    own.curve_epochs[name] = numbers<std::int64_t>(lengths, name, rows);
    own.curves[name] = curves.open(name).values<double>();
  }
  const h5::Node predictions = root.open("predictions/" + planned.name);
  own.trial = predictions.open("trial").values<std::int64_t>();
  const std::size_t n = own.trial.size();
  if (!std::is_sorted(own.trial.begin(), own.trial.end())) {
    throw InputError("predictions do not come by trial");
  }
  own.sample = numbers<std::int64_t>(predictions, "sample", n);
  own.truth = numbers<std::int32_t>(predictions, "true", n);
  own.predicted = numbers<std::int32_t>(predictions, "predicted", n);
  for (const auto* labels : {&own.truth, &own.predicted}) {
    for (const auto label : *labels) {
      if (label < 0 || static_cast<std::size_t>(label) >= classes) {
        throw InputError("predictions hold a class that is not there");
      }
    }
  }
  if (predictions.has("probabilities")) {
    own.probability = numbers<float>(predictions, "probabilities", n * classes);
  }
  return own;
}

void SummaryReader::take_predictions(Experiment& own, std::size_t row, TargetResult& target) const {
  const auto trial = static_cast<std::int64_t>(row);
  const auto first =
      std::lower_bound(own.trial.begin() + static_cast<long>(own.next), own.trial.end(), trial);
  const auto last = std::upper_bound(first, own.trial.end(), trial);
  const auto from = first - own.trial.begin(), to = last - own.trial.begin();
  own.next = static_cast<std::size_t>(to);
  if (from == to) return;
  target.sample.assign(own.sample.begin() + from, own.sample.begin() + to);
  target.truth.assign(own.truth.begin() + from, own.truth.begin() + to);
  target.predicted.assign(own.predicted.begin() + from, own.predicted.begin() + to);
  const auto c = static_cast<long>(target.spec.classes.size());
  // A record that kept labels only has NaN beside those that kept probabilities.
  if (own.probability.empty() || std::isnan(own.probability[static_cast<std::size_t>(from * c)])) {
    return;
  }
  target.probability.assign(own.probability.begin() + from * c, own.probability.begin() + to * c);
}

TrialRecord SummaryReader::record(std::size_t row) {
  const Cell& cell = table_.rows[row].cell;
  Experiment& own = experiments_[cell.experiment];
  const std::size_t at = row - table_.first[cell.experiment];
  TrialRecord record;
  record.id = cell.id;
  Outcome& result = record.result;
  result.best_epoch = best_epoch_[row];
  result.epochs = epochs_[row];
  result.train_rows = train_rows_[row];
  result.validation_rows = validation_rows_[row];
  result.test_rows = test_rows_[row];
  for (const auto& [name, values] : validation_) {
    if (!std::isnan(values[row])) result.validation.emplace_back(name, values[row]);
  }
  for (const auto& [name, values] : test_) {
    if (!std::isnan(values[row])) result.test.emplace_back(name, values[row]);
  }
  const std::size_t rows = table_.first[cell.experiment + 1] - table_.first[cell.experiment];
  for (const auto& [name, values] : own.curves) {
    const std::size_t epochs = values.size() / rows;
    const std::int64_t length = own.curve_epochs.at(name)[at];
    if (length < 0) continue;
    if (static_cast<std::size_t>(length) > epochs) throw InputError("a curve has no such length");
    const auto first = values.begin() + static_cast<long>(at * epochs);
    result.curves.push_back({name, {first, first + length}});
  }
  TargetResult& target = result.targets.emplace_back();
  target.spec.classes = table_.experiments[cell.experiment].classes;
  const std::size_t c = target.spec.classes.size();
  const auto confusion = own.confusion.begin() + static_cast<long>(at * c * c);
  target.confusion.assign(confusion, confusion + static_cast<long>(c * c));
  const auto counts = own.train_counts.begin() + static_cast<long>(at * c);
  target.train_counts.assign(counts, counts + static_cast<long>(c));
  take_predictions(own, row, target);
  return record;
}

}  // namespace emosweep::results
