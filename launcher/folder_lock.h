// DIR/lock: what the shards of a folder write in common (the plan, the options, the summary) is
// written by one of them at a time.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>

#include "launcher/lease.h"

namespace emosweep::launcher {

struct FolderLockOptions {
  LeaseOptions lease;
  std::chrono::milliseconds wait{1'200'000};  // then the run cannot go on
  std::function<bool()> needless;  // asked while waiting: true ends the wait without the lock
};

// Held from construction to destruction, by rank 0. A lease, so that it works between hosts and a
// dead owner is replaced; not to be taken twice by one process.
class FolderLock {
 public:
  // Waits for its turn, asleep. RunError after options.wait names the owner and what to do.
  explicit FolderLock(const std::filesystem::path& dir, const FolderLockOptions& options = {});
  bool held() const { return lease_.has_value(); }  // false: needless

 private:
  std::optional<Lease> lease_;
};

}  // namespace emosweep::launcher
