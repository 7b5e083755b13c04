#include "results/derived_table.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "base/hash.h"
#include "results/ensemble.h"
#include "results/merge_classes.h"
#include "results/row_filler.h"

namespace emosweep::results {
namespace {

// An experiment whose classes are another's, taken together.
struct Merge {
  ClassMerge classes;
  std::string name;
  std::map<std::string, Digest>
      cells;  // by the id of the cell that stands for it, in hex: its record
};

Merge add_merge(PlanFile& plan, const std::string& asked) {
  Merge merge;
  merge.classes = read_merge(plan, asked);
  PlannedExperiment own = merged_experiment(plan.experiments[merge.classes.of], merge.classes);
  merge.name = own.name;
  for (const PlannedExperiment& other : plan.experiments) {
    if (other.name == own.name)
      throw InputError("--merge '" + asked + "': there is an experiment '" + own.name +
                       "' already");
  }
  const auto experiment = static_cast<std::uint32_t>(plan.experiments.size());
  plan.experiments.push_back(std::move(own));
  const std::vector<Cell> cells = plan.cells;
  for (Cell cell : cells) {
    if (cell.experiment != merge.classes.of) continue;
    const Digest record = cell.id;
    Sha256 hash;
    hash.add("emosweep merge 1\n" + merge.classes.text + "\n");
    hash.add(record.bytes);
    cell.id = hash.finish();
    cell.experiment = experiment;
    merge.cells[cell.id.hex()] = record;
    plan.cells.push_back(std::move(cell));
  }
  return merge;
}

void note_merge(Table& table, const Merge& merge) {
  for (TableExperiment& experiment : table.experiments) {
    if (experiment.name != merge.name) continue;
    experiment.derived = true;
    experiment.notes.push_back("probabilities of classes summed: " + merge.classes.text +
                               "; trained and selected on the classes before");
  }
}

}  // namespace

Table derived_table(const RunFolder& folder, const std::vector<std::string>& merges,
                    const std::vector<std::string>& ensembles) {
  (void)planned_table(folder);  // its checks
  PlanFile plan = *folder.plan();
  std::vector<Merge> merged;
  for (const std::string& asked : merges) merged.push_back(add_merge(plan, asked));
  std::vector<Ensemble> made;
  for (const std::string& asked : ensembles) made.push_back(add_ensemble(plan, asked));
  Table table = table_of_plan(plan);
  const std::vector<Digest> ids = folder.committed();
  // The record on disk that a part is, or is made of; and by which merge.
  const auto origin = [&](const Digest& id) -> std::pair<Digest, const Merge*> {
    for (const Merge& one : merged) {
      if (const auto found = one.cells.find(id.hex()); found != one.cells.end())
        return {found->second, &one};
    }
    return {id, nullptr};
  };
  const auto is_done = [&](const Digest& id) {
    return std::binary_search(ids.begin(), ids.end(), origin(id).first);
  };
  std::set<std::string> revisions;
  RowFiller filler(folder, table);
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const Digest id = table.rows[i].cell.id;
    Ensemble* of = nullptr;
    for (Ensemble& one : made) {
      if (one.cells.contains(id.hex())) of = &one;
    }
    const std::vector<Digest> parts = of ? of->cells.at(id.hex()) : std::vector{id};
    if (!std::all_of(parts.begin(), parts.end(), is_done)) {
      filler.not_done(i);
      continue;
    }
    std::vector<TrialRecord> records;
    for (const Digest& part : parts) {
      const auto [from, merge] = origin(part);
      TrialRecord record = read_record(folder.record(from));
      records.push_back(merge ? merged_record(record, merge->classes, part) : std::move(record));
    }
    const TrialRecord record = of ? average(id, records, *of) : records[0];
    filler.done(i, record, result_digest(record).hex(),
                folder.record(origin(parts[0]).first).string());
    revisions.insert(records[0].cost.source_revision);
  }
  table.source_revisions.assign(revisions.begin(), revisions.end());
  for (const Merge& one : merged) note_merge(table, one);
  for (const Ensemble& one : made) note_weights(table, plan, one);
  return table;
}

}  // namespace emosweep::results
