#include "results/merge_classes.h"

#include <algorithm>

#include "base/error.h"
#include "results/mixture.h"
#include "results/rescore.h"

namespace emosweep::results {
namespace {

std::string trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

std::vector<std::string> parts_of(const std::string& text, char between) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(between, begin), text.size());
    parts.push_back(trimmed(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return parts;
}

// The experiment whose name and a colon the text begins with; of several the longest name.
std::uint32_t experiment_of(const PlanFile& plan, const std::string& asked) {
  std::size_t found = plan.experiments.size(), length = 0;
  for (std::size_t e = 0; e < plan.experiments.size(); ++e) {
    const std::string& name = plan.experiments[e].name;
    if (name.size() >= length && asked.starts_with(name + ":")) {
      found = e;
      length = name.size();
    }
  }
  if (found == plan.experiments.size()) {
    std::string names;
    for (const auto& own : plan.experiments)
      names += (names.empty() ? "'" : ", '") + own.name + "'";
    throw InputError("--merge '" + asked +
                     "': it begins with the name of an experiment and a colon (EXPERIMENT: "
                     "negative = sad + angry, positive = happy); the run has: " +
                     names);
  }
  return static_cast<std::uint32_t>(found);
}

std::vector<std::int64_t> summed(const std::vector<std::int64_t>& counts, const ClassMerge& merge) {
  if (counts.size() != merge.into.size()) return {};
  std::vector<std::int64_t> sums(merge.classes.size(), 0);
  for (std::size_t k = 0; k < counts.size(); ++k)
    sums[static_cast<std::size_t>(merge.into[k])] += counts[k];
  return sums;
}

std::vector<float> summed(const std::vector<float>& probability, const ClassMerge& merge) {
  const std::size_t fine = merge.into.size(), coarse = merge.classes.size();
  std::vector<float> sums;
  std::vector<double> row(coarse);
  for (std::size_t i = 0; i < probability.size(); i += fine) {
    std::fill(row.begin(), row.end(), 0);
    for (std::size_t k = 0; k < fine; ++k)
      row[static_cast<std::size_t>(merge.into[k])] += static_cast<double>(probability[i + k]);
    for (const double p : row) sums.push_back(static_cast<float>(p));
  }
  return sums;
}

std::vector<std::int32_t> renamed(const std::vector<std::int32_t>& labels,
                                  const ClassMerge& merge) {
  std::vector<std::int32_t> result;
  for (const std::int32_t label : labels)
    result.push_back(merge.into.at(static_cast<std::size_t>(label)));
  return result;
}

}  // namespace

ClassMerge read_merge(const PlanFile& plan, const std::string& asked) {
  ClassMerge merge;
  merge.of = experiment_of(plan, asked);
  const PlannedExperiment& experiment = plan.experiments[merge.of];
  const std::string who = "--merge '" + asked + "': ";
  if (experiment.kind != TargetKind::single)
    throw InputError(who + "classes of a single label can be taken together; '" + experiment.name +
                     "' predicts " + target_kind_name(experiment.kind));
  if (experiment.conditions.size() != 1) {
    throw InputError(who + "'" + experiment.name + "' has " +
                     std::to_string(experiment.conditions.size()) +
                     " conditions; take the grid's choice as an experiment");
  }
  merge.into.assign(experiment.classes.size(), -1);
  for (const std::string& line : parts_of(asked.substr(experiment.name.size() + 1), ',')) {
    const std::vector<std::string> sides = parts_of(line, '=');
    if (sides.size() != 2 || sides[0].empty())
      throw InputError(who + "'" + line + "' is not of the form: name = class + class");
    if (std::find(merge.classes.begin(), merge.classes.end(), sides[0]) != merge.classes.end())
      throw InputError(who + "'" + sides[0] + "' stands there twice");
    const auto index = static_cast<std::int32_t>(merge.classes.size());
    merge.classes.push_back(sides[0]);
    for (const std::string& name : parts_of(sides[1], '+')) {
      const auto at = std::find(experiment.classes.begin(), experiment.classes.end(), name);
      if (at == experiment.classes.end()) {
        const std::string near = nearest(name, experiment.classes);
        throw InputError(who + "'" + experiment.name + "' has no class '" + name + "'" +
                         (near.empty() ? "" : "; did you mean '" + near + "'?"));
      }
      std::int32_t& into = merge.into[static_cast<std::size_t>(at - experiment.classes.begin())];
      if (into >= 0) throw InputError(who + "the class '" + name + "' stands there twice");
      into = index;
    }
    merge.text += (merge.text.empty() ? "" : ", ") + line;
  }
  for (std::size_t k = 0; k < merge.into.size(); ++k) {
    if (merge.into[k] < 0)
      throw InputError(who + "the class '" + experiment.classes[k] + "' is in none of them");
  }
  if (merge.classes.size() < 2) throw InputError(who + "at least two classes must be left");
  return merge;
}

PlannedExperiment merged_experiment(const PlannedExperiment& from, const ClassMerge& merge) {
  PlannedExperiment own = from;
  std::string names;
  for (const std::string& name : merge.classes) names += (names.empty() ? "" : ", ") + name;
  own.name += " (" + names + ")";
  own.classes = merge.classes;
  own.selection_metric = "last";
  own.resolved.clear();
  for (FoldFacts& fold : own.folds) {
    for (FoldPart* part : {&fold.train, &fold.validation, &fold.test})
      part->classes = summed(part->classes, merge);
    fold.class_weights.clear();
  }
  return own;
}

TrialRecord merged_record(const TrialRecord& from, const ClassMerge& merge, const Digest& id) {
  TrialRecord record = from;
  record.id = id;
  record.cost = {};
  record.cost.source_revision = from.cost.source_revision;
  Outcome& result = record.result;
  result.best_epoch = -1;
  result.epochs = 0;
  result.curves.clear();
  TargetResult& target = result.targets.at(0);
  if (target.probability.empty()) {
    throw InputError("--merge: record " + from.id.hex() +
                     " holds no probabilities; run with predictions: all");
  }
  target.spec.classes = merge.classes;
  target.truth = renamed(target.truth, merge);
  target.probability = summed(target.probability, merge);
  target.predicted = predicted_by(target.spec, target.probability, {});
  target.train_counts = summed(target.train_counts, merge);
  result.test = rescore(target);
  result.validation.clear();
  if (target.validation.sample.empty()) return record;
  target.validation.truth = renamed(target.validation.truth, merge);
  target.validation.probability = summed(target.validation.probability, merge);
  TargetResult validated;
  validated.spec = target.spec;
  validated.sample = target.validation.sample;
  validated.truth = target.validation.truth;
  validated.probability = target.validation.probability;
  validated.predicted = predicted_by(validated.spec, validated.probability, {});
  result.validation = rescore(validated);
  return record;
}

}  // namespace emosweep::results
