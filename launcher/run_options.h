// The arguments of `run` and `resume`, and what both do with them.
#pragma once

#include "launcher/run.h"

namespace emosweep::launcher {

// "3600" (seconds), "90:00", "1:30:00", "1-12:00:00" as Slurm writes it. InputError for anything
// else.
double parse_time_limit(const std::string& text);
// From SLURM_JOB_END_TIME (unix seconds); 0 where it is not set or not a number.
double slurm_end_unix();

// Plans, prepares this rank (one thread, denormals flushed) and runs. Collective. Signals are
// caught already.
Exit plan_and_run(const distributed::World& world, const RunOptions& options);

}  // namespace emosweep::launcher
