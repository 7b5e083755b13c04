// The file of a lease: shared by lease.cpp and lease_owner.cpp.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "launcher/lease.h"

namespace emosweep::launcher {

inline constexpr char kLeaseName[] = "lease";
inline constexpr std::size_t kLeaseBytes = 512;

double unix_now();
std::string encode_owner(const LeaseOwner& owner);                        // kLeaseBytes
std::optional<LeaseOwner> read_owner(const std::filesystem::path& file);  // nullopt: no such file
bool same_machine(const LeaseOwner& a, const LeaseOwner& b);          // process ids mean the same
bool process_lives(const LeaseOwner& owner, const LeaseOwner& self);  // on the same machine only

}  // namespace emosweep::launcher
