#include "results/row_filler.h"

#include <limits>

#include "base/error.h"
#include "results/counting.h"

namespace emosweep::results {
namespace {

// What a record must be to stand in the table.
void check_record(const TrialRecord& record, const Row& row, const PlannedExperiment& experiment,
                  const std::string& file) {
  if (record.id != row.cell.id) throw InputError(file + " is the record of " + record.id.hex());
  const auto& targets = record.result.targets;
  if (targets.empty()) return;
  if (targets.size() > 1) {
    throw InputError(file + " holds several targets: no summary of it exists");
  }
  const TargetSpec& spec = targets[0].spec;
  if (spec.kind != experiment.kind) {
    throw InputError(file + " holds a target of kind " + target_kind_name(spec.kind) +
                     ", and experiment '" + experiment.name + "' of plan.json is of kind " +
                     target_kind_name(experiment.kind));
  }
  if (spec.classes != experiment.classes || spec.outputs != experiment.outputs) {
    throw InputError(file + " has other classes than experiment '" + experiment.name +
                     "' of plan.json");
  }
}

std::vector<std::pair<std::string, Confusion>> by_subject(const TargetResult& target,
                                                          const std::vector<std::string>& subjects,
                                                          const std::string& file) {
  std::map<std::string, Confusion, bool (*)(const std::string&, const std::string&)> parts(
      natural_less);
  for (std::size_t i = 0; i < target.sample.size(); ++i) {
    const auto sample = static_cast<std::size_t>(target.sample[i]);
    if (sample >= subjects.size()) throw InputError(file + " names samples that do not exist");
    count_row(parts.try_emplace(subjects[sample], target.spec).first->second, target, i);
  }
  return {parts.begin(), parts.end()};
}

// Known cells of aspects as rows of a single label.
void add_aspects(Calibration& calibration, const TargetResult& target) {
  const auto c = static_cast<std::size_t>(block_classes(target.spec));
  for (std::size_t i = 0; i < target.truth.size(); ++i) {
    if (target.truth[i] < 0) continue;
    calibration.add(std::span(target.truth).subspan(i, 1),
                    std::span(target.predicted).subspan(i, 1),
                    std::span(target.probability).subspan(i * c, c), static_cast<std::int64_t>(c));
  }
}

void add_calibration(Calibration& calibration, const TargetResult& target) {
  if (target.probability.empty()) return;
  if (target.spec.kind == TargetKind::single) {
    calibration.add(target.truth, target.predicted, target.probability, block_classes(target.spec));
  } else if (target.spec.kind == TargetKind::multi) {
    calibration.add_presence(target.truth, target.probability);
  } else {
    add_aspects(calibration, target);
  }
}

const Curve* curve_of(const Outcome& result, const std::string& name) {
  for (const Curve& curve : result.curves) {
    if (curve.name == name) return &curve;
  }
  return nullptr;
}

void take_terms(Row& row, const Outcome& result) {
  std::vector<std::string> names;
  for (const Curve& curve : result.curves) names.push_back(curve.name);
  const auto at_selected = [&](const std::string& name, float otherwise) {
    const Curve* curve = curve_of(result, name);
    const bool there =
        curve && result.best_epoch >= 0 && result.best_epoch < std::ssize(curve->values);
    return there ? static_cast<float>(curve->values[static_cast<std::size_t>(result.best_epoch)])
                 : otherwise;
  };
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  for (const std::string& term : loss_terms(names)) {
    row.terms.push_back({term, at_selected("train_" + term, kNaN),
                         at_selected("validation_" + term, kNaN),
                         at_selected("weight_" + term, kNaN)});
  }
}

void take(Row& row, const TrialRecord& record, const TargetSpec& spec) {
  const Outcome& result = record.result;
  row.status = "done";
  row.best_epoch = result.best_epoch;
  row.epochs = result.epochs;
  row.train_rows = result.train_rows;
  row.validation_rows = result.validation_rows;
  row.test_rows = result.test_rows;
  row.validation = result.validation;
  row.test = result.test;
  row.confusion = Confusion(spec);
  row.train_counts.assign(static_cast<std::size_t>(target_blocks(spec) * block_classes(spec)), 0);
  if (!result.targets.empty()) {
    const TargetResult& target = result.targets[0];
    if (spec.kind == TargetKind::regression) {
      row.confusion = count_rows_of(target);
      row.train_mean = target.train_mean;
      if (!target.train_mean.empty()) row.constant = Confusion(spec);
      for (std::size_t i = 0; !target.train_mean.empty() && i < target.true_value.size(); ++i) {
        const std::size_t output = i % target.train_mean.size();
        row.constant.add_value(static_cast<std::int64_t>(output), target.true_value[i],
                               target.train_mean[output]);
      }
    } else {
      row.confusion.counts = target.confusion;
    }
    row.train_counts = target.train_counts;
    row.thresholds = target.thresholds;
    row.samples = samples_digest(target.sample);
    add_calibration(row.calibration, target);
  }
  take_terms(row, result);
  for (const char* drawn : kDrawnCurves) {
    for (const auto& curve : result.curves) {
      if (curve.name != drawn) continue;
      row.curves.push_back({curve.name, {curve.values.begin(), curve.values.end()}});
    }
  }
  row.cost = record.cost;
}

}  // namespace

RowFiller::RowFiller(const RunFolder& folder, Table& table) : folder_(folder), table_(table) {
  for (auto& failure : folder.failures()) failed_.emplace(failure.id, std::move(failure));
  table.slices.assign(table.experiments.size(), {});
}

const RowFiller::Known& RowFiller::samples_of(const PlannedExperiment& experiment) {
  auto [place, is_new] = known_.try_emplace(experiment.samples);
  if (is_new) {
    place->second.samples = read_samples(folder_, experiment.samples);
    place->second.slices = slices_of(place->second.samples);
  }
  return place->second;
}

const std::vector<std::string>& RowFiller::subjects_of(const PlannedExperiment& experiment) {
  const Samples& samples = samples_of(experiment).samples;
  if (experiment.group == "id") return samples.id;
  for (const auto& [name, values] : samples.groups) {
    if (name == experiment.group) return values;
  }
  throw InputError(folder_.samples(experiment.samples).string() + " has no group '" +
                   experiment.group + "' of experiment '" + experiment.name + "'");
}

void RowFiller::done(std::size_t index, const TrialRecord& record, const std::string& result,
                     const std::string& file) {
  Row& row = table_.rows[index];
  const PlannedExperiment& experiment = table_.experiments[row.cell.experiment];
  check_record(record, row, experiment, file);
  take(row, record, experiment.target());
  row.result = result;
  if (record.result.targets.empty()) return;
  const TargetResult& target = record.result.targets[0];
  if (row.cell.group.empty() && !experiment.group.empty()) {
    row.subjects = by_subject(target, subjects_of(experiment), file);
  }
  if (target.sample.empty()) return;
  const Sliced& sliced = samples_of(experiment).slices;
  std::vector<Slice>& slices = table_.slices[row.cell.experiment];
  if (slices.empty()) slices = sliced.slices;
  row.slices = slice_counts(sliced, target, file);
}

void RowFiller::not_done(std::size_t index) {
  Row& row = table_.rows[index];
  const auto found = failed_.find(row.cell.id);
  if (found == failed_.end()) return;
  row.status = "failed";
  row.reason = found->second.reason;
  row.message = found->second.message;
  row.failed_unix = found->second.unix_time;
  row.cost.host = found->second.host;
  row.cost.rank = found->second.rank;
}

}  // namespace emosweep::results
