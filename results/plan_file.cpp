// plan.json: its text (columns, because a plan can hold 100,000 cells) and the union of two plans.
#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "results/json_file.h"
#include "results/run_folder.h"

namespace emosweep::results {
namespace {

Json part_json(const FoldPart& part) {
  return {{"rows", part.rows},
          {"classes", part.classes},
          {"groups", part.groups},
          {"names", part.names}};
}

FoldPart part_of(const Json& json, const TargetSpec& target) {
  FoldPart part;
  part.rows = json.at("rows").get<std::int64_t>();
  part.classes = json.at("classes").get<std::vector<std::int64_t>>();
  part.groups = json.at("groups").get<std::int64_t>();
  part.names = texts_of(json, "names");
  const auto size = std::ssize(part.classes);
  const bool labels = target.kind == TargetKind::multi && size == target_outputs(target);
  if (size != target_blocks(target) * block_classes(target) && !labels)
    throw InputError("a fold counts other classes");
  return part;
}

Json fold_json(const FoldFacts& fold) {
  return {{"name", fold.name},
          {"train", part_json(fold.train)},
          {"validation", part_json(fold.validation)},
          {"test", part_json(fold.test)},
          {"class_weights", fold.class_weights}};
}

FoldFacts fold_of(const Json& json, const TargetSpec& target) {
  FoldFacts fold;
  fold.name = text_of(json, "name");
  fold.train = part_of(json.at("train"), target);
  fold.validation = part_of(json.at("validation"), target);
  fold.test = part_of(json.at("test"), target);
  fold.class_weights = json.at("class_weights").get<std::vector<double>>();
  if (!fold.class_weights.empty() && fold.class_weights.size() != fold.train.classes.size())
    throw InputError("a fold weighs other classes");
  return fold;
}

Json experiment_json(const PlannedExperiment& experiment) {
  Json json;
  json["name"] = experiment.name;
  json["dataset"] = experiment.dataset;
  json["samples"] = experiment.samples.hex();
  json["protocol"] = experiment.protocol;
  json["group"] = experiment.group;
  json["normalise"] = experiment.normalise;
  json["selection_metric"] = experiment.selection_metric;
  json["classes"] = experiment.classes;
  if (experiment.kind != TargetKind::single) {
    json["target"] = target_kind_name(experiment.kind);
    json["outputs"] = experiment.outputs;
  }
  json["conditions"] = experiment.conditions;
  json["resolved"] = experiment.resolved;
  for (const FoldFacts& fold : experiment.folds) json["folds"].push_back(fold_json(fold));
  return json;
}

PlannedExperiment experiment_of(const Json& json) {
  PlannedExperiment experiment;
  experiment.name = text_of(json, "name");
  experiment.dataset = text_of(json, "dataset");
  experiment.samples = Digest::from_hex(text_of(json, "samples"));
  experiment.protocol = text_of(json, "protocol");
  experiment.group = text_of(json, "group");
  experiment.normalise = text_of(json, "normalise");
  experiment.selection_metric = text_of(json, "selection_metric");
  experiment.classes = texts_of(json, "classes");
  if (json.contains("target")) {
    experiment.kind = target_kind_of(text_of(json, "target"));
    experiment.outputs = texts_of(json, "outputs");
  }
  experiment.conditions = texts_of(json, "conditions");
  experiment.resolved = text_of(json, "resolved");
  if (const auto folds = json.find("folds"); folds != json.end()) {
    for (const Json& fold : folds->get_ref<const Json::array_t&>())
      experiment.folds.push_back(fold_of(fold, experiment.target()));
  }
  return experiment;
}

PlanFile plan_of(const Json& json) {
  PlanFile plan;
  plan.resolved_sha256 = text_of(json, "resolved_sha256");
  for (const auto& experiment : json.at("experiments").get_ref<const Json::array_t&>()) {
    plan.experiments.push_back(experiment_of(experiment));
  }
  const Json& cells = json.at("cells");
  const auto column = [&](const char* name) -> const Json::array_t& {
    return cells.at(name).get_ref<const Json::array_t&>();
  };
  const auto &id = column("id"), &experiment = column("experiment"),
             &condition = column("condition"), &seed = column("seed"), &fold = column("fold"),
             &group = column("group");
  for (const auto* other : {&experiment, &condition, &seed, &fold, &group}) {
    if (other->size() != id.size()) throw InputError("the columns of 'cells' have unequal lengths");
  }
  plan.cells.reserve(id.size());
  for (std::size_t i = 0; i < id.size(); ++i) {
    if (!experiment[i].is_number_unsigned() || !condition[i].is_number_unsigned() ||
        !seed[i].is_number_unsigned()) {
      throw InputError("cell " + std::to_string(i) + " holds something that is no whole number");
    }
    const auto e = experiment[i].get<std::uint64_t>(), c = condition[i].get<std::uint64_t>();
    if (e >= plan.experiments.size() || c >= plan.experiments[e].conditions.size()) {
      throw InputError("cell " + std::to_string(i) + " names a condition that is not there");
    }
    plan.cells.push_back({Digest::from_hex(id[i].get_ref<const std::string&>()),
                          static_cast<std::uint32_t>(e), static_cast<std::uint32_t>(c),
                          seed[i].get<std::uint64_t>(), fold[i].get_ref<const std::string&>(),
                          group[i].get_ref<const std::string&>()});
  }
  return plan;
}

template <class Value>
Json column_json(const std::vector<Cell>& cells, const Value& value) {
  Json::array_t column;
  column.reserve(cells.size());
  for (const auto& cell : cells) column.push_back(value(cell));
  return column;
}

bool same_task(const PlannedExperiment& a, const PlannedExperiment& b) {
  return a.dataset == b.dataset && a.samples == b.samples && a.protocol == b.protocol &&
         a.group == b.group && a.normalise == b.normalise &&
         a.selection_metric == b.selection_metric && a.classes == b.classes && a.kind == b.kind &&
         a.outputs == b.outputs;
}

using CellKey = std::tuple<std::uint32_t, std::uint32_t, std::uint64_t, std::string>;
CellKey key_of(const Cell& cell) { return {cell.experiment, cell.condition, cell.seed, cell.fold}; }

}  // namespace

Merged merge(const PlanFile& earlier, const PlanFile& later) {
  Merged merged;
  PlanFile& plan = merged.plan;
  plan = later;
  if (plan.resolved_sha256.empty()) plan.resolved_sha256 = earlier.resolved_sha256;

  std::map<std::string, std::uint32_t> experiment_of;
  for (std::uint32_t e = 0; e < plan.experiments.size(); ++e) {
    experiment_of[plan.experiments[e].name] = e;
  }
  std::map<CellKey, Digest> planned;
  std::map<std::uint32_t, std::set<std::string>> folds;  // of the later plan, which holds all folds
  for (const auto& cell : plan.cells) {
    planned[key_of(cell)] = cell.id;
    folds[cell.experiment].insert(cell.fold);
  }
  const auto later_experiments = plan.experiments.size();

  // Earlier experiments and conditions find their place in the union.
  std::vector<std::uint32_t> experiment_map;
  std::vector<std::vector<std::uint32_t>> condition_map;
  std::set<std::uint32_t> other_task;
  for (const auto& experiment : earlier.experiments) {
    const auto [place, is_new] = experiment_of.try_emplace(
        experiment.name, static_cast<std::uint32_t>(plan.experiments.size()));
    if (is_new) plan.experiments.push_back(experiment);
    PlannedExperiment& target = plan.experiments[place->second];
    const bool same = same_task(experiment, target);
    if (!same) other_task.insert(place->second);
    experiment_map.push_back(place->second);
    condition_map.emplace_back();
    if (!same) continue;
    std::map<std::string, std::uint32_t> labels;
    for (const auto& label : target.conditions) {
      labels.try_emplace(label, static_cast<std::uint32_t>(labels.size()));
    }
    for (const auto& label : experiment.conditions) {
      const auto next = static_cast<std::uint32_t>(target.conditions.size());
      const auto [found, new_label] = labels.try_emplace(label, next);
      if (new_label) target.conditions.push_back(label);
      condition_map.back().push_back(found->second);
    }
  }

  // A condition whose id changed in one cell has changed in all of them, also for seeds that the
  // later plan lacks.
  std::vector<Cell> cells;
  std::set<std::pair<std::uint32_t, std::uint32_t>> changed;
  for (Cell cell : earlier.cells) {
    const std::uint32_t e = experiment_map.at(cell.experiment);
    const bool old_fold = e < later_experiments && folds.count(e) && !folds[e].count(cell.fold);
    if (other_task.count(e) || old_fold) {
      ++merged.replaced;
      continue;
    }
    cell.condition = condition_map.at(cell.experiment).at(cell.condition);
    cell.experiment = e;
    const auto found = planned.find(key_of(cell));
    if (found != planned.end() && found->second != cell.id) {
      changed.emplace(cell.experiment, cell.condition);
    }
    cells.push_back(std::move(cell));
  }
  for (Cell& cell : cells) {
    const auto found = planned.find(key_of(cell));
    if (found != planned.end()) {
      merged.replaced += found->second != cell.id;
    } else if (changed.count({cell.experiment, cell.condition})) {
      ++merged.replaced;
    } else {
      plan.cells.push_back(std::move(cell));
    }
  }
  return merged;
}

std::optional<PlanFile> RunFolder::plan() const {
  const auto path = dir_ / "plan.json";
  if (!std::filesystem::exists(path)) return std::nullopt;
  return read_json(path, "emosweep-plan", plan_of);
}

void RunFolder::commit_plan(const PlanFile& plan) const {
  // A line an experiment and a line a column: readable in an editor, small, and quick to write.
  std::string text = "{\"format\":\"emosweep-plan\",\"version\":1,\"resolved_sha256\":" +
                     dumped(plan.resolved_sha256) + ",\n\"experiments\":[";
  const char* separator = "\n";
  for (const auto& experiment : plan.experiments) {
    text += separator + dumped(experiment_json(experiment));
    separator = ",\n";
  }
  const auto column = [&](const char* name, const auto& value) {
    return "\n\"" + std::string(name) + "\":" + dumped(column_json(plan.cells, value));
  };
  text += "],\n\"cells\":{";
  text += column("id", [](const Cell& cell) { return cell.id.hex(); }) + ",";
  text += column("experiment", [](const Cell& cell) { return cell.experiment; }) + ",";
  text += column("condition", [](const Cell& cell) { return cell.condition; }) + ",";
  text += column("seed", [](const Cell& cell) { return cell.seed; }) + ",";
  text += column("fold", [](const Cell& cell) { return cell.fold; }) + ",";
  text += column("group", [](const Cell& cell) { return cell.group; }) + "}}\n";
  commit_file(dir_ / "plan.json", text, "plan");
}

}  // namespace emosweep::results
