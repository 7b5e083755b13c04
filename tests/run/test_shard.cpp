// Which trials a shard has, and who may work on a folder together.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <numeric>
#include <set>
#include <thread>

#include "base/error.h"
#include "folder.h"
#include "launcher/folder_lock.h"
#include "launcher/lease_file.h"
#include "launcher/run_leases.h"
#include "launcher/shard.h"

namespace emosweep::launcher {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

Plan plan_of_costs(const std::vector<double>& costs) {
  Plan plan;
  for (std::size_t t = 0; t < costs.size(); ++t) {
    PlannedTrial trial;
    trial.id = sha256("trial " + std::to_string(t));
    trial.cost = costs[t];
    plan.trials.push_back(trial);
  }
  return plan;
}

double cost_of(const Plan& plan, const std::vector<std::uint32_t>& trials) {
  double sum = 0;
  for (const std::uint32_t t : trials) sum += plan.trials[t].cost;
  return sum;
}

TEST(Dealing, TheShardsAreThePlanAndNoTrialIsInTwo) {
  std::vector<double> costs;
  for (int t = 0; t < 500; ++t) costs.push_back(100.0 / (1 + t % 97));
  std::sort(costs.rbegin(), costs.rend());
  const Plan plan = plan_of_costs(costs);
  for (const int count : {1, 2, 3, 7, 64, 499, 500, 501, 2000}) {
    std::multiset<std::uint32_t> all;
    double least = 1e9, most = 0;
    for (int index = 1; index <= count; ++index) {
      const auto mine = dealt_trials(plan, {index, count});
      EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end())) << "longest first";
      EXPECT_EQ(mine, dealt_trials(plan, {index, count}));
      all.insert(mine.begin(), mine.end());
      least = std::min(least, cost_of(plan, mine));
      most = std::max(most, cost_of(plan, mine));
    }
    EXPECT_EQ(all.size(), costs.size()) << count;
    EXPECT_EQ(std::set<std::uint32_t>(all.begin(), all.end()).size(), costs.size()) << count;
    EXPECT_LE(most - least, costs.front() + 1e-9) << count;
  }
}

TEST(Dealing, OneLongTrialHasAShardForItself) {
  const Plan plan = plan_of_costs({10, 1, 1, 1, 1, 1, 1});
  EXPECT_EQ(dealt_trials(plan, {1, 2}), (std::vector<std::uint32_t>{0}));
  EXPECT_EQ(dealt_trials(plan, {2, 2}), (std::vector<std::uint32_t>{1, 2, 3, 4, 5, 6}));
}

TEST(Dealing, EqualCostsGoRoundAlsoWhereTheyAreZero) {
  for (const double cost : {0.0, 0.25}) {
    const Plan plan = plan_of_costs(std::vector<double>(7, cost));
    EXPECT_EQ(dealt_trials(plan, {1, 3}), (std::vector<std::uint32_t>{0, 3, 6}));
    EXPECT_EQ(dealt_trials(plan, {2, 3}), (std::vector<std::uint32_t>{1, 4}));
    EXPECT_EQ(dealt_trials(plan, {3, 3}), (std::vector<std::uint32_t>{2, 5}));
  }
  EXPECT_TRUE(dealt_trials(plan_of_costs({}), {2, 3}).empty());
}

TEST(ShardText, IsReadStrictly) {
  EXPECT_EQ(read_shard("2/3"), (Shard{2, 3}));
  EXPECT_EQ(read_shard("100000/100000"), (Shard{100'000, 100'000}));
  EXPECT_TRUE(read_shard("1/1").whole());
  for (const char* wrong :
       {"",      "x",    "1",    "/",     "1/",    "/2",       "0/2",
        "3/2",   "0/0",  "-1/2", "+1/2",  "1/-2",  "01/2",     "1/02",
        "1/2/3", " 1/2", "1/2 ", "1 / 2", "1.0/2", "1/100001", "1/99999999999999999999"}) {
    EXPECT_THROW(read_shard(wrong), InputError) << wrong;
  }
}

TEST(ShardText, MarksTheNamesOfItsFiles) {
  EXPECT_EQ((Shard{2, 3}.text()), "2/3");
  EXPECT_EQ((Shard{2, 3}.mark()), ".2-of-3");
  EXPECT_EQ(Shard{}.text() + Shard{}.mark(), "");
  EXPECT_EQ(results::shard_of_name("state.2-of-3.json", "state", ".json"), (Shard{2, 3}));
  EXPECT_EQ(results::shard_of_name("state.json", "state", ".json"), Shard{});
  for (const char* stranger :
       {"state.3-of-2.json", "state.1-of-1.json", "state..json", "state.old.json", "state2.json",
        ".state.json.tmp.host.17", "state.2-of-3", "state", ".json", "lease.2-of-3"}) {
    EXPECT_FALSE(results::shard_of_name(stranger, "state", ".json")) << stranger;
  }
}

std::string refusal(const fs::path& dir, const Shard& shard) {
  try {
    const Lease own(dir, {}, lease_name(shard));
    exclude_others(dir, shard, own);
  } catch (const LeaseInUse& e) {
    return e.what();
  }
  return "";
}

TEST(RunLeases, WhoMayWorkBesideWhom) {
  const Shard whole, one_of_two{1, 2}, two_of_two{2, 2}, two_of_three{2, 3};
  struct Case {
    Shard first, second;
    std::string refused;  // what the message names; "" = may run
  };
  for (const Case& c :
       {Case{whole, whole, "process"}, Case{whole, one_of_two, "the whole plan"},
        Case{one_of_two, whole, "shard 1/2"}, Case{one_of_two, one_of_two, "process"},
        Case{one_of_two, two_of_two, ""}, Case{one_of_two, two_of_three, "shard 1/2"}}) {
    TestFolder folder;
    const Lease first(folder.path, {}, lease_name(c.first));
    const std::string told = refusal(folder.path, c.second);
    const std::string what = c.first.text() + " then " + c.second.text() + ": " + told;
    EXPECT_EQ(told.empty(), c.refused.empty()) << what;
    EXPECT_NE(told.find(c.refused), std::string::npos) << what;
    if (!c.refused.empty()) {
      EXPECT_NE(told.find("process " + std::to_string(getpid())), std::string::npos) << what;
    }
    const auto held = held_leases(folder.path);
    ASSERT_EQ(held.size(), 1U) << "the refused run left its lease, or took the other's: " << what;
    EXPECT_EQ(held[0].shard, c.first) << what;
    EXPECT_EQ(held[0].state.owner.token, first.owner().token) << what;
  }
}

void write_lease(const fs::path& file, const LeaseOwner& owner) {
  std::ofstream(file) << encode_owner(owner);
}

TEST(RunLeases, DeadOnesThatWouldExcludeAreRemoved) {
  TestFolder folder;
  LeaseOwner dead = this_process();
  dead.start -= 1;
  for (const char* name : {"lease", "lease.1-of-2", "lease.2-of-2", "lease.7-of-9"}) {
    write_lease(folder.path / name, dead);
  }
  EXPECT_EQ(held_leases(folder.path).size(), 4U);
  {
    const Lease own(folder.path, {}, lease_name({1, 2}));
    exclude_others(folder.path, {1, 2}, own);
    const auto held = held_leases(folder.path);
    ASSERT_EQ(held.size(), 2U) << "own, and the dead sibling's, which is its successor's matter";
    EXPECT_EQ(held[0].state.liveness, Liveness::alive);
    EXPECT_EQ(held[1].shard, (Shard{2, 2}));
    EXPECT_EQ(held[1].state.liveness, Liveness::dead);
  }
  const Lease own(folder.path);
  exclude_others(folder.path, {}, own);
  EXPECT_EQ(held_leases(folder.path).size(), 1U);
}

TEST(RunLeases, ALiveOneKeepsDeadOnesAsTheyAre) {
  TestFolder folder;
  LeaseOwner dead = this_process();
  dead.start -= 1;
  write_lease(folder.path / "lease.1-of-3", dead);
  const Lease live(folder.path, {}, lease_name({2, 3}));
  EXPECT_NE(refusal(folder.path, {}), "");
  EXPECT_EQ(held_leases(folder.path).size(), 2U);
}

// Of those that exclude each other and start together never two at a time, also without a common
// lock. The dead leases of the round before are in their way.
TEST(RunLeases, OfTwoKindsThatStartTogetherAtMostOneGoesOn) {
  TestFolder folder;
  const fs::path works = folder.path / "works";
  for (int round = 0; round < 20; ++round) {
    std::vector<pid_t> children;
    for (const Shard& shard : {Shard{}, Shard{1, 2}, Shard{2, 3}}) {
      const pid_t child = fork();
      if (child == 0) {
        try {
          const Lease own(folder.path, {}, lease_name(shard));
          exclude_others(folder.path, shard, own);
          if (!fs::create_directory(works)) _exit(2);  // another is at work
          usleep(50'000);
          fs::remove(works);
          _exit(0);  // killed: the lease stays
        } catch (const RunError&) {
          _exit(1);
        }
      }
      children.push_back(child);
    }
    for (const pid_t child : children) {
      int status = 0;
      waitpid(child, &status, 0);
      EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) < 2) << "two at work in round " << round;
    }
  }
}

TEST(FolderLock, OneAtATime) {
  TestFolder folder;
  const fs::path sum = folder.path / "sum";
  std::ofstream(sum) << 0;
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      for (int k = 0; k < 5; ++k) {
        const FolderLock lock(folder.path);
        int value = -1;
        std::ifstream(sum) >> value;
        usleep(2000);
        std::ofstream(sum) << value + 1;
      }
      _exit(0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) waitpid(child, nullptr, 0);
  int value = -1;
  std::ifstream(sum) >> value;
  EXPECT_EQ(value, 20);
  EXPECT_FALSE(fs::exists(folder.path / "lock"));
}

TEST(FolderLock, ADeadOwnerIsReplacedAndALiveOneIsNamedAtTheDeadline) {
  TestFolder folder;
  LeaseOwner dead = this_process();
  dead.start -= 1;
  write_lease(folder.path / "lock", dead);
  FolderLockOptions options;
  options.wait = milliseconds{200};
  const FolderLock held(folder.path, options);
  EXPECT_TRUE(held.held());
  const auto start = std::chrono::steady_clock::now();
  try {
    const FolderLock second(folder.path, options);
    FAIL() << "two hold the lock";
  } catch (const RunError& e) {
    EXPECT_NE(std::string(e.what()).find("process " + std::to_string(getpid())), std::string::npos)
        << e.what();
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds{5000});
  int asked = 0;
  options.wait = milliseconds{60'000};
  options.needless = [&asked] { return ++asked == 3; };
  EXPECT_FALSE(FolderLock(folder.path, options).held());
}

}  // namespace
}  // namespace emosweep::launcher
