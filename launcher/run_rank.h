// One rank's part of a run, until there is no more or someone asks for the end: the leader of a
// team takes tickets, all its ranks train, the leader commits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/files.h"
#include "distributed/coordinator.h"
#include "distributed/team.h"
#include "launcher/run_monitor.h"

namespace emosweep::launcher {

struct RankParts {  // all outlive the loop
  const distributed::World& world;
  const Plan& plan;
  const RunOptions& options;
  const Setup& setup;
  const results::RunFolder& folder;
  distributed::Coordinator& coordinator;
  distributed::Team& team;
  SyncedLines& log;
  const Worker& worker;
  Monitor* monitor;    // on rank 0, null elsewhere
  const Lease* lease;  // likewise
};

class RankLoop : RankParts {
 public:
  explicit RankLoop(const RankParts& parts);

  // Returns why this rank cannot go on, "" otherwise. After an error of storage all ranks are asked
  // to stop; when a rank of this team is lost the other teams go on. RunError: the store is gone.
  std::string run();

 private:
  std::optional<std::uint32_t> next();  // the trial that this team trains now
  std::optional<std::uint32_t> take();  // leader
  std::optional<std::uint32_t> hear();  // members
  distributed::Done train_one(const PlannedTrial& trial, const Todo& todo);
  // Why there is no result, or nullopt. Interrupted as the trainer threw it.
  std::optional<distributed::TeamFault> train(const PlannedTrial& trial, trainer::Trained& trained);
  void commit(const PlannedTrial& trial, const Todo& todo, trainer::Trained& trained);
  trainer::CheckpointOptions checkpoints(const PlannedTrial& trial);
  distributed::Done give_up(const PlannedTrial& trial, const distributed::TeamFault& fault);
  void fail(const PlannedTrial& trial, const distributed::TeamFault& fault);
  distributed::TeamFault own_fault(const std::string& reason, const std::string& message,
                                   const std::string& where = {}) const;
  std::string title(const PlannedTrial& trial) const;
  bool fits(const PlannedTrial& trial);
  bool stopping();

  std::optional<std::uint32_t> taken_;
  distributed::TeamOrder order_;
  double start_unix_ = 0;
  bool stopped_ = false;
};

}  // namespace emosweep::launcher
