// summary.h5 at the end of a run, of which several may end on one folder at the same time.
#pragma once

#include "launcher/lease.h"
#include "results/run_folder.h"

namespace emosweep::launcher {

// When it returns, summary.h5 holds all that this run has committed, and what others had until
// someone began to build it; so the last shard's holds all. A summary is built by one shard at a
// time; one that begins to build serves all that wait, so that n shards that end together cost two
// builds instead of n. Rank 0, with the run's lease, when all its ranks have committed.
// RunError, InputError: the summary could not be built.
void share_summary(const results::RunFolder& folder, const Lease& lease,
                   const LeaseOptions& options = {});

}  // namespace emosweep::launcher
