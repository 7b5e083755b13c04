#include "launcher/run_setup.h"

#include <bit>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "base/log.h"
#include "launcher/folder_lock.h"
#include "launcher/lease_file.h"
#include "launcher/run_leases.h"
#include "launcher/run_log.h"
#include "launcher/shard.h"

namespace emosweep::launcher {
namespace {

namespace fs = std::filesystem;

// One YAML file of all experiments, each as an item of a list.
std::string resolved_text(const Plan& plan) {
  std::string out = "experiments:\n";
  for (const PlannedExperiment& experiment : plan.experiments) {
    std::istringstream in(experiment.resolved);
    bool first = true;
    for (std::string line; std::getline(in, line);) {
      out += (first ? "  - " : line.empty() ? "" : "    ") + line + "\n";
      first = false;
    }
  }
  return out;
}

void commit_plan(const results::RunFolder& folder, const Plan& plan, const RunOptions& options) {
  const fs::path& dir = folder.path();
  for (const results::Samples& samples : plan.samples) results::commit_samples(folder, samples);
  // plan.json first: it makes the folder a run folder.
  const std::optional<results::PlanFile> earlier = folder.plan();
  if (earlier) {
    const results::Merged merged = results::merge(*earlier, plan.file);
    if (merged.replaced > 0) {
      log::warning(std::to_string(merged.replaced) + " planned cells of " + dir.string() +
                   " have other ids now (the data, a default or the file changed): their old "
                   "records stay in "
                   "trials/ but leave the summary");
    }
    folder.commit_plan(merged.plan);
  } else {
    folder.commit_plan(plan.file);
  }
  commit_file(dir / "experiment.yaml", plan.source, "experiment");
  commit_file(dir / "resolved.yaml", resolved_text(plan), "resolved");
  commit_options(dir, options);
}

// nullopt: there is none, or it is damaged.
std::optional<results::State> readable_state(const results::RunFolder& folder,
                                             const results::Shard& shard) {
  try {
    return folder.state(shard);
  } catch (const InputError&) {
    return std::nullopt;
  }
}

// Of the shards of one count and one plan each keeps its last state; all others' describe runs that
// this one supersedes.
void remove_old_states(const results::RunFolder& folder, const StateOwner& owner,
                       const LeaseOptions& options) {
  for (const results::Shard& shard : folder.states()) {
    if (shard == owner.shard) continue;
    if (shard.count == owner.shard.count) {
      const auto state = readable_state(folder, shard);
      if (state && state->plan == owner.plan) continue;
      const LeaseState lease = inspect_lease(folder.path(), options, lease_name(shard));
      if (state && lease.liveness == Liveness::alive && lease.owner.text() == state->owner) {
        throw RunError(folder.path().string() + ": shard " + shard.text() + " (" + state->owner +
                       ") works on another plan than shard " + owner.shard.text() +
                       ": start all shards with the same experiment file, options, data and build "
                       "of the program, or wait until it has ended");
      }
    }
    folder.remove_state(shard);
  }
}

results::State first_state(const Setup& setup, const StateOwner& owner) {
  results::State state;
  state.state = "running";
  state.exit_code = -1;
  state.done = setup.done;
  state.failed = setup.failed;
  state.left = static_cast<std::int64_t>(setup.todo.size());
  state.planned = state.done + state.failed + state.left;
  state.started_unix = state.updated_unix = unix_now();
  state.ranks = owner.ranks;
  state.owner = owner.process;
  state.plan = owner.plan;
  return state;
}

}  // namespace

void check_run_folder(const fs::path& dir) {
  std::error_code none;
  const fs::file_status status = fs::status(dir, none);
  if (!fs::exists(status)) return;
  if (!fs::is_directory(status)) {
    throw InputError(dir.string() + " is a file; give a folder with -o");
  }
  if (fs::exists(dir / "plan.json")) return;
  for (const auto& entry : fs::directory_iterator(dir)) {
    // What runs have that were killed before the first plan.json, or have not come to it yet.
    const std::string name = entry.path().filename().string();
    if (results::shard_of_name(name, kLeaseName, "") || name == "lock" || name.starts_with('.') ||
        name == "trials" || name == "failed" || name == "log" || name == "models" ||
        name == "samples" || name == "checkpoints") {
      continue;
    }
    if (fs::exists(dir / "plan.json")) return;  // another shard was about to make it one
    throw InputError(dir.string() + " holds '" + name +
                     "' and no plan.json: it is no run folder; give another one with -o");
  }
}

void commit_options(const fs::path& dir, const RunOptions& options) {
  const nlohmann::json json = {{"file", options.original.string()},
                               {"experiments", options.plan.experiments},
                               {"all", options.plan.all},
                               {"seeds", options.plan.seeds},
                               {"set", options.plan.set}};
  commit_file(dir / "options.json", json.dump(2) + "\n", "options");
}

RunOptions remembered_options(const fs::path& dir) {
  for (const char* name : {"experiment.yaml", "options.json"}) {
    if (!fs::exists(dir / name)) {
      throw InputError(dir.string() + " has no " + name +
                       ": it is no run folder, or its first run ended before it began; use "
                       "emosweep run FILE -o " +
                       dir.string());
    }
  }
  const fs::path file = dir / "options.json";
  RunOptions options;
  try {
    const nlohmann::json json = nlohmann::json::parse(read_text(file));
    options.original = json.at("file").get<std::string>();
    options.plan.experiments = json.at("experiments").get<std::vector<std::string>>();
    options.plan.all = json.at("all").get<bool>();
    options.plan.seeds = json.at("seeds").get<std::vector<std::uint64_t>>();
    options.plan.set = json.at("set").get<std::vector<std::string>>();
  } catch (const nlohmann::json::exception& e) {
    throw InputError(Place{file.string()}, std::string("not the options of a run: ") + e.what());
  }
  options.plan.file = dir / "experiment.yaml";
  options.plan.relative_to = options.original.parent_path();
  options.dir = dir;
  return options;
}

Digest plan_digest(const Plan& plan) {
  Sha256 hash;
  hash.add_sized(plan.file.resolved_sha256);
  for (const PlannedTrial& trial : plan.trials) {
    hash.add_sized(trial.id.hex() + ' ' + std::to_string(std::bit_cast<std::uint64_t>(trial.cost)) +
                   ' ' + std::to_string(trial.pack) + ' ' + std::to_string(trial.shape));
  }
  for (const results::Cell& cell : plan.file.cells) {
    hash.add_sized(cell.id.hex() + ' ' + std::to_string(cell.experiment) + ' ' +
                   std::to_string(cell.condition) + ' ' + std::to_string(cell.seed) + ' ' +
                   cell.fold);
  }
  return hash.finish();
}

StateOwner state_owner(const Plan& plan, const RunOptions& options, const Lease& lease, int ranks) {
  return {options.shard, ranks, lease.owner().text(), plan_digest(plan).hex()};
}

Setup set_up_folder(const results::RunFolder& folder, const Plan& plan, const RunOptions& options,
                    const StateOwner& owner, SyncedLines& log) {
  FolderLockOptions lock_options;
  lock_options.lease = options.lease;
  const FolderLock lock(folder.path(), lock_options);
  remove_old_states(folder, owner, options.lease);
  if (options.shard.whole()) folder.remove_leftovers();  // other shards may be writing theirs
  commit_plan(folder, plan, options);

  folder.refresh();
  const std::vector<std::uint32_t> dealt = dealt_trials(plan, options.shard);
  std::set<Digest> others;
  if (!options.shard.whole()) {
    for (const PlannedTrial& trial : plan.trials) others.insert(trial.id);
    for (const std::uint32_t t : dealt) others.erase(plan.trials[t].id);
  }
  const std::vector<Digest> committed = folder.committed();
  LogHistory history = read_logs(folder);
  const std::int64_t recovered = recover_commit_lines(history, committed, others, log);
  if (recovered > 0) {
    log::info(std::to_string(recovered) +
              " records were committed by a run that was killed before it could log them");
  }
  const std::set<Digest> done(committed.begin(), committed.end());
  std::set<Digest> failed;
  for (const results::Failure& failure : folder.failures()) failed.insert(failure.id);

  // What a run that was killed right after a commit left behind.
  for (const Digest& id : folder.checkpointed()) {
    if (done.contains(id)) folder.remove_checkpoints(id);
  }

  Setup setup;
  setup.end_unix = options.end_unix;
  for (const std::uint32_t t : dealt) {
    const Digest& id = plan.trials[t].id;
    if (done.contains(id)) {
      ++setup.done;
    } else if (failed.contains(id) && !options.retry_failed) {
      ++setup.failed;
    } else {
      const auto starts = history.starts.find(id);
      setup.todo.push_back(
          {t, starts == history.starts.end() ? 0 : starts->second, history.committed.contains(id)});
    }
  }
  folder.commit_state(first_state(setup, owner), owner.shard);
  return setup;
}

std::string encode(const Setup& setup) {
  std::ostringstream out;
  out.precision(17);
  out << setup.done << ' ' << setup.failed << ' ' << setup.end_unix;
  for (const Todo& todo : setup.todo) {
    out << ' ' << todo.trial << ' ' << todo.restarts << ' ' << (todo.again ? 1 : 0);
  }
  return out.str();
}

Setup decode_setup(const std::string& text) {
  std::istringstream in(text);
  Setup setup;
  in >> setup.done >> setup.failed >> setup.end_unix;
  Todo todo;
  for (int again = 0; in >> todo.trial >> todo.restarts >> again;) {
    todo.again = again != 0;
    setup.todo.push_back(todo);
  }
  return setup;
}

}  // namespace emosweep::launcher
