#include "launcher/run_device.h"

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "distributed/devices.h"

namespace emosweep::launcher {
namespace {

bool trains_on_gpu(const PlannedCondition& condition) {
  return !condition.base.model.device.is_cpu();
}

// A user with a GPU may not know that one has to ask for it.
void tell_of_idle_gpus(const Plan& plan) {
  const auto could = [](const PlannedCondition& condition) {
    const std::string& model = condition.base.model.model;
    return models::is_image_model(model) || models::is_text_model(model);
  };
  for (const PlannedExperiment& experiment : plan.experiments) {
    if (std::none_of(experiment.conditions.begin(), experiment.conditions.end(), could)) continue;
    if (distributed::cuda_devices().empty()) return;
    log::info(experiment.name + " is trained on the CPU, and a GPU is here (" +
              distributed::device_text() + "): device: cuda trains it there, as other trials");
    return;
  }
}

}  // namespace

bool on_gpu(const Plan& plan, const PlannedTrial& trial) {
  if (trial.experiment >= plan.experiments.size()) return false;
  return trains_on_gpu(plan.experiments[trial.experiment].conditions.at(trial.condition));
}

RankDevice take_device(const distributed::World& world, const Plan& plan) {
  bool some = false, others = false;
  for (const PlannedExperiment& experiment : plan.experiments) {
    for (const PlannedCondition& condition : experiment.conditions)
      (trains_on_gpu(condition) ? some : others) = true;
  }
  if (!some) {
    if (world.rank == 0) tell_of_idle_gpus(plan);
    return {};
  }
  const bool teams = plan.ranks_per_trial > 1;
  if (teams && others) {
    throw InputError(
        "ranks_per_trial: teams train either on GPUs or on the CPU, and this run has trials of "
        "both; give each device its own run (-e NAME)");
  }
  const int device = distributed::find_device(world, !teams);
  distributed::use_device(device);
  const auto devices = distributed::cuda_devices();
  return {device, "cuda: " + devices.at(static_cast<std::size_t>(device)).name};
}

}  // namespace emosweep::launcher
