#include "../mpi_world.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <time.h>

#include <thread>

#include "base/error.h"
#include "distributed/address.h"

namespace emosweep::distributed {
namespace {

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

TEST(World, RanksOfOneMachineAreOneNode) {
  const World& world = mpi_world();
  EXPECT_TRUE(world.launched);
  EXPECT_EQ(world.node, 0);
  EXPECT_EQ(world.nodes, 1);
  EXPECT_EQ(world.node_rank, world.rank);
  EXPECT_EQ(world.node_size, world.size);
  EXPECT_EQ(world.address, "127.0.0.1");
  EXPECT_FALSE(world.host.empty());
  EXPECT_FALSE(world.cores.empty());
}

TEST(World, BroadcastGivesRankZerosText) {
  const World& world = mpi_world();
  const std::string large(300'000, 'x');
  for (const std::string& text : {std::string("hello"), std::string(), large}) {
    const std::string given = world.rank == 0 ? text : "not this";
    EXPECT_EQ(broadcast(given, "a word", in_seconds(20)), text);
  }
}

TEST(World, GatherIsInRankOrderWithUnequalLengths) {
  const World& world = mpi_world();
  const std::string mine(static_cast<std::size_t>(world.rank) * 1000,
                         static_cast<char>('a' + world.rank));
  const std::vector<std::string> all = gather(mine, "texts", in_seconds(20));
  ASSERT_EQ(all.size(), static_cast<std::size_t>(world.size));
  for (int r = 0; r < world.size; ++r) {
    EXPECT_EQ(all[static_cast<std::size_t>(r)],
              std::string(static_cast<std::size_t>(r) * 1000, static_cast<char>('a' + r)));
  }
}

TEST(World, AgreeMaxIsTheLargest) {
  const World& world = mpi_world();
  EXPECT_EQ(agree_max(10 - world.rank, "numbers", in_seconds(20)), 10);
  EXPECT_EQ(agree_max(world.rank, "numbers", in_seconds(20)), world.size - 1);
}

TEST(World, WaitingForALateRankCostsNoCore) {
  const World& world = mpi_world();
  barrier("before the nap", in_seconds(20));
  const double before = cpu_seconds();
  if (world.rank == 0) std::this_thread::sleep_for(std::chrono::milliseconds{1500});
  barrier("after the nap", in_seconds(20));
  EXPECT_LT(cpu_seconds() - before, 0.02 * 1.5) << "rank " << world.rank;
}

TEST(World, AddressIsTheFirstThatAllReach) {
  // 192.0.2.0/24 is reserved for documentation: nobody answers there.
  EXPECT_EQ(reachable_address(mpi_world(), {"192.0.2.1", "127.0.0.1"}, in_seconds(30)),
            "127.0.0.1");
  try {
    reachable_address(mpi_world(), {"192.0.2.1"}, in_seconds(30));
    FAIL() << "an address that nobody reaches was accepted";
  } catch (const RunError& e) {
    EXPECT_NE(std::string(e.what()).find("192.0.2.1"), std::string::npos) << e.what();
  }
}

// Last in this file and with an operation that all ranks end in the end: an MPI collective cannot
// be taken back.
TEST(World, ALateRankIsAnErrorThatNamesWhatAndWho) {
  const World& world = mpi_world();
  if (world.rank == 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds{600});
    barrier("tea time", in_seconds(20));
  } else {
    try {
      barrier("tea time", in_seconds(0.2));
      FAIL() << "the deadline passed without an error";
    } catch (const RunError& e) {
      const std::string text = e.what();
      EXPECT_NE(text.find("'tea time'"), std::string::npos) << text;
      EXPECT_NE(text.find("rank " + std::to_string(world.rank)), std::string::npos) << text;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{600});
  }
}

TEST(World, PinningTakesOneCoreOfTheMaskOrNone) {
  const World& world = mpi_world();
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  const bool pinned = pin_to_core(world);
  cpu_set_t after;
  ASSERT_EQ(sched_getaffinity(0, sizeof(after), &after), 0);
  EXPECT_EQ(CPU_COUNT(&after), pinned ? 1 : CPU_COUNT(&before));
  if (world.node_size > static_cast<int>(world.cores.size())) {
    EXPECT_FALSE(pinned) << "more ranks than cores";
  }
  const std::string mine =
      pinned ? std::to_string(sched_getcpu()) : "none " + std::to_string(world.rank);
  const std::vector<std::string> all = gather(mine, "cores", in_seconds(20));
  for (std::size_t r = 0; r < all.size(); ++r) {
    if (static_cast<int>(r) != world.rank) {
      EXPECT_NE(all[r], mine) << "two ranks on one core";
    }
  }
  ASSERT_EQ(sched_setaffinity(0, sizeof(before), &before), 0);
}

}  // namespace
}  // namespace emosweep::distributed
