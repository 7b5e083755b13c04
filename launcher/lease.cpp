#include "launcher/lease.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <sstream>

#include "base/error.h"
#include "base/fault.h"
#include "base/log.h"
#include "launcher/lease_file.h"

namespace emosweep::launcher {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void storage_failed(const fs::path& path, const char* doing) {
  throw RunError(path.string() + ": " + doing + ": " + std::strerror(errno));
}

// The folder's own lock, for the moment of judging and replacing: of two runs that find the same
// dead owner one must wait for the other. Dropped with the descriptor.
class FolderLock {
 public:
  explicit FolderLock(const fs::path& dir)
      : fd_(open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (fd_ < 0) storage_failed(dir, "cannot be opened");
    flock(fd_, LOCK_EX);  // where a file system has no locks, the token below still decides
  }
  ~FolderLock() { close(fd_); }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int fd_;
};

// Seconds between the last heartbeat and the file that was just written beside it: both times are
// the file server's, so clocks that differ between hosts do not matter.
double age_beside(const fs::path& lease, const fs::path& fresh) {
  struct stat a {
  }, b{};
  if (stat(lease.c_str(), &a) != 0 || stat(fresh.c_str(), &b) != 0) return 0;
  return static_cast<double>(b.st_mtim.tv_sec - a.st_mtim.tv_sec) +
         1e-9 * static_cast<double>(b.st_mtim.tv_nsec - a.st_mtim.tv_nsec);
}

[[noreturn]] void refuse(const fs::path& dir, const LeaseOwner& owner, const std::string& why) {
  throw RunError(dir.string() + " is in use by " + owner.text() + " (" + why +
                 "): wait for it, end it (kill -USR2 " + std::to_string(owner.pid) +
                 " there; it can be resumed), or give another folder with -o");
}

}  // namespace

Lease::Lease(const fs::path& dir, const LeaseOptions& options)
    : dir_(dir), file_(dir / kLeaseName), options_(options), self_(this_process()) {
  try {
    acquire();
  } catch (...) {
    if (fd_ >= 0) close(fd_);
    throw;
  }
  thread_ = std::thread([this] { beat(); });
}

Lease::~Lease() { release(); }

void Lease::acquire() {
  const fs::path fresh = dir_ / (".lease.tmp." + self_.host + "." + std::to_string(self_.pid));
  FolderLock lock(dir_);
  fault_point("lease.begin");
  fd_ = open(fresh.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd_ < 0) storage_failed(fresh, "cannot be made");
  const std::string text = encode_owner(self_);
  const bool written =
      pwrite(fd_, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()) &&
      fsync(fd_) == 0;
  const int why = errno;
  struct Cleanup {
    const fs::path& path;
    ~Cleanup() { unlink(path.c_str()); }
  } cleanup{fresh};
  if (!written) {
    errno = why;
    storage_failed(fresh, "cannot be written");
  }
  fault_point("lease.written");
  // link() fails where the name is taken, on network file systems too: whoever links owns the
  // folder.
  for (int attempt = 0; attempt < 5; ++attempt) {
    if (link(fresh.c_str(), file_.c_str()) == 0) {
      fault_point("lease.linked");
      return;
    }
    if (errno != EEXIST) storage_failed(file_, "cannot be made");
    const std::optional<LeaseOwner> owner = read_owner(file_);
    if (!owner) continue;  // released meanwhile
    if (same_machine(*owner, self_)) {
      if (process_lives(*owner, self_)) refuse(dir_, *owner, "which is running");
    } else {
      const double age = age_beside(file_, fresh);
      std::ostringstream why_alive;
      why_alive << "last sign of life " << static_cast<long long>(age < 0 ? 0 : age) << " s ago";
      if (age < std::chrono::duration<double>(options_.dead_after).count()) {
        refuse(dir_, *owner, why_alive.str());
      }
    }
    log::info("taking over " + dir_.string() + " from " + owner->text() + ", which is dead");
    const fs::path old = dir_ / (".lease.dead." + owner->token);
    if (rename(file_.c_str(), old.c_str()) != 0 && errno != ENOENT)
      storage_failed(file_, "cannot be replaced");
    const std::optional<LeaseOwner> moved = read_owner(old);
    if (moved &&
        moved->token != owner->token) {  // a run without working locks was quicker: give it back
      if (link(old.c_str(), file_.c_str()) == 0) unlink(old.c_str());
      refuse(dir_, *moved, "which was quicker");
    }
    unlink(old.c_str());
  }
  throw RunError(file_.string() +
                 " changes hands faster than it can be read: several runs on one folder?");
}

void Lease::beat() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, options_.heartbeat, [this] { return stop_; })) {
    try {  // a heartbeat that is missed now comes later; an exception of this thread ends the run
      fault_point("lease.beat");
      write_beat();
    } catch (const std::exception& e) {
      log::warning(file_.string() + ": heartbeat failed: " + e.what());
    }
  }
}

void Lease::write_beat() {
  const std::optional<LeaseOwner> now = read_owner(file_);
  if (!now || now->token != self_.token) {
    lost_ = true;
    return;
  }
  self_.heartbeat = unix_now();
  const std::string text = encode_owner(self_);
  if (pwrite(fd_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    log::warning(file_.string() + ": heartbeat failed: " + std::strerror(errno));
  }
}

void Lease::release() {
  {
    std::lock_guard lock(mutex_);
    if (stop_) return;
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  const std::optional<LeaseOwner> now = read_owner(file_);
  if (now && now->token == self_.token) unlink(file_.c_str());
  close(fd_);
}

}  // namespace emosweep::launcher
