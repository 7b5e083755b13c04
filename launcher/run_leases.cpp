#include "launcher/run_leases.h"

#include <algorithm>
#include <utility>

#include "launcher/lease_file.h"

namespace emosweep::launcher {
namespace {

namespace fs = std::filesystem;
using results::Shard;

// Shards of one count have no trial in common.
bool exclude_each_other(const Shard& a, const Shard& b) { return a == b || a.count != b.count; }

std::string name_of(const Shard& shard) {
  return shard.whole() ? "a run of the whole plan" : "shard " + shard.text();
}

}  // namespace

std::string lease_name(const Shard& shard) { return kLeaseName + shard.mark(); }

std::vector<HeldLease> held_leases(const fs::path& dir, const LeaseOptions& options,
                                   const fs::path& beside) {
  std::vector<HeldLease> leases;
  std::error_code error;
  fs::directory_iterator entries(dir, error);
  if (error) throw RunError("cannot list " + dir.string() + ": " + error.message());
  for (const auto& entry : entries) {
    const std::string name = entry.path().filename().string();
    const auto shard = results::shard_of_name(name, kLeaseName, "");
    if (!shard) continue;
    LeaseState state = inspect_lease(dir, options, name, beside);
    if (state.liveness != Liveness::none) leases.push_back({*shard, std::move(state)});
  }
  std::sort(leases.begin(), leases.end(), [](const HeldLease& a, const HeldLease& b) {
    return std::pair(a.shard.count, a.shard.index) < std::pair(b.shard.count, b.shard.index);
  });
  return leases;
}

void exclude_others(const fs::path& dir, const Shard& shard, const Lease& own,
                    const LeaseOptions& options) {
  std::vector<std::string> dead;
  for (const HeldLease& other : held_leases(dir, options, own.file())) {
    if (other.shard == shard || !exclude_each_other(other.shard, shard)) continue;
    if (other.state.liveness == Liveness::alive) {
      throw LeaseInUse(dir, other.state.owner,
                       name_of(other.shard) + ", " + other.state.sign_of_life());
    }
    dead.push_back(lease_name(other.shard));
  }
  for (const std::string& name : dead) remove_dead_lease(dir, name, options, own.file());
}

}  // namespace emosweep::launcher
