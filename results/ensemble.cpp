#include "results/ensemble.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/error.h"
#include "base/hash.h"
#include "results/mixture.h"
#include "results/row_filler.h"
#include "results/text_layout.h"

namespace emosweep::results {
namespace {

// The records of one cell: a member each, for an ensemble of seeds a seed each.
struct Parts {
  std::vector<Digest> records;
};

struct Ensemble {
  std::string name;
  std::vector<std::uint32_t> members;        // experiments of the plan
  std::map<std::string, Parts> cells;        // by the id of the cell that stands for them, in hex
  std::vector<std::vector<double>> weights;  // of the cells that are done
};

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
    if (own.classes != first.classes || own.samples != first.samples ||
        own.protocol != first.protocol || own.group != first.group) {
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
  Parts& own = ensemble.cells[cell.id.hex()];
  for (const Cell* part : parts) own.records.push_back(part->id);
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

const TargetResult& target_of(const TrialRecord& record, const std::string& name) {
  if (record.result.targets.size() != 1)
    throw InputError("--ensemble '" + name + "': a record holds no single target");
  const TargetResult& target = record.result.targets[0];
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

double log_loss(std::span<const float> probability, std::span<const std::int32_t> truth,
                std::size_t classes) {
  double sum = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const float p = probability[i * classes + static_cast<std::size_t>(truth[i])];
    sum -= std::log(std::max(static_cast<double>(p), 1e-12));
  }
  return sum / static_cast<double>(truth.size());
}

std::vector<std::int32_t> most_probable(std::span<const float> probability, std::size_t classes) {
  std::vector<std::int32_t> predicted;
  for (auto row = probability.begin(); row != probability.end();
       row += static_cast<std::ptrdiff_t>(classes)) {
    const auto end = row + static_cast<std::ptrdiff_t>(classes);
    predicted.push_back(static_cast<std::int32_t>(std::max_element(row, end) - row));
  }
  return predicted;
}

Confusion confusion_of(const std::vector<std::int32_t>& truth,
                       const std::vector<std::int32_t>& predicted, std::size_t classes) {
  Confusion confusion(static_cast<std::int64_t>(classes));
  for (std::size_t i = 0; i < truth.size(); ++i) confusion.add(truth[i], predicted[i]);
  return confusion;
}

// What the trial of a cell would have recorded.
TrialRecord average(const Digest& id, const std::vector<TrialRecord>& members, Ensemble& ensemble) {
  const TargetResult& first = target_of(members[0], ensemble.name);
  const std::size_t classes = first.spec.classes.size();
  std::vector<std::span<const float>> validation, test;
  for (const TrialRecord& record : members) {
    const TargetResult& own = target_of(record, ensemble.name);
    if (own.sample != first.sample || own.truth != first.truth ||
        own.validation.sample != first.validation.sample) {
      throw InputError("--ensemble '" + ensemble.name +
                       "': the members test or validate on "
                       "different rows of one fold");
    }
    validation.push_back(own.validation.probability);
    test.push_back(own.probability);
  }
  const std::vector<double> weights =
      mixture_weights(validation, first.validation.truth, static_cast<std::int64_t>(classes));
  ensemble.weights.push_back(weights);
  const std::vector<float> validated = mixture(validation, weights);

  TrialRecord record = members[0];
  record.id = id;
  record.cost = {};
  Outcome& result = record.result;
  result.best_epoch = -1;
  result.epochs = 0;
  result.curves.clear();
  TargetResult& target = result.targets[0];
  target.probability = mixture(test, weights);
  target.predicted = most_probable(target.probability, classes);
  const Confusion confusion = confusion_of(target.truth, target.predicted, classes);
  target.confusion = confusion.counts;
  result.test = named_scores(confusion);
  result.test.emplace_back("loss", log_loss(target.probability, target.truth, classes));
  result.validation = named_scores(
      confusion_of(target.validation.truth, most_probable(validated, classes), classes));
  result.validation.emplace_back("loss", log_loss(validated, target.validation.truth, classes));
  return record;
}

void note_weights(Table& table, const PlanFile& plan, const Ensemble& ensemble) {
  for (TableExperiment& experiment : table.experiments) {
    if (experiment.name != ensemble.name) continue;
    std::string text = "mean of the probabilities of ";
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
    experiment.notes.push_back(text +
                               ", weighted in each cell by the likelihood of its validation "
                               "rows (means over cells)");
  }
}

}  // namespace

Table table_with_ensembles(const RunFolder& folder, const std::vector<std::string>& ensembles) {
  (void)planned_table(folder);  // its checks
  PlanFile plan = *folder.plan();
  std::vector<Ensemble> made;
  for (const std::string& asked : ensembles) made.push_back(add_ensemble(plan, asked));
  Table table = table_of_plan(plan);
  const std::vector<Digest> ids = folder.committed();
  const auto is_done = [&](const Digest& id) {
    return std::binary_search(ids.begin(), ids.end(), id);
  };
  std::set<std::string> revisions;
  RowFiller filler(folder, table);
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const Digest id = table.rows[i].cell.id;
    Ensemble* of = nullptr;
    for (Ensemble& one : made) {
      if (one.cells.contains(id.hex())) of = &one;
    }
    const std::vector<Digest> parts = of ? of->cells.at(id.hex()).records : std::vector{id};
    if (!std::all_of(parts.begin(), parts.end(), is_done)) {
      filler.not_done(i);
      continue;
    }
    std::vector<TrialRecord> records;
    for (const Digest& part : parts) records.push_back(read_record(folder.record(part)));
    const TrialRecord record = of ? average(id, records, *of) : records[0];
    filler.done(i, record, result_digest(record).hex(), folder.record(parts[0]).string());
    revisions.insert(records[0].cost.source_revision);
  }
  table.source_revisions.assign(revisions.begin(), revisions.end());
  for (const Ensemble& one : made) note_weights(table, plan, one);
  return table;
}

}  // namespace emosweep::results
