#include "launcher/lease.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

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
// dead owner one should wait for the other. Dropped with the descriptor. Where a file system has no
// such locks, or their holder was stopped, the token still decides.
class Turn {
 public:
  explicit Turn(const fs::path& dir) : fd_(open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (fd_ < 0) storage_failed(dir, "cannot be opened");
    for (int tries = 0; tries < 500 && flock(fd_, LOCK_EX | LOCK_NB) != 0; ++tries) {
      if (errno != EWOULDBLOCK && errno != EINTR) return;
      usleep(10'000);
    }
  }
  ~Turn() { close(fd_); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  int fd_;
};

// Moves it out of the way, for whoever links first. The caller has its turn.
void move_away(const fs::path& file, const LeaseOwner& dead) {
  log::info("taking over " + file.string() + " from " + dead.text() + ", which is dead");
  const fs::path old = file.parent_path() / (".lease.dead." + dead.token);
  if (rename(file.c_str(), old.c_str()) != 0 && errno != ENOENT) {
    storage_failed(file, "cannot be replaced");
  }
  const std::optional<LeaseOwner> moved = read_owner(old);
  if (moved &&
      moved->token != dead.token) {  // a run without working locks was quicker: give it back
    if (link(old.c_str(), file.c_str()) == 0) unlink(old.c_str());
    throw LeaseInUse(file.parent_path(), *moved, "which was quicker");
  }
  unlink(old.c_str());
}

}  // namespace

LeaseInUse::LeaseInUse(const fs::path& dir, const LeaseOwner& owner, const std::string& why)
    : RunError(dir.string() + " is in use by " + owner.text() + " (" + why +
               "): wait for it, end it (kill -USR2 " + std::to_string(owner.pid) +
               " there; it can be resumed), or give another folder with -o"),
      owner_(owner) {}

void remove_dead_lease(const fs::path& dir, const std::string& name, const LeaseOptions& options,
                       const fs::path& beside) {
  const Turn turn(dir);
  const LeaseState held = inspect_lease(dir, options, name, beside);
  if (held.liveness == Liveness::dead) move_away(dir / name, held.owner);
}

Lease::Lease(const fs::path& dir, const LeaseOptions& options, const std::string& name)
    : dir_(dir), file_(dir / name), options_(options), self_(this_process()) {
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
  const std::string name = file_.filename().string();
  const fs::path fresh =
      dir_ / ("." + name + ".tmp." + self_.host + "." + std::to_string(self_.pid));
  const std::string point = name.starts_with(kLeaseName) ? kLeaseName : name;
  Turn turn(dir_);
  fault_point(point + ".begin");
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
  fault_point(point + ".written");
  // link() fails where the name is taken, on network file systems too: whoever links is the owner.
  for (int attempt = 0; attempt < 5; ++attempt) {
    if (link(fresh.c_str(), file_.c_str()) == 0) {
      fault_point(point + ".linked");
      return;
    }
    if (errno != EEXIST) storage_failed(file_, "cannot be made");
    const LeaseState held = inspect_lease(dir_, options_, name, fresh);
    if (held.owner.token == self_.token) return;  // a file server answered the second time only
    if (held.liveness == Liveness::alive) throw LeaseInUse(dir_, held.owner, held.sign_of_life());
    if (held.liveness == Liveness::dead) move_away(file_, held.owner);
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
  // Synced: a network file system may keep what is written to itself for half a minute.
  if (pwrite(fd_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()) ||
      fdatasync(fd_) != 0) {
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
