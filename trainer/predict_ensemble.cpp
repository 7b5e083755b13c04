#include "trainer/predict_ensemble.h"

#include <cmath>
#include <numeric>

#include "base/error.h"
#include "results/mixture.h"
#include "results/record.h"

namespace emosweep::trainer {
namespace {

namespace fs = std::filesystem;

void check_same(const SavedModel& first, const SavedModel& other) {
  const TargetSpec a = first.model.target_spec(), b = other.model.target_spec();
  if (a.kind == b.kind && a.outputs == b.outputs && a.classes == b.classes) return;
  throw InputError(other.file + " predicts other classes than " + first.file +
                   ": models that answer together have the same, in the same order");
}

// What a fold is: a hash over the ids of its rows (data/splits.h).
std::string fold_of(const results::TrialRecord& record) {
  const std::size_t at = record.canonical.find("\nfold=");
  return at == std::string::npos
             ? ""
             : record.canonical.substr(at, record.canonical.find('\n', at + 1) - at);
}

results::TrialRecord record_of(const SavedModel& member) {
  const fs::path file(member.file);
  const fs::path record = fs::absolute(file).parent_path().parent_path() / "trials" /
                          file.stem().replace_extension(".h5");
  if (!fs::exists(record)) {
    throw InputError("--weights validation: " + member.file + " has no record at " +
                     record.string() +
                     "; weights are chosen on the validation rows that a run's records keep, so "
                     "give models where the run left them (DIR/models/ID.safetensors)");
  }
  results::TrialRecord found = results::read_record(record);
  if (found.id.hex() != member.model.id || found.result.targets.size() != 1)
    throw InputError(record.string() + " is not the record of " + member.file);
  if (found.result.targets[0].validation.sample.empty()) {
    throw InputError("--weights validation: " + record.string() +
                     " holds no validation predictions; train with validation_predictions: true, "
                     "or give the weights as numbers");
  }
  return found;
}

void choose(PredictEnsemble& ensemble) {
  if (ensemble.first().kind == TargetKind::regression)
    throw InputError(
        "--weights validation: records keep no validation rows of values; give the "
        "weights as numbers, or none for equal ones");
  std::vector<results::TrialRecord> records;
  for (const SavedModel& member : ensemble.members) records.push_back(record_of(member));
  std::vector<const results::TargetResult*> targets;
  for (std::size_t m = 0; m < records.size(); ++m) {
    targets.push_back(&records[m].result.targets[0]);
    const auto &first = targets[0]->validation, &own = targets[m]->validation;
    if (fold_of(records[m]) != fold_of(records[0]) || own.sample != first.sample ||
        own.truth != first.truth) {
      throw InputError("--weights validation: " + ensemble.members[m].file +
                       " was validated on other rows than " + ensemble.members[0].file +
                       "; take models of one fold, or give the weights as numbers");
    }
  }
  results::ChosenMixture chosen = results::choose_mixture(targets);
  ensemble.weights = std::move(chosen.weights);
  ensemble.thresholds = std::move(chosen.thresholds);
}

void weigh(PredictEnsemble& ensemble, std::vector<double> given) {
  const std::size_t members = ensemble.members.size();
  if (given.empty()) given.assign(members, 1);
  if (given.size() != members) {
    throw InputError("--weights: " + std::to_string(given.size()) + " numbers for " +
                     std::to_string(members) + (members == 1 ? " model" : " models"));
  }
  double sum = 0;
  for (const double w : given) {
    if (!std::isfinite(w) || w < 0)
      throw InputError("--weights: a weight is a number of at least 0");
    sum += w;
  }
  if (!(sum > 0)) throw InputError("--weights: all are 0");
  if (!std::isfinite(sum)) throw InputError("--weights: their sum is too large");
  for (const double w : given) ensemble.weights.push_back(w / sum);
  ensemble.thresholds.assign(ensemble.first().thresholds.size(), 0);
  for (std::size_t m = 0; m < members; ++m)
    for (std::size_t l = 0; l < ensemble.thresholds.size(); ++l)
      ensemble.thresholds[l] += ensemble.weights[m] * ensemble.members[m].model.thresholds.at(l);
}

}  // namespace

std::vector<float> PredictEnsemble::mixture(
    std::span<const std::span<const float>> probability) const {
  return results::mixture(probability, weights);
}

std::vector<double> PredictEnsemble::mean(const std::vector<std::vector<double>>& values) const {
  std::vector<double> sum(values.front().size(), 0);
  for (std::size_t m = 0; m < values.size(); ++m)
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += weights[m] * values[m][i];
  return sum;
}

std::vector<std::int32_t> PredictEnsemble::predicted(std::span<const float> probability) const {
  return results::predicted_by(first().target_spec(), probability, thresholds);
}

PredictEnsemble read_ensemble(std::span<const fs::path> files, const MemberWeights& weights) {
  EMO_CHECK(!files.empty(), "an ensemble has members");
  PredictEnsemble ensemble;
  for (const fs::path& file : files) {
    ensemble.members.push_back({file.string(), read_model(file)});
    check_same(ensemble.members.front(), ensemble.members.back());
  }
  if (weights.from_validation) {
    choose(ensemble);
  } else {
    weigh(ensemble, weights.given);
  }
  return ensemble;
}

}  // namespace emosweep::trainer
