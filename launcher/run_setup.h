// What rank 0 does before the first trial: the folder, its plan and options, which trials are to be
// done, and the first state.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/files.h"
#include "launcher/run.h"

namespace emosweep::launcher {

struct Todo {
  std::uint32_t trial = 0;    // index into Plan::trials
  std::int64_t restarts = 0;  // how often it was started before
  bool again = false;         // it had a commit line, but its record is gone
};

struct Setup {
  std::vector<Todo> todo;   // in the plan's order: longest first
  std::int64_t done = 0;    // of the shard's trials, committed before
  std::int64_t failed = 0;  // recorded failures that are not tried again
  double end_unix = 0;
};

// Whose state a run commits.
struct StateOwner {
  results::Shard shard;
  int ranks = 1;
  std::string process;  // "process 4711 on node3"
  std::string plan;     // plan_digest
};
StateOwner state_owner(const Plan& plan, const RunOptions& options, const Lease& lease, int ranks);

// Rank 0, holding the run's lease; under the folder's lock. Writes plan.json (merged with earlier
// plans), experiment.yaml, resolved.yaml, options.json, samples; recovers commit lines; removes the
// states of runs that this one supersedes, and commits its own. RunError, also where a live shard
// works on another plan; InputError.
Setup set_up_folder(const results::RunFolder& folder, const Plan& plan, const RunOptions& options,
                    const StateOwner& owner, SyncedLines& log);

std::string encode(const Setup& setup);
Setup decode_setup(const std::string& text);

// InputError unless DIR is new, empty or a run folder.
void check_run_folder(const std::filesystem::path& dir);

void commit_options(const std::filesystem::path& dir, const RunOptions& options);
// For `resume DIR`: InputError names what is missing.
RunOptions remembered_options(const std::filesystem::path& dir);

// The same on ranks whose plans are the same: ids, cells, costs.
Digest plan_digest(const Plan& plan);

}  // namespace emosweep::launcher
