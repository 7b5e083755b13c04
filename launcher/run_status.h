// What a run folder says of its run, while it runs or after.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/error.h"
#include "launcher/lease.h"
#include "results/run_folder.h"

namespace emosweep::launcher {

struct RunStatus {
  results::State state;  // of the last run; counts by the folder's files and all its plans
  LeaseState lease;
  Exit code = Exit::interrupted;  // authoritative; 75 also while it runs: not done yet
};

// InputError: no run folder.
RunStatus read_status(const std::filesystem::path& dir);
std::string status_text(const std::filesystem::path& dir, const RunStatus& status);
std::string status_json(const RunStatus& status);

}  // namespace emosweep::launcher
