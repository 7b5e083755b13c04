// The run of a plan on all ranks, into a run folder. What trains one trial is given from outside.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/collective.h"
#include "base/error.h"
#include "distributed/world.h"
#include "launcher/lease.h"
#include "launcher/plan.h"
#include "launcher/progress.h"
#include "results/shard.h"
#include "trainer/trial.h"

namespace emosweep::launcher {

struct RunOptions {
  PlanOptions plan;                // as given; `resume` reads DIR/experiment.yaml instead
  std::filesystem::path original;  // the experiment file as the user named it, absolute
  std::filesystem::path dir;
  results::Shard shard;       // the part of the plan that this run is for
  bool retry_failed = false;  // also trials with a recorded failure
  double end_unix = 0;        // no trial starts that cannot finish by then; 0 = no limit
  ProgressLine::Kind progress = ProgressLine::Kind::none;
  bool print_report = true;  // on stdout at the end
  bool pin = true;
  LeaseOptions lease;
  double checkpoint_after = 60;  // seconds of a trial, see trainer::CheckpointOptions
  // A rank that does not answer for so long is taken for hanging: in a collective of its team that
  // ends the trial, without a sign of life of any rank it ends the run.
  std::chrono::seconds timeout{600};
};

// Trains the trials of one pack and returns their outcomes in order, called on every rank of the
// team. Throws what ends the pack as a whole: TrialError, distributed::TeamError,
// trainer::Interrupted or std::exception; asks `stopping` once per step. A pack of several trials
// that fails as a whole is trained again, one by one.
using Worker = std::function<std::vector<trainer::TrialOutcome>(
    std::span<const PlannedTrial* const>, Collective&, const trainer::Stopping&,
    const trainer::CheckpointOptions&, const trainer::TellEpoch&)>;

// Collective; the ranks' plans must be equal (RunError names the rank). Trains what the shard's
// part of the plan holds and the folder lacks, longest first, and returns the same code on every
// rank, of that part: done, trials_failed, interrupted, or cannot_go_on after an error that a rank
// has logged. Every file is on disk on every rank when it returns. Left when a rank cannot begin.
// Pins the calling thread.
Exit run_plan(const distributed::World& world, const Plan& plan, const RunOptions& options,
              const Worker& worker);

}  // namespace emosweep::launcher
