#include "results/row_filler.h"

#include "base/error.h"

namespace emosweep::results {
namespace {

// What a record must be to stand in the table.
void check_record(const TrialRecord& record, const Row& row, const PlannedExperiment& experiment,
                  const std::string& file) {
  if (record.id != row.cell.id) throw InputError(file + " is the record of " + record.id.hex());
  const auto& targets = record.result.targets;
  if (targets.empty()) return;
  if (targets.size() > 1 || targets[0].spec.kind != TargetKind::single) {
    throw InputError(file +
                     " holds other targets than one single-label target: no summary of it exists");
  }
  if (targets[0].spec.classes != experiment.classes) {
    throw InputError(file + " has other classes than experiment '" + experiment.name +
                     "' of plan.json");
  }
}

std::vector<std::pair<std::string, Confusion>> by_subject(const TargetResult& target,
                                                          const std::vector<std::string>& subjects,
                                                          const std::string& file) {
  std::map<std::string, Confusion, bool (*)(const std::string&, const std::string&)> parts(
      natural_less);
  const auto classes = static_cast<std::int64_t>(target.spec.classes.size());
  for (std::size_t i = 0; i < target.sample.size(); ++i) {
    const auto sample = static_cast<std::size_t>(target.sample[i]);
    if (sample >= subjects.size()) throw InputError(file + " names samples that do not exist");
    parts.try_emplace(subjects[sample], classes)
        .first->second.add(target.truth[i], target.predicted[i]);
  }
  return {parts.begin(), parts.end()};
}

void take(Row& row, const TrialRecord& record, std::size_t classes) {
  const Outcome& result = record.result;
  row.status = "done";
  row.best_epoch = result.best_epoch;
  row.epochs = result.epochs;
  row.train_rows = result.train_rows;
  row.validation_rows = result.validation_rows;
  row.test_rows = result.test_rows;
  row.validation = result.validation;
  row.test = result.test;
  row.confusion = Confusion(static_cast<std::int64_t>(classes));
  row.train_counts.assign(classes, 0);
  if (!result.targets.empty()) {
    row.confusion.counts = result.targets[0].confusion;
    row.train_counts = result.targets[0].train_counts;
    row.samples = samples_digest(result.targets[0].sample);
    if (!result.targets[0].probability.empty()) {
      const TargetResult& target = result.targets[0];
      row.calibration.add(target.truth, target.predicted, target.probability,
                          static_cast<std::int64_t>(classes));
    }
  }
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
  for (const auto& [name, values] : samples_of(experiment).samples.groups) {
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
  take(row, record, experiment.classes.size());
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
