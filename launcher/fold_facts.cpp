#include "launcher/fold_facts.h"

#include <algorithm>
#include <cstdio>
#include <set>

#include "data/cells.h"
#include "data/target_counts.h"
#include "launcher/plan_facts.h"
#include "trainer/objective.h"

namespace emosweep::launcher {
namespace {

constexpr std::size_t kMostNames = 12;  // of groups in a part that are written out

results::FoldPart part_of(const data::Dataset& dataset, const std::vector<std::string>* group,
                          const std::vector<std::int32_t>& rows) {
  results::FoldPart part;
  part.rows = static_cast<std::int64_t>(rows.size());
  part.classes = data::target_counts(dataset, rows);
  if (group == nullptr) return part;
  std::set<std::string> names;
  for (const std::int32_t row : rows) names.insert((*group)[static_cast<std::size_t>(row)]);
  part.groups = static_cast<std::int64_t>(names.size());
  if (names.size() > kMostNames) return part;
  part.names.assign(names.begin(), names.end());
  std::sort(part.names.begin(), part.names.end(), data::natural_less);
  return part;
}

std::vector<double> class_weights(const PlannedExperiment& experiment,
                                  const std::vector<std::int64_t>& classes) {
  using trainer::ClassWeights;
  if (experiment.conditions.empty()) return {};
  // Of other targets the report has no place for them; the losses' page says what they are.
  if (experiment.data->dataset.target.kind != TargetKind::single) return {};
  const trainer::ObjectiveOptions& first = experiment.conditions[0].base.objective;
  for (const PlannedCondition& condition : experiment.conditions) {
    const trainer::ObjectiveOptions& own = condition.base.objective;
    if (own.class_weights != first.class_weights || own.weights != first.weights ||
        own.class_weight_cap != first.class_weight_cap)
      return {};
  }
  if (first.class_weights == ClassWeights::list) return first.weights;
  if (first.class_weights != ClassWeights::balanced) return {};
  return trainer::balanced_weights({classes.begin(), classes.end()}, first.class_weight_cap);
}

std::string weight_text(double weight) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", weight);
  return text;
}

std::string part_text(const char* what, const results::FoldPart& part) {
  std::string text = what;
  if (part.groups > 0) {
    text += " " + std::to_string(part.groups);
    if (!part.names.empty()) {
      text += ": ";
      for (std::size_t i = 0; i < part.names.size(); ++i) text += (i ? ", " : "") + part.names[i];
    }
  }
  return text + " (" + std::to_string(part.rows) + (part.rows == 1 ? " row)" : " rows)");
}

}  // namespace

std::vector<results::FoldFacts> fold_facts(const PlannedExperiment& experiment) {
  const data::Dataset& dataset = experiment.data->dataset;
  const std::vector<std::string>* group = dataset.group(experiment.split.group);
  std::vector<results::FoldFacts> facts;
  for (const data::Fold& fold : experiment.folds->folds) {
    results::FoldFacts own;
    own.name = fold.name;
    own.train = part_of(dataset, group, fold.train);
    own.validation = part_of(dataset, group, fold.validation);
    own.test = part_of(dataset, group, fold.test);
    own.class_weights = class_weights(experiment, own.train.classes);
    facts.push_back(std::move(own));
  }
  return facts;
}

std::string fold_text(const PlannedExperiment& experiment, const results::FoldFacts& fold) {
  const std::string& group = experiment.split.group;
  std::string text = "fold " + fold.name + ": " + (group.empty() ? "" : group + ": ") +
                     part_text("train", fold.train) + ", " +
                     part_text("validation", fold.validation) + ", " + part_text("test", fold.test);
  if (experiment.data->dataset.target.kind != TargetKind::single) return text;
  text += "; training rows and class weights:";
  const std::vector<std::string>& classes = experiment.data->dataset.target.classes;
  for (std::size_t c = 0; c < classes.size(); ++c) {
    text += (c ? ", " : " ") + classes[c] + " " + std::to_string(fold.train.classes[c]);
    if (!fold.class_weights.empty()) text += " x " + weight_text(fold.class_weights[c]);
  }
  return text;
}

}  // namespace emosweep::launcher
