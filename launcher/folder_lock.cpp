#include "launcher/folder_lock.h"

#include <algorithm>
#include <string>
#include <thread>

#include "base/log.h"

namespace emosweep::launcher {
namespace {

constexpr char kLockName[] = "lock";
constexpr std::chrono::milliseconds kFirstPause{5}, kLongestPause{500};

}  // namespace

FolderLock::FolderLock(const std::filesystem::path& dir, const FolderLockOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  bool told = false;
  for (auto pause = kFirstPause;; pause = std::min(2 * pause, kLongestPause)) {
    try {
      lease_.emplace(dir, options.lease, kLockName);
      return;
    } catch (const LeaseInUse& held) {
      const auto waited = std::chrono::steady_clock::now() - start;
      if (waited > options.wait) {
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(waited).count();
        throw RunError((dir / kLockName).string() + " was held by " + held.owner().text() +
                       " for the whole " + std::to_string(seconds) +
                       " s that this run waited for it: see whether that process still works, end "
                       "it, and run again");
      }
      if (!told && waited > std::chrono::seconds{10}) {
        told = true;
        log::info("waiting for " + held.owner().text() + ", which writes the summary or plan of " +
                  dir.string());
      }
    }
    std::this_thread::sleep_for(pause);
    if (options.needless && options.needless()) return;
  }
}

}  // namespace emosweep::launcher
