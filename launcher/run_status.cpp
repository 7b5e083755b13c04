#include "launcher/run_status.h"

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "launcher/progress.h"

namespace emosweep::launcher {
namespace {

Exit code_of_state(const results::State& state) {
  for (Exit code : {Exit::done, Exit::trials_failed, Exit::bad_input, Exit::cannot_go_on}) {
    if (state.exit_code == static_cast<int>(code)) return code;
  }
  return Exit::interrupted;
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
  RunStatus status;
  status.lease = inspect_lease(dir);
  if (const auto state = folder.state()) status.state = *state;

  std::set<Digest> ids;
  for (const results::Cell& cell : plan->cells) ids.insert(cell.id);
  const std::vector<Digest> committed = folder.committed();
  const std::set<Digest> done(committed.begin(), committed.end());
  results::State& state = status.state;
  state.planned = static_cast<std::int64_t>(ids.size());
  state.done = state.failed = 0;
  for (const Digest& id : ids) state.done += done.contains(id) ? 1 : 0;
  for (const results::Failure& failure : folder.failures()) {
    state.failed += ids.contains(failure.id) && !done.contains(failure.id) ? 1 : 0;
  }
  state.left = state.planned - state.done - state.failed;

  const bool alive = status.lease.liveness == Liveness::alive;
  if (!alive) {
    state.running = 0;
    if (state.state.empty() || state.state == "running") {
      state.state = "interrupted";
      state.exit_code = static_cast<int>(Exit::interrupted);
      state.eta_seconds = -1;
      state.message = "the run ended without a word: killed, or its machine went down";
    }
  } else {
    state.state = "running";
    state.exit_code = -1;
  }
  status.code = alive ? Exit::interrupted : code_of_state(state);
  return status;
}

std::string status_text(const std::filesystem::path& dir, const RunStatus& status) {
  const results::State& state = status.state;
  std::ostringstream out;
  out << dir.string() << ": " << state.state;
  if (status.lease.liveness == Liveness::alive) {
    out << " (" << status.lease.owner.text() << ", " << state.ranks
        << (state.ranks == 1 ? " rank)" : " ranks)");
  } else {
    out << " (exit code " << static_cast<int>(status.code) << ")";
  }
  out << "\n" << progress_text(state) << "\n";
  if (!state.message.empty()) out << state.message << "\n";
  if (status.lease.liveness != Liveness::alive && state.left > 0) {
    out << "to go on: emosweep resume " << dir.string() << "\n";
  }
  if (state.failed > 0) {
    out << "to try failed trials again: emosweep resume " << dir.string() << " --retry-failed\n";
  }
  return out.str();
}

std::string status_json(const RunStatus& status) {
  const results::State& state = status.state;
  const nlohmann::json json = {{"state", state.state},
                               {"exit_code", static_cast<int>(status.code)},
                               {"alive", status.lease.liveness == Liveness::alive},
                               {"planned", state.planned},
                               {"done", state.done},
                               {"failed", state.failed},
                               {"running", state.running},
                               {"left", state.left},
                               {"ranks", state.ranks},
                               {"busy_fraction", state.busy_fraction},
                               {"trials_per_second", state.trials_per_second},
                               {"eta_seconds", state.eta_seconds},
                               {"started_unix", state.started_unix},
                               {"updated_unix", state.updated_unix},
                               {"owner", state.owner},
                               {"message", state.message}};
  return json.dump(2) + "\n";
}

}  // namespace emosweep::launcher
