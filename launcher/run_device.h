// Which GPU a rank trains on.
#pragma once

#include <chrono>
#include <string>

#include "distributed/world.h"
#include "launcher/plan.h"

namespace emosweep::launcher {

// Whether trials of this condition are trained on a GPU.
bool on_gpu(const Plan& plan, const PlannedTrial& trial);

struct RankDevice {
  int cuda = -1;     // index, -1: no trial of the plan is trained on a GPU
  std::string name;  // "cuda: NVIDIA H100 80GB HBM3", as records name it
};
// Collective over the world where some trial wants a GPU: every rank takes one. Ranks that train
// alone may share one, members of a team may not. InputError: a rank without a GPU; teams whose
// plan has trials on both devices.
RankDevice take_device(const distributed::World& world, const Plan& plan);

}  // namespace emosweep::launcher
