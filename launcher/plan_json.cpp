// What `plan --json` prints: the same facts as the text, every fold and condition.
#include <nlohmann/json.hpp>

#include "data/audio/clips.h"
#include "data/target_counts.h"
#include "launcher/estimate.h"
#include "launcher/plan.h"
#include "launcher/plan_facts.h"
#include "launcher/plan_reasons.h"

namespace emosweep::launcher {

namespace {

using Json = nlohmann::ordered_json;

Json clips_json(const data::Clips& clips) {
  Json out = {{"recordings", 0}, {"seconds", 0.0}};
  std::int64_t count = 0;
  double seconds = 0;
  for (const std::int32_t clip : clips.clip) {
    if (clip < 0) continue;
    ++count;
    seconds += clips.store->info(clip).seconds;
  }
  out["recordings"] = count;
  out["seconds"] = seconds;
  for (std::size_t t = 1; t < clips.troubles.size(); ++t)
    out["trouble"][data::trouble_name(static_cast<data::ClipTrouble>(t))] = clips.troubles[t];
  return out;
}

Json dataset_json(const data::Dataset& dataset) {
  Json out;
  out["name"] = dataset.name;
  out["digest"] = dataset.digest.hex();
  out["samples"] = dataset.size();
  out["target"] = target_kind_name(dataset.target.kind);
  if (dataset.target.kind == TargetKind::regression) {
    out["values"] = target_words(dataset);
  } else {
    // Of aspects each class of each of them: "Battery/Positive".
    const data::ClassMix mix = data::class_mix(dataset, data::all_rows(dataset));
    for (std::size_t c = 0; c < mix.names.size(); ++c)
      out["classes"].push_back({{"name", mix.names[c]}, {"samples", mix.counts[c]}});
  }
  out["groups"] = Json::array();
  for (const data::Column& column : dataset.groups) {
    out["groups"].push_back({{"name", column.name}, {"values", different(column)}});
  }
  for (const data::Modality& modality : dataset.modalities) {
    const ModalityFacts facts = modality_facts(modality);
    out["modalities"].push_back({{"name", modality.name},
                                 {"kind", modality.kind},
                                 {"columns", modality.width},
                                 {"missing_values", facts.missing_values},
                                 {"absent_samples", facts.absent_rows}});
    if (modality.clips != nullptr)
      out["modalities"].back()["recordings"] = clips_json(*modality.clips);
  }
  return out;
}

Json part_json(const data::Dataset& dataset, const std::vector<std::int32_t>& rows) {
  return {{"samples", rows.size()}, {"classes", data::class_mix(dataset, rows).counts}};
}

Json reasons_json(const Plan& plan, const std::vector<Reason>& reasons) {
  Json out = Json::array();
  for (const Reason& reason : reasons) {
    Json conditions = Json::array();
    for (const Reason::Where& where : reason.where) {
      const PlannedExperiment& experiment = plan.experiments.at(where.experiment);
      conditions.push_back({{"experiment", experiment.name},
                            {"condition", experiment.conditions.at(where.condition).label},
                            {"trials", where.trials}});
    }
    out.push_back({{"reason", reason.why}, {"trials", reason.trials}, {"conditions", conditions}});
  }
  return out;
}

Json experiment_json(const PlannedExperiment& experiment, const TrialCounts& counts) {
  const data::Dataset& dataset = experiment.data->dataset;
  Json out;
  out["name"] = experiment.name;
  out["dataset"] = dataset_json(dataset);
  out["protocol"] = data::protocol_name(experiment.split.protocol);
  out["group"] = experiment.split.group;
  out["split_seed"] = experiment.split.split_seed;
  out["duplicates"] = experiment.folds->duplicates;
  for (const data::Fold& fold : experiment.folds->folds) {
    out["folds"].push_back({{"name", fold.name},
                            {"group", fold.group},
                            {"train", part_json(dataset, fold.train)},
                            {"validation", part_json(dataset, fold.validation)},
                            {"test", part_json(dataset, fold.test)},
                            {"dropped", fold.dropped},
                            {"hash", fold.hash.hex()}});
  }
  for (const PlannedCondition& condition : experiment.conditions) {
    out["conditions"].push_back({{"label", condition.label},
                                 {"reads_seed", condition.reads_seed},
                                 {"identity", condition.canonical},
                                 {"idle", condition.idle}});
  }
  out["seeds"] = experiment.seeds;
  out["ranks_per_trial"] = experiment.ranks_per_trial;
  out["cells"] = counts.cells;
  out["trials"] = counts.trials;
  out["cpu_seconds"] = counts.seconds;
  out["resolved"] = experiment.resolved;
  return out;
}

}  // namespace

std::string plan_json(const Plan& plan, int ranks) {
  Json out;
  const std::vector<TrialCounts> counts = trial_counts(plan);
  for (std::size_t e = 0; e < plan.experiments.size(); ++e) {
    out["experiments"].push_back(experiment_json(plan.experiments[e], counts[e]));
  }
  out["cells"] = plan.file.cells.size();
  out["trials"] = plan.trials.size();
  out["estimate"] = {{"cpu_seconds", plan.estimate.cpu_seconds},
                     {"ranks", ranks},
                     {"wall_seconds", wall_seconds(plan, ranks)},
                     {"memory_bytes_per_rank", plan.estimate.memory_bytes},
                     {"disk_bytes", plan.estimate.disk_bytes}};
  const PackCounts packs = pack_counts(plan, ranks);
  out["packs"] = {{"packs", packs.packs},
                  {"largest", packs.largest},
                  {"trials", packs.trials},
                  {"alone", reasons_json(plan, packs.alone)}};
  const KernelCounts kernels = kernel_counts(plan);
  out["kernels"] = {{"fused", kernels.fused}, {"torch", reasons_json(plan, kernels.torch)}};
  out["warnings"] = plan.warnings;
  return out.dump(2) + "\n";
}

}  // namespace emosweep::launcher
