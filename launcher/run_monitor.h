// The state file and the progress line of a run, kept by rank 0 between its own steps.
#pragma once

#include <chrono>
#include <string>

#include "distributed/coordinator.h"
#include "launcher/progress.h"
#include "launcher/run_setup.h"

namespace emosweep::launcher {

// Sums that all ranks add to as trials end, in microseconds.
inline constexpr char kBusySum[] = "busy";  // measured
inline constexpr char kCostSum[] = "cost";  // what the plan estimated for the same trials
// Trials, counted as they begin and end; the coordinator counts packs.
inline constexpr char kRunningSum[] = "running";
inline constexpr char kCommittedSum[] = "committed";
inline constexpr char kFailedSum[] = "failed";

class Monitor {
 public:
  // `cost` is the estimate of all trials to be done, in seconds.
  Monitor(results::RunFolder folder, const Setup& setup, double cost, int teams, StateOwner owner,
          ProgressLine::Kind progress);

  // Cheap enough for every step: looks at the clock, and now and then at the store and the disk.
  void tick(distributed::Coordinator& coordinator);
  void clear_line() { line_.clear(); }
  results::State now(distributed::Coordinator& coordinator) const;
  // The last state of this run, by the folder's own counts; commits it.
  void finish(distributed::Coordinator& coordinator, Exit code, std::int64_t done,
              std::int64_t failed, const std::string& message);

 private:
  void commit(const results::State& state);

  results::RunFolder folder_;
  std::int64_t planned_, done_before_, failed_before_;
  double cost_;
  int teams_;
  StateOwner owner_;
  ProgressLine line_;
  std::chrono::steady_clock::time_point start_, last_look_{}, last_commit_{};
  std::chrono::steady_clock::duration pause_;
  double start_unix_;
};

}  // namespace emosweep::launcher
