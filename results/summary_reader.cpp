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
    const bool other_kinds = node.has_attribute("target");
    if ((other_kinds ? node.text("target") : "single") != target_kind_name(experiment.kind) ||
        (other_kinds && node.text_list("outputs") != experiment.outputs)) {
      return false;
    }
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

void SummaryReader::read_counts(const h5::Node& node, std::size_t index, Experiment& own) const {
  const TargetSpec spec = table_.experiments[index].target();
  const std::size_t rows = table_.first[index + 1] - table_.first[index];
  if (spec.kind == TargetKind::regression) {
    const auto o = static_cast<std::size_t>(target_outputs(spec));
    if (node.has("train_mean")) own.train_mean = numbers<double>(node, "train_mean", rows * o);
    return;
  }
  const auto g = static_cast<std::size_t>(target_blocks(spec)),
             c = static_cast<std::size_t>(block_classes(spec));
  own.confusion = numbers<std::int64_t>(node, "confusion", rows * g * c * c);
  own.train_counts = numbers<std::int64_t>(node, "train_counts", rows * g * c);
  if (spec.kind == TargetKind::multi)
    own.thresholds = numbers<double>(node, "thresholds", rows * g);
}

void SummaryReader::read_predictions(const h5::Node& node, const TargetSpec& spec,
                                     Experiment& own) const {
  own.trial = node.open("trial").values<std::int64_t>();
  const std::size_t n = own.trial.size();
  const auto o = static_cast<std::size_t>(target_outputs(spec)),
             w = static_cast<std::size_t>(target_width(spec));
  if (!std::is_sorted(own.trial.begin(), own.trial.end())) {
    throw InputError("predictions do not come by trial");
  }
  own.sample = numbers<std::int64_t>(node, "sample", n);
  if (spec.kind == TargetKind::regression) {
    own.true_value = numbers<double>(node, "true", n * o);
    own.predicted_value = numbers<double>(node, "predicted", n * o);
    return;
  }
  own.truth = numbers<std::int32_t>(node, "true", n * o);
  own.predicted = numbers<std::int32_t>(node, "predicted", n * o);
  const std::int64_t classes = block_classes(spec);
  for (const auto* labels : {&own.truth, &own.predicted}) {
    const bool unknown = spec.kind == TargetKind::aspects && labels == &own.truth;
    for (const auto label : *labels) {
      if (label < (unknown ? -1 : 0) || label >= classes) {
        throw InputError("predictions hold a class that is not there");
      }
    }
  }
  if (node.has("probabilities")) own.probability = numbers<float>(node, "probabilities", n * w);
}

SummaryReader::Experiment SummaryReader::read_experiment(const h5::Node& root,
                                                         std::size_t index) const {
  const PlannedExperiment& planned = table_.experiments[index];
  const std::size_t rows = table_.first[index + 1] - table_.first[index];
  const h5::Node node = root.open("experiments/" + planned.name);
  Experiment own;
  read_counts(node, index, own);
  const h5::Node curves = node.open("curves"), lengths = node.open("curve_epochs");
  std::vector<std::string> drawn(std::begin(kDrawnCurves), std::end(kDrawnCurves));
  for (const auto& term : loss_terms(curves.names())) {
    for (const char* of : {"train_", "validation_", "weight_"}) drawn.push_back(of + term);
  }
  for (const auto& name : drawn) {
    if (!curves.has(name)) continue;
    own.curve_epochs[name] = numbers<std::int64_t>(lengths, name, rows);
    own.curves[name] = curves.open(name).values<double>();
  }
  read_predictions(root.open("predictions/" + planned.name), planned.target(), own);
  return own;
}

void SummaryReader::take_counts(const Experiment& own, std::size_t at, TargetResult& target) const {
  const auto g = target_blocks(target.spec), c = block_classes(target.spec);
  const auto row = static_cast<std::int64_t>(at);
  if (target.spec.kind == TargetKind::regression) {
    const auto o = target_outputs(target.spec);
    if (own.train_mean.empty() || std::isnan(own.train_mean[at * static_cast<std::size_t>(o)]))
      return;
    const auto mean = own.train_mean.begin() + row * o;
    target.train_mean.assign(mean, mean + o);
    return;
  }
  const auto confusion = own.confusion.begin() + row * g * c * c;
  target.confusion.assign(confusion, confusion + g * c * c);
  const auto counts = own.train_counts.begin() + row * g * c;
  target.train_counts.assign(counts, counts + g * c);
  if (target.spec.kind != TargetKind::multi) return;
  const auto thresholds = own.thresholds.begin() + row * g;
  target.thresholds.assign(thresholds, thresholds + g);
}

void SummaryReader::take_predictions(Experiment& own, std::size_t row, TargetResult& target) const {
  const auto trial = static_cast<std::int64_t>(row);
  const auto first =
      std::lower_bound(own.trial.begin() + static_cast<long>(own.next), own.trial.end(), trial);
  const auto last = std::upper_bound(first, own.trial.end(), trial);
  const auto from = first - own.trial.begin(), to = last - own.trial.begin();
  own.next = static_cast<std::size_t>(to);
  if (from == to) return;
  const auto o = target_outputs(target.spec), w = target_width(target.spec);
  const auto part = [&](const auto& all, std::int64_t width, auto& values) {
    if (!all.empty()) values.assign(all.begin() + from * width, all.begin() + to * width);
  };
  part(own.sample, 1, target.sample);
  part(own.truth, o, target.truth);
  part(own.predicted, o, target.predicted);
  part(own.true_value, o, target.true_value);
  part(own.predicted_value, o, target.predicted_value);
  // A record that kept labels only has NaN beside those that kept probabilities.
  if (own.probability.empty() || std::isnan(own.probability[static_cast<std::size_t>(from * w)])) {
    return;
  }
  part(own.probability, w, target.probability);
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
  target.spec = table_.experiments[cell.experiment].target();
  take_counts(own, at, target);
  take_predictions(own, row, target);
  return record;
}

}  // namespace emosweep::results
