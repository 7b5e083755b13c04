// How the trials of a plan are computed, and why some differ: what `plan` prints about packs and
// kernels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "launcher/plan.h"

namespace emosweep::launcher {

// Trials that one reason holds for, and the conditions that they are of.
struct Reason {
  struct Where {
    std::uint32_t experiment = 0, condition = 0;  // within the experiment
    std::size_t trials = 0;
  };
  std::string why;
  std::size_t trials = 0;
  std::vector<Where> where;  // in the order of the plan
};
// `12 trials: <why> ("a" with hidden_size=27, "b")`: of an experiment all of whose conditions are
// meant, its name; else the settings that tell them from its others, or a list of them, the first
// few.
std::string reason_text(const Plan& plan, const Reason& reason);

// How all trials of a plan would be packed on so many ranks.
struct PackCounts {
  std::size_t packs = 0, largest = 0, trials = 0;  // packs of several trials; the trials in them
  std::vector<Reason> alone;                       // the others; by the reasons' texts
};
PackCounts pack_counts(const Plan& plan, int ranks);

// Linear models have no kernels and are in neither.
struct KernelCounts {
  std::size_t fused = 0;
  std::vector<Reason> torch;  // by the reasons' texts
};
KernelCounts kernel_counts(const Plan& plan);

// Why the trials of a condition on teams of so many ranks have torch's kernels; "" where they have
// fused ones or none.
std::string why_torch(const PlannedCondition& condition, int ranks);

// "" where the trials can be trained with fused kernels, else why not.
std::string why_not_fused(const trainer::TrialSpec& spec, std::int64_t ranks);

}  // namespace emosweep::launcher
