// A run's status as text and JSON.
#include <nlohmann/json.hpp>
#include <sstream>

#include "launcher/progress.h"
#include "launcher/run_status.h"

namespace emosweep::launcher {
namespace {

using results::State;

std::string ranks_text(int ranks) {
  return std::to_string(ranks) + (ranks == 1 ? " rank" : " ranks");
}

// " (process 4711 on node3, 2 ranks)", " (process 4711 on node3, starting)", " (exit code 75)"
std::string who_or_code(const State& state, const LeaseState& lease, Exit code) {
  if (lease.liveness == Liveness::alive) {
    const std::string ranks = state.ranks == 0 ? "starting" : ranks_text(state.ranks);
    return " (" + lease.owner.text() + ", " + ranks + ")";
  }
  return " (exit code " + std::to_string(static_cast<int>(code)) + ")";
}

std::string shard_text(const ShardStatus& shard) {
  std::string text = "  shard " + shard.shard.text() + ": " + shard.state.state;
  if (shard.state.state == "not run") return text + " yet\n";
  text += who_or_code(shard.state, shard.lease, shard.code);
  if (shard.state.ranks > 0) text += ": " + progress_text(shard.state);
  if (!shard.state.message.empty()) text += "; " + shard.state.message;
  return text + "\n";
}

std::string how_to_go_on(const std::filesystem::path& dir, const RunStatus& status) {
  const bool alive = status.lease.liveness == Liveness::alive;
  if (status.state.left == 0) return "";
  const std::string resume = "emosweep resume " + dir.string();
  if (status.shards.empty()) return alive ? "" : "to go on: " + resume + "\n";
  if (!alive) return "to go on: " + resume + " does all that is left, with --shard i/n a part\n";
  bool all_run = true;
  for (const ShardStatus& shard : status.shards) {
    const bool ended = shard.state.left == 0 && shard.state.state != "not run";
    all_run &= shard.lease.liveness == Liveness::alive || ended;
  }
  return all_run ? "" : "to go on with a shard that does not run: " + resume + " --shard i/n\n";
}

nlohmann::json json_of(const State& state, const LeaseState& lease, Exit code) {
  return {{"state", state.state},
          {"exit_code", static_cast<int>(code)},
          {"alive", lease.liveness == Liveness::alive},
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
}

}  // namespace

std::string status_text(const std::filesystem::path& dir, const RunStatus& status) {
  const State& state = status.state;
  std::ostringstream out;
  out << dir.string() << ": " << state.state;
  if (status.shards.empty()) {
    out << who_or_code(state, status.lease, status.code);
  } else {
    out << " (" << status.shards.size() << " shards, "
        << (status.lease.liveness == Liveness::alive
                ? ranks_text(state.ranks)
                : "exit code " + std::to_string(static_cast<int>(status.code)))
        << ")";
  }
  out << "\n" << progress_text(state) << "\n";
  for (const ShardStatus& shard : status.shards) out << shard_text(shard);
  if (status.shards.empty() && !state.message.empty()) out << state.message << "\n";
  out << how_to_go_on(dir, status);
  if (state.failed > 0) {
    out << "to try failed trials again: emosweep resume " << dir.string() << " --retry-failed\n";
  }
  return out.str();
}

std::string status_json(const RunStatus& status) {
  nlohmann::json json = json_of(status.state, status.lease, status.code);
  if (!status.shards.empty()) {
    nlohmann::json shards = nlohmann::json::array();
    for (const ShardStatus& shard : status.shards) {
      nlohmann::json one = json_of(shard.state, shard.lease, shard.code);
      one["shard"] = shard.shard.text();
      shards.push_back(std::move(one));
    }
    json["shards"] = std::move(shards);
  }
  return json.dump(2) + "\n";
}

}  // namespace emosweep::launcher
