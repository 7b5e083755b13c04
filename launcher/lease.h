// A file of a run folder that one process holds: DIR/lease of a plain run, DIR/lease.<i>-of-<n> of
// a shard, DIR/lock of whoever writes what shards have in common. It names its owner, so that a
// dead one is replaced without questions and a live one can be found. Works by link(2), tokens and
// heartbeats, on network file systems too.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/error.h"

namespace emosweep::launcher {

struct LeaseOwner {
  std::string host, boot,
      pid_space;  // boot and pid_space: where a process id means the same process
  std::int64_t pid = 0;
  std::uint64_t start = 0;   // of the process, in clock ticks since boot: pids are used again
  std::string token;         // random: of this lease
  double heartbeat = 0;      // unix time, by the owner's clock
  std::string text() const;  // "process 4711 on node3"
};

enum class Liveness { none, alive, dead };
struct LeaseState {
  Liveness liveness = Liveness::none;
  LeaseOwner owner;
  bool here = false;                 // on this machine: looked up by its process id
  double age = 0;                    // seconds since the last heartbeat
  std::string sign_of_life() const;  // "which is running", "last sign of life 7 s ago"
};

inline constexpr char kLeaseName[] = "lease";  // of a plain run

struct LeaseOptions {
  std::chrono::milliseconds heartbeat{10'000};
  std::chrono::milliseconds dead_after{60'000};  // without a heartbeat, on another host
};

LeaseOwner this_process();

// The message names the live owner and what to do.
class LeaseInUse : public RunError {
 public:
  LeaseInUse(const std::filesystem::path& dir, const LeaseOwner& owner, const std::string& why);
  const LeaseOwner& owner() const { return owner_; }

 private:
  LeaseOwner owner_;
};

// Who holds DIR/name; reads only. An owner on this host is looked up by process id and start time;
// another host's is dead when its heartbeat is older than dead_after: by this host's clock, or as
// seen from the file `beside`, which was written just now, by the file server's.
LeaseState inspect_lease(const std::filesystem::path& dir, const LeaseOptions& options = {},
                         const std::string& name = kLeaseName,
                         const std::filesystem::path& beside = {});

// Held from construction to release() or destruction. One process (rank 0) per run calls. A thread
// of its own beats, so construct it before pinning.
class Lease {
 public:
  // LeaseInUse; RunError where the storage fails.
  explicit Lease(const std::filesystem::path& dir, const LeaseOptions& options = {},
                 const std::string& name = kLeaseName);
  ~Lease();
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  bool lost() const {
    return lost_.load();
  }                // another run took over: this process was suspended for too long
  void release();  // removes the file if it is still ours; never throws
  const LeaseOwner& owner() const { return self_; }
  const std::filesystem::path& file() const { return file_; }

 private:
  void acquire();
  void beat();
  void write_beat();

  std::filesystem::path dir_, file_;
  LeaseOptions options_;
  LeaseOwner self_;
  int fd_ = -1;
  std::atomic<bool> lost_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace emosweep::launcher
