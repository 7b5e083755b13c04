#include "results/ensemble.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/error.h"
#include "base/hash.h"
#include "results/counting.h"
#include "results/mixture.h"
#include "results/rescore.h"
#include "results/text_layout.h"

namespace emosweep::results {
namespace {

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> names{""};
  for (const char c : text) {
    if (c == '/')
      names.emplace_back();
    else
      names.back() += c;
  }
  return names;
}

std::uint32_t experiment_called(const PlanFile& plan, const std::string& name,
                                const std::string& asked) {
  std::vector<std::string> names;
  for (std::uint32_t e = 0; e < plan.experiments.size(); ++e) {
    if (plan.experiments[e].name == name) return e;
    names.push_back(plan.experiments[e].name);
  }
  const std::string near = nearest(name, names);
  throw InputError("--ensemble '" + asked + "': the run has no experiment '" + name + "'" +
                   (near.empty() ? "" : "; did you mean '" + near + "'?") +
                   " (names are joined by /)");
}

void check_members(const PlanFile& plan, const Ensemble& ensemble, const std::string& asked) {
  const PlannedExperiment& first = plan.experiments[ensemble.members[0]];
  for (const std::uint32_t e : ensemble.members) {
    const PlannedExperiment& own = plan.experiments[e];
    const std::string who = "--ensemble '" + asked + "': '" + own.name + "' ";
    if (own.conditions.size() != 1) {
      throw InputError(who + "has " + std::to_string(own.conditions.size()) +
                       " conditions; members have one (take the grid's choice as an experiment)");
    }
    if (own.kind != first.kind || own.outputs != first.outputs || own.classes != first.classes ||
        own.samples != first.samples || own.protocol != first.protocol ||
        own.group != first.group) {
      throw InputError(who + "has other classes, samples or splits than '" + first.name + "'");
    }
  }
}

// (fold, seed) -> record of every member.
using ByCell = std::map<std::pair<std::string, std::uint64_t>, Cell>;

void add_cell(PlanFile& plan, Ensemble& ensemble, std::uint32_t experiment,
              const std::vector<const Cell*>& parts) {
  Cell cell = *parts.front();
  Sha256 hash;
  hash.add("emosweep ensemble 1\n");
  for (const Cell* part : parts) hash.add(part->id.bytes);
  cell.id = hash.finish();
  cell.experiment = experiment;
  cell.condition = 0;
  std::vector<Digest>& own = ensemble.cells[cell.id.hex()];
  for (const Cell* part : parts) own.push_back(part->id);
  plan.cells.push_back(std::move(cell));
}

void add_cells(PlanFile& plan, Ensemble& ensemble, std::uint32_t experiment) {
  std::vector<ByCell> of_member(ensemble.members.size());
  for (const Cell& cell : plan.cells) {
    for (std::size_t m = 0; m < ensemble.members.size(); ++m) {
      if (cell.experiment == ensemble.members[m])
        of_member[m].try_emplace({cell.fold, cell.seed}, cell);
    }
  }
  if (ensemble.members.size() == 1) {  // of seeds
    for (auto at = of_member[0].begin(); at != of_member[0].end();) {
      std::vector<const Cell*> parts;
      const std::string& fold = at->first.first;
      for (; at != of_member[0].end() && at->first.first == fold; ++at)
        parts.push_back(&at->second);
      add_cell(plan, ensemble, experiment, parts);
    }
    return;
  }
  for (const auto& [key, cell] : of_member[0]) {
    std::vector<const Cell*> parts;
    for (const ByCell& own : of_member) {
      if (const auto found = own.find(key); found != own.end()) parts.push_back(&found->second);
    }
    if (parts.size() == of_member.size()) add_cell(plan, ensemble, experiment, parts);
  }
}

const TargetResult& target_of(const TrialRecord& record, const std::string& name) {
  if (record.result.targets.size() != 1)
    throw InputError("--ensemble '" + name + "': a record holds no single target");
  const TargetResult& target = record.result.targets[0];
  if (target.spec.kind == TargetKind::regression) {
    if (target.sample.empty())
      throw InputError("--ensemble '" + name + "': record " + record.id.hex() +
                       " holds no predictions; run with predictions: all");
    return target;
  }
  if (target.probability.empty())
    throw InputError("--ensemble '" + name + "': record " + record.id.hex() +
                     " holds no probabilities; run with predictions: all");
  if (target.validation.sample.empty())
    throw InputError("--ensemble '" + name + "': record " + record.id.hex() +
                     " holds no validation predictions, which weigh the members; run with "
                     "validation_predictions: true (and a validation part; a linear model without "
                     "refit)");
  return target;
}

// Test predictions become the mixture's; thresholds are chosen anew on the validation rows, which
// are returned as the mixture predicts them.
TargetResult mix_probabilities(TargetResult& target,
                               const std::vector<const TargetResult*>& members,
                               std::vector<double>& weights) {
  std::vector<std::span<const float>> test;
  for (const TargetResult* own : members) test.push_back(own->probability);
  ChosenMixture chosen = choose_mixture(members);
  weights = chosen.weights;
  TargetResult validated;
  validated.spec = target.spec;
  validated.sample = target.validation.sample;
  validated.truth = target.validation.truth;
  validated.probability = std::move(chosen.probability);
  validated.thresholds = chosen.thresholds;
  validated.predicted = predicted_by(target.spec, validated.probability, chosen.thresholds);
  target.thresholds = std::move(chosen.thresholds);
  target.probability = mixture(test, weights);
  target.predicted = predicted_by(target.spec, target.probability, target.thresholds);
  return validated;
}

// Values are averaged with equal weights: records keep no validation rows of them.
void mix_values(TargetResult& target, const std::vector<const TargetResult*>& members,
                std::vector<double>& weights) {
  const auto n = static_cast<double>(members.size());
  weights.assign(members.size(), 1 / n);
  std::vector<double> sum(target.predicted_value.size(), 0);
  for (const TargetResult* own : members) {
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += own->predicted_value[i];
  }
  for (double& value : sum) value /= n;
  target.predicted_value = std::move(sum);
}

}  // namespace

Ensemble add_ensemble(PlanFile& plan, const std::string& asked) {
  Ensemble ensemble;
  for (const std::string& name : split(asked))
    ensemble.members.push_back(experiment_called(plan, name, asked));
  check_members(plan, ensemble, asked);
  PlannedExperiment own = plan.experiments[ensemble.members[0]];
  own.name.clear();
  std::set<std::string> scalings;
  for (const std::uint32_t e : ensemble.members) {
    own.name += (own.name.empty() ? "" : " + ") + plan.experiments[e].name;
    scalings.insert(plan.experiments[e].normalise);
  }
  if (ensemble.members.size() == 1) own.name += ", seeds averaged";
  // One member that looks at the subject's own rows makes the average do so.
  own.normalise = scalings.contains("group") ? "group" : *scalings.begin();
  own.selection_metric = "last";
  own.resolved.clear();
  own.conditions = {"default"};
  ensemble.name = own.name;
  const std::size_t before = plan.cells.size();
  plan.experiments.push_back(std::move(own));
  add_cells(plan, ensemble, static_cast<std::uint32_t>(plan.experiments.size() - 1));
  if (plan.cells.size() == before)
    throw InputError("--ensemble '" + asked + "': the members share no seed and fold");
  return ensemble;
}

TrialRecord average(const Digest& id, const std::vector<TrialRecord>& members, Ensemble& ensemble) {
  const TargetResult& first = target_of(members[0], ensemble.name);
  std::vector<const TargetResult*> targets;
  for (const TrialRecord& record : members) {
    const TargetResult& own = target_of(record, ensemble.name);
    if (own.sample != first.sample || own.truth != first.truth ||
        own.true_value != first.true_value || own.validation.sample != first.validation.sample) {
      throw InputError("--ensemble '" + ensemble.name +
                       "': the members test or validate on "
                       "different rows of one fold");
    }
    targets.push_back(&own);
  }
  TrialRecord record = members[0];
  record.id = id;
  record.cost = {};
  Outcome& result = record.result;
  result.best_epoch = -1;
  result.epochs = 0;
  result.curves.clear();
  TargetResult& target = result.targets[0];
  std::vector<double> weights;
  if (target.spec.kind == TargetKind::regression) {
    mix_values(target, targets, weights);
    result.validation.clear();
  } else {
    TargetResult validated = mix_probabilities(target, targets, weights);
    result.validation = rescore(validated);
  }
  ensemble.weights.push_back(weights);
  result.test = rescore(target);
  return record;
}

void note_weights(Table& table, const PlanFile& plan, const Ensemble& ensemble) {
  for (TableExperiment& experiment : table.experiments) {
    if (experiment.name != ensemble.name) continue;
    const bool values = experiment.kind == TargetKind::regression;
    std::string text = std::string("mean of the ") + (values ? "values of " : "probabilities of ");
    if (ensemble.members.size() == 1) {
      text += "all seeds of " + plan.experiments[ensemble.members[0]].name;
    }
    for (std::size_t m = 0; ensemble.members.size() > 1 && m < ensemble.members.size(); ++m) {
      double sum = 0;
      for (const auto& weights : ensemble.weights) sum += weights[m];
      const double n = static_cast<double>(ensemble.weights.size());
      text += (m ? ", " : "") + plan.experiments[ensemble.members[m]].name + " x " +
              score(n > 0 ? sum / n : kUndefined, 2);
    }
    experiment.derived = true;
    if (values) {
      text += ", with equal weights";
    } else {
      text += ", weighted in each cell by the likelihood of its validation rows (means over cells)";
      if (experiment.kind == TargetKind::multi) text += "; thresholds chosen anew on these rows";
    }
    experiment.notes.push_back(text);
  }
}

}  // namespace emosweep::results
