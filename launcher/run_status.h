// What a run folder says of its run or its shards' runs, while they run or after.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "launcher/lease.h"
#include "results/run_folder.h"

namespace emosweep::launcher {

struct ShardStatus {
  results::Shard shard;
  results::State state;  // as its run last wrote it, its own trials; "not run" without any
  LeaseState lease;
  Exit code = Exit::interrupted;  // 75 also while it runs, or where it was not run yet
};

struct RunStatus {
  // Of the last plain run, or of all shards together; counts by the folder's files and all its
  // plans. The ETA is the slowest running shard's.
  results::State state;
  LeaseState lease;                 // of shards: one that lives, if any does
  Exit code = Exit::interrupted;    // authoritative: the worst of all shards'
  std::vector<ShardStatus> shards;  // all n of the last sharding; none after a plain run
};

// InputError: no run folder.
RunStatus read_status(const std::filesystem::path& dir);
std::string status_text(const std::filesystem::path& dir, const RunStatus& status);
std::string status_json(const RunStatus& status);

}  // namespace emosweep::launcher
