#include "launcher/estimate.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace emosweep::launcher {

namespace {

double batches(double rows, double batch) { return std::ceil(std::max(rows, 0.0) / batch); }

double linear_seconds(const trainer::TrialSpec& spec, double rows, const CostModel& model) {
  double features = 1;
  for (const std::int64_t width : spec.model.widths) features += static_cast<double>(width);
  const double flops = 4 * rows * features * static_cast<double>(spec.model.classes);
  return model.linear_passes * flops / model.linear_flops_per_second;
}

// Three collectives a step: the batch's class counts, the losses, the gradient.
double team_seconds(const trainer::TrialSpec& spec, int ranks, const CostModel& model) {
  if (ranks == 1) return 0;
  const double bytes = static_cast<double>(models::parameter_count(spec.model)) *
                       (spec.model.dtype == at::kDouble ? 8 : 4);
  return 3 * model.collective + bytes / model.reduced_per_second;
}

double step_seconds(const trainer::TrialSpec& spec, int ranks, std::int64_t pack,
                    const CostModel& model) {
  const double modalities = static_cast<double>(spec.model.inputs.size());
  const bool attends = spec.model.fusion == models::Fusion::cross_attention;
  const bool fused = spec.model.kernels == models::Kernels::fused;
  const double dispatch = fused
                              ? model.fused_step + modalities * model.fused_step_per_modality
                              : model.step + modalities * model.step_per_modality +
                                    (attends ? modalities * model.step_per_attending_modality : 0);
  // Attention applies its weights to every token of a row.
  const double uses = attends ? static_cast<double>(spec.model.tokens) / 2 : 1;
  const double flops = 6 * static_cast<double>(models::parameter_count(spec.model)) * uses *
                       std::ceil(static_cast<double>(spec.loop.batch_size) / ranks);
  const double speed = model.flops_per_second * (spec.model.dtype == at::kDouble ? 0.5 : 1);
  const double once = fused ? 0 : 1 - model.packed_share;  // a pack
  const double spread = 1 - once + once / static_cast<double>(pack);
  return dispatch * spread + flops / speed + team_seconds(spec, ranks, model);
}

}  // namespace

double trial_seconds(const trainer::TrialSpec& spec, const data::Fold& fold, int ranks,
                     std::int64_t pack, const CostModel& model) {
  const double train = static_cast<double>(fold.train.size());
  const double validation = static_cast<double>(fold.validation.size());
  if (spec.model.model == "linear") {
    return model.trial +
           linear_seconds(spec, train + (spec.linear.refit ? validation : 0), model) / ranks;
  }
  const double batch = static_cast<double>(spec.loop.batch_size);
  double epochs = static_cast<double>(spec.loop.epochs);
  const bool selects = spec.loop.selection_metric != "last";
  if (spec.loop.patience > 0) {
    epochs = std::min(epochs, model.patience_epochs * static_cast<double>(spec.loop.patience));
  }
  const double step = step_seconds(spec, ranks, pack, model);
  const double evaluations = std::ceil(batches(validation, model.evaluation_rows) / ranks);
  double seconds = epochs * (batches(train, batch) + model.evaluation_share * evaluations) * step;
  if (spec.loop.refit) {
    const double again = selects ? model.refit_share * epochs : epochs;
    seconds += again * batches(train + validation, batch) * step;
  }
  return model.trial + seconds;
}

Estimate estimate(const Plan& plan, const CostModel& model) {
  Estimate out;
  double disk = 0, weights = 0, values = 0;
  for (const PlannedTrial& trial : plan.trials) {
    out.cpu_seconds += trial.cost * plan.ranks_per_trial;
    const PlannedExperiment& experiment = plan.experiments[trial.experiment];
    const trainer::TrialSpec& spec = experiment.conditions[trial.condition].base;
    const double rows = static_cast<double>(experiment.folds->folds[trial.fold].test.size());
    const double classes = static_cast<double>(spec.model.classes);
    disk += model.record + model.summary_trial;
    if (spec.predictions != "none") {
      disk += 2 * rows * (model.prediction + (spec.predictions == "all" ? 4 * classes : 0));
    }
    const bool network = spec.model.model != "linear";
    if (network) disk += model.curve_epoch * static_cast<double>(spec.loop.epochs);
  }
  std::set<const data::Loaded*> seen;
  for (const PlannedExperiment& experiment : plan.experiments) {
    for (const PlannedCondition& condition : experiment.conditions) {
      const bool network = condition.base.model.model != "linear";
      const double size = condition.base.model.dtype == at::kDouble ? 8 : 4;
      const double bytes =
          network ? size * static_cast<double>(models::parameter_count(condition.base.model)) : 0;
      weights = std::max(weights, bytes);
      if (condition.base.save_models) {
        disk += bytes * static_cast<double>(experiment.folds->folds.size()) *
                static_cast<double>(condition.reads_seed ? experiment.seeds.size() : 1);
      }
    }
    if (!seen.insert(experiment.data.get()).second) continue;
    disk += model.sample * static_cast<double>(experiment.data->samples.id.size());
    for (const data::Modality& modality : experiment.data->dataset.modalities) {
      values += 8 * static_cast<double>(modality.values.size());
    }
  }
  out.memory_bytes = static_cast<std::int64_t>(
      model.process + model.values_copies * values + model.weights_copies * weights +
      model.plan_trial * static_cast<double>(plan.file.cells.size()));
  out.disk_bytes = static_cast<std::int64_t>(disk);
  return out;
}

double wall_seconds(const Plan& plan, int ranks) {
  double longest = 0;
  for (const PlannedTrial& trial : plan.trials) longest = std::max(longest, trial.cost);
  return std::max(longest, plan.estimate.cpu_seconds / std::max(ranks, plan.ranks_per_trial));
}

}  // namespace emosweep::launcher
