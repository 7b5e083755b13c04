#include <gtest/gtest.h>
#include <time.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <thread>

#include "../mpi_world.h"
#include "base/error.h"
#include "distributed/coordinator.h"

namespace emosweep::distributed {
namespace {

using std::chrono::milliseconds;

std::vector<Work> plain_order(std::uint32_t n) {
  std::vector<Work> order;
  for (std::uint32_t i = 0; i < n; ++i) order.push_back({n - i, 1.0 * (n - i), {}, 0});
  return order;
}

std::unique_ptr<Coordinator> coordinator_of(const World& world, std::vector<Work> order) {
  return make_coordinator(world, make_store(world), std::move(order));
}

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Rank 0's store goes last.
void let_go(std::unique_ptr<Coordinator>& coordinator) {
  if (mpi_world().rank != 0) coordinator.reset();
  barrier("end of the store", in_seconds(20));
  coordinator.reset();
}

void wait_until_over(Coordinator& coordinator) {
  for (int tries = 0; tries < 100; ++tries) {
    if (coordinator.over(milliseconds{200})) return;
  }
  FAIL() << "not over after 20 s";
}

std::vector<std::uint32_t> numbers(const std::vector<std::string>& texts) {
  std::vector<std::uint32_t> out;
  for (const std::string& text : texts) {
    std::istringstream in(text);
    for (std::uint32_t n = 0; in >> n;) out.push_back(n);
  }
  return out;
}

TEST(Coordinator, EveryNumberIsHandedOutOnceOverAllRanks) {
  constexpr std::uint32_t n = 500;
  for (int most : {1, 3}) {
    auto coordinator = coordinator_of(mpi_world(), plain_order(n));
    std::string mine;
    for (auto got = coordinator->take(most); !got.empty(); got = coordinator->take(most)) {
      EXPECT_LE(got.size(), static_cast<std::size_t>(most));
      EXPECT_TRUE(std::is_sorted(got.rbegin(), got.rend())) << "not in the order of the plan";
      for (std::uint32_t number : got) {
        mine += std::to_string(number) + ' ';
        coordinator->finish(number, number % 7 == 0 ? Done::failed : Done::committed);
      }
    }
    wait_until_over(*coordinator);
    const Counts counts = coordinator->counts();
    EXPECT_EQ(counts.taken, n);
    EXPECT_EQ(counts.failed, n / 7);
    EXPECT_EQ(counts.committed, n - n / 7);
    EXPECT_EQ(counts.running(), 0);
    std::vector<std::uint32_t> all = numbers(gather(mine, "numbers", in_seconds(20)));
    std::sort(all.begin(), all.end());
    ASSERT_EQ(all.size(), n);
    for (std::uint32_t i = 0; i < n; ++i) EXPECT_EQ(all[i], i + 1);
    let_go(coordinator);
  }
}

TEST(Coordinator, StopOfOneRankReachesAll) {
  const World& world = mpi_world();
  auto coordinator = coordinator_of(world, plain_order(1000));
  barrier("before the stop", in_seconds(20));
  EXPECT_FALSE(coordinator->stopping());
  barrier("nobody stopped", in_seconds(20));
  if (world.rank == world.size - 1) coordinator->stop("the last rank is tired");
  const auto begin = std::chrono::steady_clock::now();
  while (!coordinator->stopping() &&
         std::chrono::steady_clock::now() - begin < milliseconds{5000}) {
    std::this_thread::sleep_for(milliseconds{1});
  }
  EXPECT_TRUE(coordinator->stopping());
  EXPECT_TRUE(coordinator->take(1).empty());
  barrier("all stopped", in_seconds(20));
  EXPECT_EQ(coordinator->stop_reason(), "the last rank is tired");
  let_go(coordinator);
}

TEST(Coordinator, AnotherOrderOnOneRankIsRefusedByName) {
  const World& world = mpi_world();
  std::vector<Work> order = plain_order(10);
  if (world.rank == 1) std::swap(order[3], order[4]);
  try {
    coordinator_of(world, order);
    FAIL() << "orders differ and nobody saw it";
  } catch (const RunError& e) {
    EXPECT_NE(std::string(e.what()).find("rank 1 has another order"), std::string::npos)
        << e.what();
  }
  barrier("after the refusal", in_seconds(20));
}

TEST(Coordinator, WaitingAtTheEndCostsNoCore) {
  const World& world = mpi_world();
  auto coordinator = coordinator_of(world, plain_order(1));
  const auto got = coordinator->take(1);  // exactly one rank has work
  barrier("one has work", in_seconds(20));
  if (!got.empty()) {
    std::this_thread::sleep_for(milliseconds{2000});
    coordinator->finish(got[0], Done::committed);
    wait_until_over(*coordinator);
  } else {
    const double before = cpu_seconds();
    const auto begin = std::chrono::steady_clock::now();
    wait_until_over(*coordinator);
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
    EXPECT_GT(wall.count(), 1.5);
    EXPECT_LE(cpu_seconds() - before, 0.02 * wall.count()) << "rank " << world.rank;
  }
  EXPECT_EQ(coordinator->counts().committed, 1);
  barrier("counted", in_seconds(20));
  let_go(coordinator);
}

TEST(Coordinator, NeededWorkIsCommittedFirst) {
  const World& world = mpi_world();
  std::vector<Work> order;
  for (std::uint32_t i = 0; i < 4; ++i) order.push_back({i, 1, {}, 0});
  for (std::uint32_t i = 4; i < 8; ++i) order.push_back({i, 1, {i - 4}, 0});
  auto coordinator = coordinator_of(world, order);
  std::string mine;
  for (auto got = coordinator->take(1); !got.empty(); got = coordinator->take(1)) {
    const std::uint32_t number = got[0];
    if (number < 4) {
      std::this_thread::sleep_for(milliseconds{50});
      coordinator->add("committed " + std::to_string(number), 1);
    } else {
      EXPECT_EQ(coordinator->add("committed " + std::to_string(number - 4), 0), 1) << number;
    }
    mine += std::to_string(number) + ' ';
    coordinator->finish(number, number == 2 ? Done::failed : Done::committed);
  }
  wait_until_over(*coordinator);
  const std::vector<std::uint32_t> all = numbers(gather(mine, "numbers", in_seconds(20)));
  EXPECT_EQ(all.size(), 7U);
  EXPECT_EQ(std::count(all.begin(), all.end(), 6U), 0) << "work 6 needs work 2, which failed";
  EXPECT_EQ(coordinator->counts().returned, 1);
  barrier("counted", in_seconds(20));
  let_go(coordinator);
}

TEST(Coordinator, WorkBeforeItsNeedIsRefused) {
  World alone;
  const std::vector<Work> order{{1, 1, {2}, 0}, {2, 1, {}, 0}};
  EXPECT_THROW(coordinator_of(alone, order), RunError);
}

}  // namespace
}  // namespace emosweep::distributed
