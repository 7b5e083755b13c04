// Which GPU a rank trains on.
#pragma once

#include <string>

#include "distributed/world.h"
#include "launcher/plan.h"
#include "launcher/run.h"

namespace emosweep::launcher {

// Whether this trial is trained on a GPU.
bool on_gpu(const Plan& plan, const PlannedTrial& trial);

struct RankDevice {
  int cuda = -1;     // index, -1: no trial is to be trained on a GPU
  std::string name;  // "cuda: NVIDIA H100 80GB HBM3", as records name it
};
// Whether a trial of this run's part of the plan is to be trained on a GPU. DIR need not exist.
bool needs_gpu(const Plan& plan, const RunOptions& options);
// Collective over the world; `needed`: rank 0's needs_gpu, on every rank. Then every rank takes
// one. Ranks that train alone may share one, members of a team may not. InputError: a rank without
// a GPU; teams whose plan has trials on both devices.
RankDevice take_device(const distributed::World& world, const Plan& plan, bool needed);
// Collective over the world: rank 0 warns where ranks have GPUs of several kinds.
void warn_of_other_gpus(const distributed::World& world, const RankDevice& device);

}  // namespace emosweep::launcher
