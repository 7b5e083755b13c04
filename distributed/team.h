// The ranks that train one trial together: a c10d process group that can break and be made again.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/collective.h"
#include "base/error.h"
#include "distributed/run_store.h"
#include "distributed/team_place.h"

namespace emosweep::distributed {

// Why a trial of a team ended: told by the rank where it happened.
struct TeamFault {
  std::string reason;  // non_finite | out_of_memory | exception; communication: nobody's own fault
  std::string message;
  std::string where;  // "epoch 3, step 41", "" where it is not known
  std::string host;
  int rank = 0;  // in the world
};

// A collective did not come about: a peer failed (then `fault` is what it said), or the environment
// did (reason communication). The team is broken until the next trial.
class TeamError : public Error {
 public:
  explicit TeamError(TeamFault fault) : Error(fault.message), fault_(std::move(fault)) {}
  const TeamFault& fault() const { return fault_; }
  // Where this rank was, unless a peer said where it failed.
  void at(const std::string& where) {
    if (fault_.where.empty()) fault_.where = where;
  }
  bool environment() const { return fault_.reason == "communication"; }

 private:
  TeamFault fault_;
};

// A rank of this team did not come to the rendezvous in time: the team is over, other teams go on.
class TeamLost : public Error {
 public:
  using Error::Error;
};

struct TeamOptions {
  std::chrono::milliseconds timeout{600'000};  // of a collective, and of the rendezvous
  int cuda_device = -1;                        // find_device's: NCCL; -1: Gloo on the CPU
};

// What a team's leader tells its members to do next.
struct TeamOrder {
  static constexpr std::int64_t kOver = -1;  // there is no more
  std::int64_t number = kOver;               // of work, the caller's
  std::int64_t generation = 0;               // of the process group that trains it
};

// All calls by one thread of each of the team's ranks, in the same order; collectives as
// base/collective.h says, with floating-point, int64 or uint8 tensors. An order is given for every
// trial: the leader tells, members hear, all join; then come the trial's collectives, which throw
// TeamError. A rank that fails on its own calls fail, and its peers leave their collectives within
// seconds. A team of one never asks the store.
// On a GPU autograd's thread of that device calls in the backward pass, while the caller waits in
// it: sums of buckets and of batch norm come in the order of the graph, which is the same on all
// ranks.
class Team : public Collective {
 public:
  virtual const TeamPlace& place() const = 0;
  // Leader. Asks for a new group where the last trial left the old one broken.
  virtual TeamOrder tell(std::int64_t number) = 0;
  // Members: the next order. Waits up to `wait` without using the CPU; nullopt: nothing said yet.
  virtual std::optional<TeamOrder> hear(std::chrono::milliseconds wait) = 0;
  // Makes the group of the order's generation where it is not there yet. TeamError: it could not be
  // made, or a peer failed here; TeamLost: a peer did not come.
  virtual void join(const TeamOrder& order) = 0;
  // Tells the peers why this rank leaves the trial (the first rank's word stands) and breaks the
  // group. Never throws.
  virtual void fail(const TeamFault& fault) = 0;
  // Lets go of the group and of the store. Never throws.
  virtual void close() = 0;
};

std::unique_ptr<Team> make_team(const World& world, const TeamPlace& place,
                                std::shared_ptr<RunStore> store, const TeamOptions& options = {});

}  // namespace emosweep::distributed
