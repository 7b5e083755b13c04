#include "launcher/estimate.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "data/batch.h"
#include "models/work.h"

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

// Rows that a rank computes: torch's kernels pad them (data/batch.h).
double rows_of(const trainer::TrialSpec& spec, int ranks, bool fused) {
  const std::int64_t rows = (spec.loop.batch_size + ranks - 1) / ranks;
  constexpr std::int64_t kStep = data::kAlignedRows;
  return static_cast<double>(fused ? rows : (rows + kStep - 1) / kStep * kStep);
}

// What the trials of a pack share, and what each of them has for itself.
struct StepSeconds {
  double shared = 0, own = 0;
};

StepSeconds step_seconds(const trainer::TrialSpec& spec, int ranks, const CostModel& model) {
  const bool fused = spec.model.kernels == models::Kernels::fused;
  const models::Work work = models::counted_work(spec.model);
  const double rows = rows_of(spec, ranks, fused);
  const double width = spec.model.dtype == at::kDouble ? 2 : 1;  // numbers, and products per second
  const double weights = static_cast<double>(models::parameter_count(spec.model));
  StepSeconds seconds;
  if (!spec.model.device.is_cpu()) {
    seconds.own = model.gpu_step + width * rows * work.step / model.gpu_flops_per_second;
  } else if (fused) {
    seconds.own = model.fused_step +
                  width * (rows * work.step / model.fused_flops_per_second +
                           rows * work.values * model.fused_value + weights * model.fused_weight);
  } else {
    seconds.shared =
        model.step + static_cast<double>(spec.model.inputs.size()) * model.step_per_modality;
    seconds.own = width * (rows * work.step / model.flops_per_second +
                           rows * work.values * model.value + weights * model.weight);
  }
  seconds.own += team_seconds(spec, ranks, model);
  return seconds;
}

// Of its training rows, the mean over all epochs: those of a curriculum use fewer at first.
double used_share(const trainer::TrialSpec& spec, const data::Fold& fold) {
  const trainer::LoopOptions& loop = spec.loop;
  if (loop.curriculum.order == "none" || fold.train.empty()) return 1;
  const auto rows = static_cast<std::int64_t>(fold.train.size());
  const std::int64_t paced = std::min(loop.curriculum.epochs, loop.epochs);
  double used = static_cast<double>(loop.epochs - paced) * static_cast<double>(rows);
  for (std::int64_t epoch = 0; epoch < paced; ++epoch) {
    used += static_cast<double>(
        trainer::curriculum_rows(loop.curriculum, rows, loop.batch_size, epoch));
  }
  return used / (static_cast<double>(rows) * static_cast<double>(loop.epochs));
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
  const double share = used_share(spec, fold);
  const StepSeconds parts = step_seconds(spec, ranks, model);
  const double step = parts.own + parts.shared / static_cast<double>(pack);
  const double evaluations = std::ceil(batches(validation, model.evaluation_rows) / ranks) *
                             static_cast<double>(spec.prepare.windows);
  double seconds =
      epochs * (share * batches(train, batch) + model.evaluation_share * evaluations) * step;
  if (spec.loop.refit) {
    const double again = selects ? model.refit_share * epochs : epochs;
    seconds += again * batches(train + validation, batch) * step;
  }
  return (spec.model.device.is_cpu() ? model.trial : model.gpu_trial) + seconds;
}

Estimate estimate(const Plan& plan, const CostModel& model) {
  Estimate out;
  double disk = 0;
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
      if (!condition.base.save_models || condition.base.model.model == "linear") continue;
      const double size = condition.base.model.dtype == at::kDouble ? 8 : 4;
      disk += size * static_cast<double>(models::parameter_count(condition.base.model)) *
              static_cast<double>(experiment.folds->folds.size()) *
              static_cast<double>(condition.reads_seed ? experiment.seeds.size() : 1);
    }
    if (!seen.insert(experiment.data.get()).second) continue;
    disk += model.sample * static_cast<double>(experiment.data->samples.id.size());
  }
  out.memory_bytes = static_cast<std::int64_t>(memory_bytes(plan, model));
  out.disk_bytes = static_cast<std::int64_t>(disk);
  return out;
}

double wall_seconds(const Plan& plan, int ranks) {
  double longest = 0;
  for (const PlannedTrial& trial : plan.trials) longest = std::max(longest, trial.cost);
  return std::max(longest, plan.estimate.cpu_seconds / std::max(ranks, plan.ranks_per_trial));
}

}  // namespace emosweep::launcher
