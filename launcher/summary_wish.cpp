#include "launcher/summary_wish.h"

#include <vector>

#include "base/files.h"
#include "launcher/folder_lock.h"
#include "results/summary.h"

namespace emosweep::launcher {
namespace {

namespace fs = std::filesystem;

// Less than run.cpp's other ranks wait for rank 0, more than a build of very many records takes.
constexpr std::chrono::milliseconds kWait{3'600'000};
constexpr char kWish[] = "summary.wanted.";  // then the token of a run's lease

std::vector<fs::path> wishes_in(const fs::path& dir) {
  std::vector<fs::path> wishes;
  for (const auto& entry : fs::directory_iterator(dir)) {
    if (entry.path().filename().string().starts_with(kWish)) wishes.push_back(entry.path());
  }
  return wishes;
}

}  // namespace

void share_summary(const results::RunFolder& folder, const Lease& lease,
                   const LeaseOptions& options) {
  // Named by the token: a wish that a killed run left is not mistaken for one of its successor.
  const fs::path wish = folder.path() / (kWish + lease.owner().token);
  commit_file(wish, "\n", "wish");
  FolderLockOptions lock_options;
  lock_options.lease = options;
  lock_options.wait = kWait;
  lock_options.needless = [&wish] { return !fs::exists(wish); };
  const FolderLock lock(folder.path(), lock_options);
  if (!lock.held() || !fs::exists(wish)) return;  // another shard's summary holds ours
  // Whoever has made a wish by now has committed all its records.
  const std::vector<fs::path> served = wishes_in(folder.path());
  folder.refresh();
  results::commit_summary(folder);
  // A wish that stays, because this process dies here, costs one more build.
  for (const fs::path& path : served) fs::remove(path);
}

}  // namespace emosweep::launcher
