#include "launcher/run_device.h"

#include <algorithm>
#include <set>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "distributed/devices.h"
#include "launcher/shard.h"
#include "results/run_folder.h"

namespace emosweep::launcher {
namespace {

constexpr double kAgreeSeconds = 120;

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
    const std::vector<distributed::CudaDevice> devices = distributed::cuda_devices();
    if (devices.empty()) return;
    log::info(experiment.name + " is trained on the CPU, and a GPU is here (" + devices[0].name +
              "): device: cuda trains it there, as other trials");
    return;
  }
}

}  // namespace

bool on_gpu(const Plan& plan, const PlannedTrial& trial) {
  if (trial.experiment >= plan.experiments.size()) return false;
  return trains_on_gpu(plan.experiments[trial.experiment].conditions.at(trial.condition));
}

bool needs_gpu(const Plan& plan, const RunOptions& options) {
  const results::RunFolder folder(options.dir);
  const std::vector<Digest> committed = folder.committed();
  std::set<Digest> done(committed.begin(), committed.end());
  if (!options.retry_failed) {
    for (const results::Failure& failure : folder.failures()) done.insert(failure.id);
  }
  const std::vector<std::uint32_t> mine = dealt_trials(plan, options.shard);
  return std::any_of(mine.begin(), mine.end(), [&](std::uint32_t t) {
    return on_gpu(plan, plan.trials[t]) && !done.contains(plan.trials[t].id);
  });
}

RankDevice take_device(const distributed::World& world, const Plan& plan, bool needed) {
  bool some = false, others = false;
  for (const PlannedExperiment& experiment : plan.experiments) {
    for (const PlannedCondition& condition : experiment.conditions)
      (trains_on_gpu(condition) ? some : others) = true;
  }
  if (!some) {
    if (world.rank == 0) tell_of_idle_gpus(plan);
    return {};
  }
  if (!needed) return {};  // a finished run can be summed up anywhere
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

void warn_of_other_gpus(const distributed::World& world, const RankDevice& device) {
  if (device.cuda < 0) return;
  const std::vector<std::string> names =
      distributed::gather(device.name, "kinds of GPUs", distributed::in_seconds(kAgreeSeconds));
  const auto other = std::find_if(names.begin(), names.end(),
                                  [&](const std::string& name) { return name != names[0]; });
  if (world.rank != 0 || other == names.end()) return;
  log::warning("rank 0 trains on " + names[0] + ", rank " + std::to_string(other - names.begin()) +
               " on " + *other +
               ": results differ in their last bits with the rank that trains, and each record "
               "names its GPU");
}

}  // namespace emosweep::launcher
