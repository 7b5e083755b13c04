#include "launcher/folder_lock.h"

#include <algorithm>
#include <string>
#include <thread>

#include "base/log.h"

namespace emosweep::launcher {
namespace {

using Clock = std::chrono::steady_clock;

constexpr char kLockName[] = "lock";
constexpr std::chrono::milliseconds kFirstPause{5}, kLongestPause{500};
// Hundreds that wait look only; the clock of one that sees an owner live for ever may be wrong.
constexpr std::chrono::seconds kTryAnyway{10};

[[noreturn]] void give_up(const std::filesystem::path& dir, const LeaseOwner& owner,
                          Clock::duration waited) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(waited).count();
  throw RunError((dir / kLockName).string() + " was not to be had in " + std::to_string(seconds) +
                 " s, now it is held by " + owner.text() +
                 ": see whether that process still works, end it, and run again");
}

}  // namespace

FolderLock::FolderLock(const std::filesystem::path& dir, const FolderLockOptions& options) {
  const auto start = Clock::now();
  auto tried = start - kTryAnyway;
  bool told = false;
  for (auto pause = kFirstPause;; pause = std::min(2 * pause, kLongestPause)) {
    LeaseState held = inspect_lease(dir, options.lease, kLockName);
    if (held.liveness != Liveness::alive || Clock::now() - tried >= kTryAnyway) {
      tried = Clock::now();
      try {
        lease_.emplace(dir, options.lease, kLockName);
        return;
      } catch (const LeaseInUse& in_use) {
        held.owner = in_use.owner();
      }
    }
    const auto waited = Clock::now() - start;
    if (waited > options.wait) give_up(dir, held.owner, waited);
    if (!told && waited > kTryAnyway) {
      told = true;
      log::info("waiting for " + held.owner.text() + ", which writes the plan or the summary of " +
                dir.string());
    }
    std::this_thread::sleep_for(pause);
    if (options.needless && options.needless()) return;
  }
}

}  // namespace emosweep::launcher
