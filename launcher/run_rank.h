// One rank's part of a run, until there is no more or someone asks for the end: the leader of a
// team takes tickets for packs, all its ranks train, the leader commits trial by trial.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/files.h"
#include "distributed/coordinator.h"
#include "distributed/team.h"
#include "launcher/packs.h"
#include "launcher/run_monitor.h"

namespace emosweep::launcher {

struct RankParts {  // all outlive the loop
  const distributed::World& world;
  const Plan& plan;
  const RunOptions& options;
  const Setup& setup;
  const std::vector<WorkPack>& packs;  // the coordinator's numbers, of numbers of setup.todo
  const results::RunFolder& folder;
  distributed::Coordinator& coordinator;
  distributed::Team& team;
  SyncedLines& log;
  const Worker& worker;
  Monitor* monitor;    // on rank 0, null elsewhere
  const Lease* lease;  // likewise
  std::string gpu;     // this rank's, by name; "" where no trial of the plan wants one
};

class RankLoop : RankParts {
 public:
  explicit RankLoop(const RankParts& parts);

  // Returns why this rank cannot go on, "" otherwise. After an error of storage all ranks are asked
  // to stop; when a rank of this team is lost the other teams go on. RunError: the store is gone.
  std::string run();

 private:
  using Members = std::vector<std::uint32_t>;  // numbers of setup.todo that are trained together
  using Outcomes = std::vector<trainer::TrialOutcome>;
  std::optional<Members> next();  // what this team trains now
  std::optional<Members> take();  // leader
  std::optional<Members> hear();  // members of the team
  Members members_of(std::int64_t order) const;
  const PlannedTrial& trial_of(std::uint32_t member) const;
  distributed::Done train(const Members& members);
  void end(distributed::Done done);
  // Why there are no outcomes, or nullopt. Interrupted as the trainer threw it.
  std::optional<distributed::TeamFault> outcomes_of(const Members& members, Outcomes& outcomes);
  std::string mistake_in(const Members& members, const Outcomes& outcomes) const;
  void note_costs(const Members& members, const Outcomes& outcomes, double seconds);
  void keep_all(const Members& members, Outcomes& outcomes, const results::Provenance& whole);
  void commit(const PlannedTrial& trial, const Todo& todo, trainer::Trained& trained);
  trainer::CheckpointOptions checkpoints(const Members& members);
  trainer::TellEpoch tell_epoch(const Members& members);
  // After a trial failed. RunError where every later one of this process would fail too.
  void recover_gpu(const distributed::TeamFault& fault) const;
  distributed::Done give_up(const Members& members, const distributed::TeamFault& fault);
  void fail(const PlannedTrial& trial, const distributed::TeamFault& fault);
  distributed::TeamFault own_fault(const std::string& reason, const std::string& message,
                                   const std::string& where = {}) const;
  std::string title(const PlannedTrial& trial) const;
  bool fits(const WorkPack& pack);
  bool stopping();

  // The leader's.
  std::optional<std::uint32_t> taken_;  // the pack's number
  Members alone_;                       // of a pack that failed as a whole: still to be trained
  bool apart_ = false;                  // and some may have ended
  distributed::TeamOrder order_;
  double start_unix_ = 0;
  bool stopped_ = false;
  bool note_failed_ = false;  // and said
};

}  // namespace emosweep::launcher
