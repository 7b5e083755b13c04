#include "launcher/run_status.h"

#include <algorithm>
#include <map>
#include <set>
#include <thread>

#include "launcher/run_leases.h"
#include "launcher/run_together.h"

namespace emosweep::launcher {
namespace {

using results::Shard;
using results::State;

constexpr char kKilled[] = "the run ended without a word: killed, or its machine went down";

Exit code_of_state(const State& state) {
  for (Exit code : {Exit::done, Exit::trials_failed, Exit::bad_input, Exit::cannot_go_on}) {
    if (state.exit_code == static_cast<int>(code)) return code;
  }
  return Exit::interrupted;
}

// What the state file says is the truth only of a run that lives, or that ended in order.
ShardStatus judged(const Shard& shard, const std::optional<State>& written,
                   const LeaseState& lease) {
  ShardStatus status{shard, written.value_or(State{}), lease, Exit::interrupted};
  State& state = status.state;
  if (lease.liveness == Liveness::alive) {
    // Until its first own state a run is about to start.
    if (written && state.owner != lease.owner.text()) state = State{};
    state.state = "running";
    state.exit_code = -1;
    return status;
  }
  state.running = 0;
  const bool other_run =
      lease.liveness == Liveness::dead && written && lease.owner.text() != state.owner;
  if (!written || state.state == "running" || other_run) {
    const bool not_run = !written && lease.liveness == Liveness::none && !shard.whole();
    state.state = not_run ? "not run" : "interrupted";
    state.exit_code = static_cast<int>(Exit::interrupted);
    state.eta_seconds = -1;
    if (!not_run) state.message = kKilled;
  }
  status.code = code_of_state(state);
  return status;
}

// How many shards the last runs of the folder were: a lease tells, dead ones too, else the last
// state that was written. A run that has begun removes the states that it supersedes.
int count_of_shards(const std::vector<HeldLease>& leases, const std::map<int, State>& states) {
  const HeldLease* found = nullptr;
  for (const HeldLease& held : leases) {
    if (found == nullptr || held.state.liveness == Liveness::alive) found = &held;
  }
  if (found != nullptr) return found->shard.count;
  int count = 1;
  double last = -1;
  for (const auto& [shards, state] : states) {
    if (state.updated_unix > last) {
      last = state.updated_unix;
      count = shards;
    }
  }
  return count;
}

// Counts by the folder's files: no state of a killed run is as good.
void count_files(State& state, const results::RunFolder& folder, const results::PlanFile& plan) {
  std::set<Digest> ids;
  for (const results::Cell& cell : plan.cells) ids.insert(cell.id);
  const std::vector<Digest> committed = folder.committed();
  const std::set<Digest> done(committed.begin(), committed.end());
  state.planned = static_cast<std::int64_t>(ids.size());
  state.done = state.failed = 0;
  for (const Digest& id : ids) state.done += done.contains(id) ? 1 : 0;
  for (const results::Failure& failure : folder.failures()) {
    state.failed += ids.contains(failure.id) && !done.contains(failure.id) ? 1 : 0;
  }
  state.left = state.planned - state.done - state.failed;
}

// All shards together; rates and the ETA are of those that run, if any does.
RunStatus sum_of(std::vector<ShardStatus> shards) {
  RunStatus sum;
  sum.code = Exit::done;
  State& state = sum.state;
  bool alive = false;
  for (const ShardStatus& shard : shards) alive |= shard.lease.liveness == Liveness::alive;
  double busy = 0;
  bool eta_known = true;
  for (const ShardStatus& shard : shards) {
    if (severity(shard.code) > severity(sum.code)) {
      sum.code = shard.code;
      state.message = shard.state.message.empty()
                          ? ""
                          : "shard " + shard.shard.text() + ": " + shard.state.message;
    }
    const bool first = state.started_unix == 0 || shard.state.started_unix < state.started_unix;
    if (shard.state.started_unix > 0 && first) state.started_unix = shard.state.started_unix;
    state.updated_unix = std::max(state.updated_unix, shard.state.updated_unix);
    if (alive && shard.lease.liveness != Liveness::alive) continue;
    if (alive && sum.lease.liveness == Liveness::none) sum.lease = shard.lease;
    state.running += shard.state.running;
    state.ranks += shard.state.ranks;
    state.trials_per_second += shard.state.trials_per_second;
    busy += shard.state.busy_fraction * shard.state.ranks;
    eta_known &= shard.state.eta_seconds >= 0;
    state.eta_seconds = std::max(state.eta_seconds, shard.state.eta_seconds);
  }
  if (!eta_known) state.eta_seconds = -1;
  if (state.ranks > 0) state.busy_fraction = busy / state.ranks;
  state.state = alive ? "running" : state_name(sum.code);
  state.exit_code = alive ? -1 : static_cast<int>(sum.code);
  sum.shards = std::move(shards);
  return sum;
}

// One look at leases and states, which are not read in one instant.
RunStatus look_at(const results::RunFolder& folder) {
  const std::vector<HeldLease> leases = held_leases(folder.path());
  std::map<int, State> last_of_count;
  std::map<std::pair<int, int>, State> states;
  for (const Shard& shard : folder.states()) {
    const std::optional<State> state = folder.state(shard);
    if (!state) continue;
    states[{shard.count, shard.index}] = *state;
    State& last = last_of_count[shard.count];
    if (state->updated_unix >= last.updated_unix) last = *state;
  }
  const auto status_of = [&](const Shard& shard) {
    LeaseState lease;
    for (const HeldLease& held : leases) {
      if (held.shard == shard) lease = held.state;
    }
    const auto state = states.find({shard.count, shard.index});
    return judged(shard, state == states.end() ? std::nullopt : std::optional(state->second),
                  lease);
  };
  const int count = count_of_shards(leases, last_of_count);
  if (count == 1) {
    const ShardStatus plain = status_of({});
    return {plain.state, plain.lease, plain.code, {}};
  }
  std::vector<ShardStatus> shards;
  for (int index = 1; index <= count; ++index) shards.push_back(status_of({index, count}));
  return sum_of(std::move(shards));
}

// A killed run leaves a dead lease: without any, a run began or ended between the two looks.
bool without_lease(const State& state, const LeaseState& lease) {
  return state.message == kKilled && lease.liveness == Liveness::none;
}

bool began_or_ended(const RunStatus& status) {
  if (status.shards.empty()) return without_lease(status.state, status.lease);
  return std::any_of(status.shards.begin(), status.shards.end(), [](const ShardStatus& shard) {
    return without_lease(shard.state, shard.lease);
  });
}

}  // namespace

RunStatus read_status(const std::filesystem::path& dir) {
  const results::RunFolder folder(dir);
  const std::optional<results::PlanFile> plan = folder.plan();
  if (!plan) {
    throw InputError(
        dir.string() +
        " has no plan.json: it is no run folder, or its first run ended before it began");
  }
  RunStatus status = look_at(folder);
  if (began_or_ended(status)) {
    std::this_thread::sleep_for(std::chrono::milliseconds{100});
    status = look_at(folder);
  }
  count_files(status.state, folder, *plan);
  return status;
}

}  // namespace emosweep::launcher
