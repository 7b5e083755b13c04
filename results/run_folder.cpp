#include "results/run_folder.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "base/log.h"
#include "results/json_file.h"

namespace emosweep::results {
namespace {

namespace fs = std::filesystem;

Json failure_json(const Failure& failure) {
  Json json;
  json["format"] = "emosweep-failure";
  json["version"] = 1;
  json["id"] = failure.id.hex();
  json["reason"] = failure.reason;
  json["message"] = failure.message;
  json["where"] = failure.where;
  json["times"] = failure.times;
  json["host"] = failure.host;
  json["rank"] = failure.rank;
  json["unix_time"] = failure.unix_time;
  return json;
}

Failure read_failure(const fs::path& path) {
  return read_json(path, "emosweep-failure", [](const Json& json) {
    Failure failure;
    failure.id = Digest::from_hex(text_of(json, "id"));
    failure.reason = text_of(json, "reason");
    failure.message = text_of(json, "message");
    failure.where = text_of(json, "where");
    failure.times = integer_of(json, "times");
    failure.host = text_of(json, "host");
    failure.rank = static_cast<std::int32_t>(integer_of(json, "rank"));
    failure.unix_time = number_of(json, "unix_time");
    return failure;
  });
}

State state_of(const Json& json) {
  State state;
  state.state = text_of(json, "state");
  state.exit_code = static_cast<int>(integer_of(json, "exit_code"));
  state.planned = integer_of(json, "planned");
  state.done = integer_of(json, "done");
  state.failed = integer_of(json, "failed");
  state.left = integer_of(json, "left");
  state.running = integer_of(json, "running");
  state.started_unix = number_of(json, "started_unix");
  state.updated_unix = number_of(json, "updated_unix");
  state.busy_fraction = number_of(json, "busy_fraction");
  state.trials_per_second = number_of(json, "trials_per_second");
  state.eta_seconds = number_of(json, "eta_seconds");
  state.ranks = static_cast<std::int32_t>(integer_of(json, "ranks"));
  state.message = text_of(json, "message");
  state.owner = text_of(json, "owner");
  if (json.contains("plan")) state.plan = text_of(json, "plan");  // not before there were shards
  return state;
}

std::string this_host_and_process() {
  char host[256] = "";
  ::gethostname(host, sizeof(host) - 1);
  return std::string(host) + "." + std::to_string(::getpid());
}

// The ids of files `<id><extension>`, sorted; temp files and strangers are passed over.
std::vector<Digest> ids_in(const fs::path& folder, const std::string& extension) {
  std::vector<Digest> ids;
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  if (error) {
    if (!fs::exists(folder)) return ids;
    throw InputError("cannot list " + folder.string() + ": " + error.message());
  }
  for (const auto& entry : entries) {
    const std::string name = entry.path().filename().string();
    if (name.size() != 64 + extension.size() || !name.ends_with(extension)) continue;
    const std::string stem = name.substr(0, 64);
    if (stem.find_first_not_of("0123456789abcdef") != std::string::npos) continue;
    ids.push_back(Digest::from_hex(stem));
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace

fs::path RunFolder::record(const Digest& id) const { return dir_ / "trials" / (id.hex() + ".h5"); }
fs::path RunFolder::failure(const Digest& id) const {
  return dir_ / "failed" / (id.hex() + ".json");
}
fs::path RunFolder::model(const Digest& id) const {
  return dir_ / "models" / (id.hex() + ".safetensors");
}
fs::path RunFolder::samples(const Digest& digest) const {
  return dir_ / "samples" / (digest.hex() + ".json");
}
fs::path RunFolder::log(int rank, const Shard& shard) const {
  const std::string whose = shard.whole() ? "" : "shard-" + shard.mark().substr(1) + "-";
  return dir_ / "log" / (whose + "rank-" + std::to_string(rank) + ".log");
}
fs::path RunFolder::state_file(const Shard& shard) const {
  return dir_ / ("state" + shard.mark() + ".json");
}

fs::path RunFolder::checkpoints() const { return dir_ / "checkpoints"; }

void RunFolder::create() const {
  for (const char* folder : {"trials", "failed", "models", "samples", "log"}) {
    make_folders(dir_ / folder);
  }
}

void RunFolder::refresh() const {
  // A change of its own makes the client see that the folder is not what it remembers.
  const std::string name = ".refresh." + this_host_and_process();
  for (const char* folder : {"trials", "failed", "log"}) {
    const fs::path file = dir_ / folder / name;
    std::ofstream(file).put('\n');
    std::error_code ignored;
    fs::remove(file, ignored);
  }
}

int RunFolder::remove_leftovers() const {
  int removed = 0;
  for (const char* folder : {"", "trials", "failed", "models", "samples"}) {
    std::error_code error;
    for (fs::directory_iterator entry(dir_ / folder, error), end; !error && entry != end;
         entry.increment(error)) {
      const std::string name = entry->path().filename().string();
      // Another run that tries the lease has a temporary file of its own at any time.
      if (!name.starts_with('.') || name.starts_with(".lease.")) continue;
      if (name.find(".tmp.") == std::string::npos) continue;
      std::error_code stays;
      removed += fs::remove(entry->path(), stays) ? 1 : 0;
    }
  }
  return removed;
}

void RunFolder::commit(const TrialRecord& trial) const {
  commit_file(record(trial.id), encode_record(trial), "record");
  std::error_code ignored;  // a failure that is left behind is outdone by the record
  fs::remove(failure(trial.id), ignored);
  remove_checkpoints(trial.id);
}

void RunFolder::commit_failure(const Failure& given) const {
  Failure failed = given;
  const fs::path path = failure(failed.id);
  if (fs::exists(path)) {
    try {
      failed.times += read_failure(path).times;
    } catch (const InputError& error) {
      log::warning(std::string("the count of failures starts again: ") + error.what());
    }
  }
  commit_file(path, json_text(failure_json(failed)), "failure");
  remove_checkpoints(failed.id);
}

void RunFolder::remove_checkpoints(const Digest& id) const {
  std::error_code ignored;  // what is left behind is removed at the start of the next run
  fs::remove_all(checkpoints() / id.hex(), ignored);
}

std::vector<Digest> RunFolder::committed() const { return ids_in(dir_ / "trials", ".h5"); }

std::vector<Digest> RunFolder::checkpointed() const { return ids_in(checkpoints(), ""); }

std::vector<Failure> RunFolder::failures() const {
  std::vector<Failure> result;
  for (const auto& id : ids_in(dir_ / "failed", ".json")) {
    Failure failed;
    try {
      failed = read_failure(failure(id));
    } catch (const InputError&) {
      if (!fs::exists(failure(id))) continue;  // another shard has just committed this trial
      throw;
    }
    if (failed.id != id) {
      throw InputError(failure(id).string() + " is the failure of trial " + failed.id.hex());
    }
    result.push_back(std::move(failed));
  }
  return result;
}

std::optional<State> RunFolder::state(const Shard& shard) const {
  const fs::path path = state_file(shard);
  if (!fs::exists(path)) return std::nullopt;
  try {
    return read_json(path, "emosweep-state", state_of);
  } catch (const InputError&) {
    if (!fs::exists(path)) return std::nullopt;  // a run has just superseded it
    throw;
  }
}

std::vector<Shard> RunFolder::states() const {
  std::vector<Shard> shards;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(dir_, none)) {
    const auto shard = shard_of_name(entry.path().filename().string(), "state", ".json");
    if (shard) shards.push_back(*shard);
  }
  std::sort(shards.begin(), shards.end(), [](const Shard& a, const Shard& b) {
    return std::pair(a.count, a.index) < std::pair(b.count, b.index);
  });
  return shards;
}

void RunFolder::remove_state(const Shard& shard) const {
  std::error_code error;
  fs::remove(state_file(shard), error);
  if (error) {
    throw RunError("cannot remove " + state_file(shard).string() + ": " + error.message());
  }
}

void RunFolder::commit_state(const State& state, const Shard& shard) const {
  Json json;
  json["format"] = "emosweep-state";
  json["version"] = 1;
  json["state"] = state.state;
  json["exit_code"] = state.exit_code;
  json["planned"] = state.planned;
  json["done"] = state.done;
  json["failed"] = state.failed;
  json["left"] = state.left;
  json["running"] = state.running;
  json["started_unix"] = state.started_unix;
  json["updated_unix"] = state.updated_unix;
  json["busy_fraction"] = state.busy_fraction;
  json["trials_per_second"] = state.trials_per_second;
  json["eta_seconds"] = state.eta_seconds;
  json["ranks"] = state.ranks;
  json["message"] = state.message;
  json["owner"] = state.owner;
  json["plan"] = state.plan;
  commit_file(state_file(shard), json_text(json), "state");
}

}  // namespace emosweep::results
