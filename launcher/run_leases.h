// Which runs may work on one folder at a time: a plain run alone, or shards of one count, each
// once.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "launcher/lease.h"
#include "results/shard.h"

namespace emosweep::launcher {

std::string lease_name(const results::Shard& shard);  // "lease", "lease.2-of-3"

struct HeldLease {
  results::Shard shard;
  LeaseState state;  // alive or dead
};
// Of all runs of the folder, by count and index. `beside` as for inspect_lease.
std::vector<HeldLease> held_leases(const std::filesystem::path& dir,
                                   const LeaseOptions& options = {},
                                   const std::filesystem::path& beside = {});

// To be called by the holder of `own`, the lease of `shard`: taking it first and looking at the
// others then means that of two runs that exclude each other and start together at most one goes
// on. LeaseInUse names the live run that excludes this one (and the caller gives `own` back);
// leases of dead ones are removed.
void exclude_others(const std::filesystem::path& dir, const results::Shard& shard, const Lease& own,
                    const LeaseOptions& options = {});

}  // namespace emosweep::launcher
