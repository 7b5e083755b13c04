// Teams of real ranks: the store of rank 0, Gloo between processes.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "../mpi_world.h"
#include "distributed/coordinator.h"
#include "distributed/team.h"

namespace emosweep::distributed {
namespace {

using std::chrono::milliseconds;

struct TeamOfAll {
  std::shared_ptr<RunStore> store = make_store(mpi_world());
  std::unique_ptr<Team> team = make_team(mpi_world(), find_team(mpi_world(), mpi_world().size),
                                         store, {milliseconds{20'000}});
  TeamOrder next(std::int64_t number) {
    TeamOrder order;
    if (team->place().leads()) {
      order = team->tell(number);
    } else {
      order = *team->hear(milliseconds{10'000});
    }
    team->join(order);
    return order;
  }
  ~TeamOfAll() {  // rank 0's store goes last
    team->close();
    if (mpi_world().rank != 0) store.reset();
    barrier("end of the team", in_seconds(20));
  }
};

TEST(Team, SumsOverProcesses) {
  TeamOfAll all;
  all.next(1);
  const at::Tensor sum = all.team->sum(at::arange(1000, at::kDouble) * (all.team->rank + 1));
  const double n = all.team->size;
  EXPECT_TRUE(at::equal(sum, at::arange(1000, at::kDouble) * (n * (n + 1) / 2)));
}

TEST(Team, IsMadeAnewAfterARankFailed) {
  TeamOfAll all;
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(all.next(round).generation, round + 1);
    EXPECT_EQ(all.team->sum(at::ones({1})).item<float>(), static_cast<float>(all.team->size));
    const int failing = round % all.team->size;
    const auto begin = std::chrono::steady_clock::now();
    if (all.team->rank == failing) {
      all.team->fail({"exception", "round " + std::to_string(round), "", "", failing});
    } else {
      try {
        all.team->sum(at::ones({3}));
        ADD_FAILURE() << "a sum without rank " << failing;
      } catch (const TeamError& e) {
        EXPECT_EQ(e.fault().message, "round " + std::to_string(round));
      }
      EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds{5});
    }
  }
}

TEST(Team, OfOneRankIsTheRank) {
  const auto store = make_store(mpi_world());
  const TeamPlace place = find_team(mpi_world(), 1);
  EXPECT_EQ(place.teams, mpi_world().size);
  EXPECT_EQ(place.team, mpi_world().rank);
  const auto team = make_team(mpi_world(), place, store);
  team->join(team->tell(1));
  EXPECT_EQ(team->sum(at::full({1}, 3.0f)).item<float>(), 3.0f);
  barrier("before the store goes", in_seconds(20));
}

TEST(Coordinator, RequeuedWorkIsTakenAgainByWhoeverAsks) {
  const World& world = mpi_world();
  std::vector<Work> order;
  for (std::uint32_t i = 0; i < 6; ++i) order.push_back({i, 1, {}, 0});
  auto store = make_store(world);
  auto coordinator = make_coordinator(world, store, order);
  std::int64_t mine = 0;
  for (auto got = coordinator->take(1); !got.empty(); got = coordinator->take(1)) {
    const std::string tries = "tries of " + std::to_string(got[0]);
    const bool again = got[0] % 2 == 0 && coordinator->add(tries, 1) <= 2;
    coordinator->finish(got[0], again ? Done::requeued : Done::committed);
    mine += again ? 0 : 1;
  }
  for (int tries = 0; tries < 100 && !coordinator->over(milliseconds{200}); ++tries) {
  }
  EXPECT_EQ(coordinator->add("finished", mine) <= 6, true);
  barrier("all added", in_seconds(20));
  EXPECT_EQ(coordinator->add("finished", 0), 6);
  EXPECT_EQ(coordinator->counts().committed, 6);
  EXPECT_EQ(coordinator->counts().running(), 0);
  if (world.rank != 0) {
    coordinator.reset();
    store.reset();
  }
  barrier("end of the store", in_seconds(20));
}

}  // namespace
}  // namespace emosweep::distributed
