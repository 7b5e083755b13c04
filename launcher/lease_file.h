// The file of a lease: shared by lease*.cpp.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "launcher/lease.h"

namespace emosweep::launcher {

inline constexpr std::size_t kLeaseBytes = 512;

double unix_now();
std::string encode_owner(const LeaseOwner& owner);                        // kLeaseBytes
std::optional<LeaseOwner> read_owner(const std::filesystem::path& file);  // nullopt: no such file
bool same_machine(const LeaseOwner& a, const LeaseOwner& b);          // process ids mean the same
bool process_lives(const LeaseOwner& owner, const LeaseOwner& self);  // on the same machine only

// Removes DIR/name unless its owner lives. LeaseInUse: another run took it in the same moment.
void remove_dead_lease(const std::filesystem::path& dir, const std::string& name,
                       const LeaseOptions& options, const std::filesystem::path& beside);

}  // namespace emosweep::launcher
