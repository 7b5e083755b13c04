// Which trials are trained together, and in which order the packs are handed out.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "launcher/plan.h"

namespace emosweep::launcher {

// How many trials like this one are trained together at most; where it is one, why.
struct PackSize {
  std::int64_t trials = 1;
  const char* alone = "";
};
// The one place that decides. wish: 0 = auto, else at most so many; ranks: of a team. Trials whose
// results would depend on the pack, and those that have checkpoints, are alone whatever is wished.
PackSize pack_size(const trainer::TrialSpec& spec, const data::Fold& fold, std::int64_t wish,
                   int ranks);

// Seconds of a trial in a pack of so many.
double packed_cost(const PlannedTrial& trial, std::int64_t pack);

struct WorkPack {
  std::vector<std::uint32_t> members;  // positions in the given list
  double cost = 0;                     // estimated seconds of one team
  std::uint32_t shape = 0;
};

// Every given trial (numbers of plan.trials) in one pack; the dearest pack first. The packs of a
// shape are equally large, and as many as fill the teams that the shape occupies a whole number of
// times; the last of a long list are halved: so teams end together. A function of its arguments
// alone: the same on every rank.
std::vector<WorkPack> make_packs(const Plan& plan, std::span<const std::uint32_t> trials,
                                 int teams);

}  // namespace emosweep::launcher
