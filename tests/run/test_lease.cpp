#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "base/error.h"
#include "base/fault.h"
#include "folder.h"
#include "launcher/lease_file.h"

namespace emosweep::launcher {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

void write_lease(const fs::path& dir, const LeaseOwner& owner, double age_seconds = 0) {
  std::ofstream(dir / kLeaseName) << encode_owner(owner);
  timespec times[2]{};
  times[0].tv_sec = times[1].tv_sec = time(nullptr) - static_cast<time_t>(age_seconds);
  ASSERT_EQ(utimensat(AT_FDCWD, (dir / kLeaseName).c_str(), times, 0), 0);
}

std::string refusal(const fs::path& dir) {
  try {
    Lease lease(dir);
  } catch (const RunError& e) {
    return e.what();
  }
  return "";
}

TEST(Lease, HoldsAndReleases) {
  TestFolder folder;
  {
    Lease lease(folder.path);
    EXPECT_EQ(inspect_lease(folder.path).liveness, Liveness::alive);
    EXPECT_EQ(inspect_lease(folder.path).owner.pid, getpid());
    lease.release();
    EXPECT_EQ(inspect_lease(folder.path).liveness, Liveness::none);
  }
  Lease again(folder.path);
  EXPECT_TRUE(fs::exists(folder.path / "lease"));
  int files = 0;
  for (const auto& entry : fs::directory_iterator(folder.path)) files += entry.exists() ? 1 : 0;
  EXPECT_EQ(files, 1) << "something beside the lease was left";
}

TEST(Lease, ALiveOwnerIsNamedWithWhatToDo) {
  TestFolder folder;
  Lease lease(folder.path);
  const std::string text = refusal(folder.path);
  EXPECT_NE(text.find("process " + std::to_string(getpid())), std::string::npos) << text;
  EXPECT_NE(text.find("kill -USR2"), std::string::npos) << text;
  EXPECT_EQ(inspect_lease(folder.path).liveness, Liveness::alive)
      << "the refused run took the lease away";
}

TEST(Lease, AHeartbeatThatThrowsIsMissedAndTheNextComes) {
  TestFolder folder;
  LeaseOptions options;
  options.heartbeat = milliseconds{20};
  arm_faults("bad_alloc@lease.beat:1,throw@lease.beat:2");
  Lease lease(folder.path, options);
  const double first = read_owner(folder.path / kLeaseName)->heartbeat;
  usleep(300'000);
  arm_faults("");
  EXPECT_GT(read_owner(folder.path / kLeaseName)->heartbeat, first);
  EXPECT_FALSE(lease.lost());
}

TEST(Lease, ADeadOwnerOnThisHostIsReplacedAtOnce) {
  TestFolder folder;
  const pid_t child = fork();
  if (child == 0) {
    new Lease(folder.path);  // never released: killed below
    pause();
    _exit(0);
  }
  while (inspect_lease(folder.path).liveness != Liveness::alive) usleep(1000);
  EXPECT_NE(refusal(folder.path), "");
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_EQ(inspect_lease(folder.path).liveness, Liveness::dead);
  Lease lease(folder.path);
  EXPECT_EQ(inspect_lease(folder.path).owner.pid, getpid());
}

TEST(Lease, AProcessIdThatWasUsedAgainIsNotTheOwner) {
  TestFolder folder;
  LeaseOwner owner = this_process();
  owner.start -= 1;  // lives, but was started at another time
  write_lease(folder.path, owner);
  EXPECT_EQ(inspect_lease(folder.path).liveness, Liveness::dead);
  EXPECT_EQ(refusal(folder.path), "");
}

TEST(Lease, AnOwnerFromBeforeAReboot) {
  TestFolder folder;
  LeaseOwner owner = this_process();
  owner.boot = "another boot";
  write_lease(folder.path, owner);
  EXPECT_EQ(refusal(folder.path), "");
}

TEST(Lease, AnotherHostIsDeadAfterAMinuteOfSilence) {
  TestFolder folder;
  LeaseOwner owner = this_process();
  owner.host = "elsewhere";
  write_lease(folder.path, owner, 50);
  EXPECT_EQ(inspect_lease(folder.path).liveness, Liveness::alive);
  EXPECT_NE(refusal(folder.path).find("on elsewhere"), std::string::npos);
  write_lease(folder.path, owner, 65);
  EXPECT_EQ(inspect_lease(folder.path).liveness, Liveness::dead);
  EXPECT_EQ(refusal(folder.path), "");
}

TEST(Lease, BeatsAndSeesThatItWasLost) {
  TestFolder folder;
  LeaseOptions options;
  options.heartbeat = milliseconds{20};
  Lease lease(folder.path, options);
  const double first = read_owner(folder.path / kLeaseName)->heartbeat;
  usleep(200'000);
  EXPECT_GT(read_owner(folder.path / kLeaseName)->heartbeat, first);
  EXPECT_FALSE(lease.lost());
  LeaseOwner other = this_process();  // another token
  fs::remove(folder.path / kLeaseName);
  write_lease(folder.path, other);
  usleep(200'000);
  EXPECT_TRUE(lease.lost());
  lease.release();
  EXPECT_EQ(read_owner(folder.path / kLeaseName)->token, other.token)
      << "released a lease of another";
}

TEST(Lease, OfManyThatFindADeadOwnerOneWins) {
  TestFolder folder;
  for (int round = 0; round < 5; ++round) {
    LeaseOwner dead = this_process();
    dead.start -= 1;
    write_lease(folder.path, dead);
    std::vector<pid_t> children;
    for (int i = 0; i < 6; ++i) {
      const pid_t child = fork();
      if (child == 0) {
        try {
          new Lease(folder.path);
          usleep(300'000);  // outlives the others' attempts
          _exit(0);
        } catch (const RunError&) {
          _exit(1);
        }
      }
      children.push_back(child);
    }
    int winners = 0;
    for (pid_t child : children) {
      int status = 0;
      waitpid(child, &status, 0);
      winners += WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 1 : 0;
    }
    EXPECT_EQ(winners, 1) << "round " << round;
  }
}

}  // namespace
}  // namespace emosweep::launcher
