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

// Moves the lease of a dead owner out of the way, for whoever links first; LeaseInUse where another
// run was quicker.
void remove_dead_lease(const std::filesystem::path& file, const LeaseOwner& dead);

}  // namespace emosweep::launcher
