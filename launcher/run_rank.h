// One rank's part of a run: takes tickets, trains, commits, until there is no more or someone asks
// for the end.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/files.h"
#include "distributed/coordinator.h"
#include "launcher/run_monitor.h"

namespace emosweep::launcher {

class RankLoop {
 public:
  // `monitor` and `lease` on rank 0, null elsewhere. All references outlive the loop.
  RankLoop(const distributed::World& world, const Plan& plan, const Setup& setup,
           const results::RunFolder& folder, distributed::Coordinator& coordinator,
           SyncedLines& log, const Worker& worker, Monitor* monitor, const Lease* lease);

  // Returns why this rank cannot go on (storage), "" otherwise; all ranks are then asked to stop.
  // RunError: the store is gone.
  std::string run();

 private:
  distributed::Done train_one(const PlannedTrial& trial, const Todo& todo);
  results::Provenance provenance(const Todo& todo, double start_unix) const;
  void fail(const PlannedTrial& trial, const std::string& reason, const std::string& message,
            const std::string& where);
  bool fits(const PlannedTrial& trial);
  bool stopping();

  const distributed::World& world_;
  const Plan& plan_;
  const Setup& setup_;
  const results::RunFolder& folder_;
  distributed::Coordinator& coordinator_;
  SyncedLines& log_;
  const Worker& worker_;
  Monitor* monitor_;
  const Lease* lease_;
  bool stopped_ = false;
};

}  // namespace emosweep::launcher
