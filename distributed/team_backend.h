// How a team gets its process group. Inside distributed/ and its tests only: c10d's headers are
// heavy.
#pragma once

#include <functional>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include "distributed/team.h"

namespace emosweep::distributed {

struct TeamBackend {
  // Collective over the team; `store` belongs to this group alone. The timeout is of making it.
  std::function<c10::intrusive_ptr<c10d::Backend>(const c10::intrusive_ptr<c10d::Store>& store,
                                                  int rank, int size,
                                                  std::chrono::milliseconds timeout)>
      make;
  bool wakes_waiting = true;  // group.h
  at::Device device = at::kCPU;
};

std::unique_ptr<Team> make_team(const World& world, const TeamPlace& place,
                                std::shared_ptr<RunStore> store, const TeamOptions& options,
                                TeamBackend backend);

}  // namespace emosweep::distributed
