// --shard i/n: a job array works on one run folder, each of its jobs on its own part of the plan.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "launcher/plan.h"
#include "results/shard.h"

namespace emosweep::launcher {

using results::Shard;

// InputError for anything but i/n with 1 <= i <= n. 1/1 is a plain run.
Shard read_shard(const std::string& text);

// The trials of a shard: indices into Plan::trials in the plan's order, longest first. Each trial
// goes to the shard that has the least to do so far, the first of equals: a function of the plan
// alone, so that the n shards of one plan hold every trial once, on whatever machines they run. The
// shards' estimated costs differ by at most the longest trial's. A trial that needs others will
// have to be dealt with them.
std::vector<std::uint32_t> dealt_trials(const Plan& plan, const Shard& shard);

}  // namespace emosweep::launcher
