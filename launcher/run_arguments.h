// What `run` and `resume` have in common on the command line.
#pragma once

#include "launcher/command_line.h"
#include "launcher/run.h"

namespace emosweep::launcher {

// --retry-failed, --time-limit, --shard, --timeout, --checkpoint-after, --hang-rank.
void add_run_options(CommandLine& line);
// Also configures the log, and waits for a debugger on the rank that --hang-rank names. InputError.
void read_run_options(const boost::program_options::variables_map& values,
                      const distributed::World& world, RunOptions& options);

}  // namespace emosweep::launcher
