#include "launcher/run_monitor.h"

#include <algorithm>

#include "base/log.h"
#include "launcher/run_together.h"

namespace emosweep::launcher {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kLook = std::chrono::milliseconds{200};
constexpr auto kStatePause = std::chrono::seconds{1};

double unix_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

Monitor::Monitor(results::RunFolder folder, const Setup& setup, double cost, int teams,
                 StateOwner owner, ProgressLine::Kind progress)
    : folder_(std::move(folder)),
      planned_(setup.done + setup.failed + static_cast<std::int64_t>(setup.todo.size())),
      done_before_(setup.done),
      failed_before_(setup.failed),
      cost_(cost),
      teams_(teams),
      owner_(std::move(owner)),
      line_(progress),
      start_(Clock::now()),
      pause_(kStatePause),
      start_unix_(unix_time()) {}

results::State Monitor::now(distributed::Coordinator& coordinator) const {
  const std::int64_t committed = coordinator.add(kCommittedSum, 0);
  const std::int64_t failed = coordinator.add(kFailedSum, 0);
  const double busy = 1e-6 * static_cast<double>(coordinator.add(kBusySum, 0));
  const double cost = 1e-6 * static_cast<double>(coordinator.add(kCostSum, 0));
  const double elapsed = std::chrono::duration<double>(Clock::now() - start_).count();
  results::State state;
  state.state = "running";
  state.exit_code = -1;
  state.planned = planned_;
  state.done = done_before_ + committed;
  state.failed = failed_before_ + failed;
  state.running = std::max<std::int64_t>(0, coordinator.add(kRunningSum, 0));
  state.left = planned_ - state.done - state.failed;
  state.started_unix = start_unix_;
  state.updated_unix = unix_time();
  state.ranks = owner_.ranks;
  state.owner = owner_.process;
  state.plan = owner_.plan;
  if (elapsed > 0) {
    state.busy_fraction = std::min(1.0, busy / (elapsed * teams_));
    state.trials_per_second = static_cast<double>(committed + failed) / elapsed;
  }
  // What is left by the plan's estimate, at the speed that was measured so far.
  if (cost > 0) state.eta_seconds = std::max(0.0, cost_ - cost) * (busy / cost) / teams_;
  return state;
}

void Monitor::commit(const results::State& state) {
  const auto begin = Clock::now();
  folder_.commit_state(state, owner_.shard);
  last_commit_ = Clock::now();
  // Two fsyncs on a slow disk must not eat into the training of this rank: at most 1 % of its time.
  pause_ = std::max<Clock::duration>(kStatePause, 100 * (last_commit_ - begin));
}

void Monitor::tick(distributed::Coordinator& coordinator) {
  const auto time = Clock::now();
  if (time - last_look_ < kLook) return;
  last_look_ = time;
  const bool commit_due = time - last_commit_ >= pause_;
  if (!commit_due && !line_.due()) return;
  const results::State state = now(coordinator);
  if (line_.due()) line_.show(state);
  if (commit_due) commit(state);
}

void Monitor::finish(distributed::Coordinator& coordinator, Exit code, std::int64_t done,
                     std::int64_t failed, const std::string& message) {
  results::State state = now(coordinator);
  state.state = state_name(code);
  state.exit_code = static_cast<int>(code);
  state.done = done;
  state.failed = failed;
  state.left = planned_ - done - failed;
  state.running = 0;
  state.eta_seconds = state.left == 0 ? 0 : -1;
  state.message = message;
  line_.clear();
  if (code != Exit::cannot_go_on) line_.show(state);
  commit(state);
}

}  // namespace emosweep::launcher
