// The contract of a team, over Gloo and over a back-end that behaves as NCCL does.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "distributed/team_backend.h"
#include "distributed/team_fault.h"
#include "fake_backend.h"
#include "thread_ranks.h"

namespace emosweep::distributed {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using test::next_order;
using test::run_ranks;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

enum class Kind { gloo, fake };

struct Case {
  Kind kind;
  int ranks;
};

class Contract : public testing::TestWithParam<Case> {
 protected:
  int ranks() const { return GetParam().ranks; }

  std::unique_ptr<Team> make(int rank, milliseconds timeout = milliseconds{30'000}) {
    if (GetParam().kind == Kind::gloo) return test::team_of(store_, rank, ranks(), {timeout});
    TeamBackend backend;
    backend.wakes_waiting = false;
    backend.make = [this](const auto&, int r, int size, milliseconds) {
      std::lock_guard lock(mutex_);
      if (made_++ % size == 0) {
        fabric_ = std::make_shared<test::FakeFabric>();
        fabric_->fail_round = fail_round_;
      }
      return c10::make_intrusive<test::FakeBackend>(fabric_, r, size);
    };
    return make_team(
        test::world_of(rank, ranks()),
        choose_team(std::vector<int>(static_cast<std::size_t>(ranks()), 0), rank, ranks()),
        store_.of(rank), {timeout}, std::move(backend));
  }

  // body on every rank of one team that has joined its first order.
  void run(const std::function<void(Team&)>& body, milliseconds timeout = milliseconds{30'000}) {
    run_ranks(ranks(), [&](int rank) {
      const auto team = make(rank, timeout);
      next_order(*team, 1);
      body(*team);
    });
  }

  test::MemoryStore store_;
  std::mutex mutex_;
  int made_ = 0, fail_round_ = -1;
  std::shared_ptr<test::FakeFabric> fabric_;
};

TEST_P(Contract, SumsOfEveryKindAreTheSameOnAllRanks) {
  const int n = ranks();
  run([n](Team& team) {
    for (const at::ScalarType type : {at::kFloat, at::kDouble, at::kLong, at::kByte}) {
      const at::Tensor x = at::arange(5, type) + team.rank;
      const at::Tensor before = x.clone();
      const at::Tensor sum = team.sum(x);
      EXPECT_TRUE(at::equal(x, before)) << "the argument is left as it is";
      EXPECT_TRUE(at::equal(sum, at::arange(5, type) * n + n * (n - 1) / 2));
      EXPECT_EQ(sum.scalar_type(), type);
    }
  });
}

TEST_P(Contract, RowsAreGatheredInRankOrderAlsoFromRanksWithout) {
  const int n = ranks();
  run([n](Team& team) {
    const std::int64_t mine = team.rank == 0 ? 0 : team.rank + 1;
    const at::Tensor x = at::full({2, mine, 3}, team.rank, at::kDouble);
    const at::Tensor all = team.gather_rows(x);
    std::vector<at::Tensor> expected;
    for (int r = 1; r < n; ++r) expected.push_back(at::full({2, r + 1, 3}, r, at::kDouble));
    EXPECT_TRUE(at::equal(all, at::cat(expected, 1))) << all;
  });
}

// loss_r = f_r(y) with y = sum_q x_q: d (sum_r loss_r) / d x_q is the same for all q.
TEST_P(Contract, GradientsFlowThroughSumAndGather) {
  run([](Team& team) {
    at::Tensor x =
        (at::arange(6, at::kDouble) + team.rank).reshape({1, 2, 3}).set_requires_grad(true);
    const double own = 1.0 + team.rank;
    const at::Tensor y = team.sum(x), z = team.gather_rows(x * x);
    (own * (y * y).sum() + own * z.sum()).backward();
    double factor = 0;
    for (int r = 0; r < team.size; ++r) factor += 1.0 + r;
    const at::Tensor expected = factor * (2 * y.detach() + 2 * x.detach());
    EXPECT_LE((x.grad() - expected).abs().max().item<double>(), 1e-12);
  });
}

TEST_P(Contract, StartedSumsEndInTheirOrder) {
  const int n = ranks();
  run([n](Team& team) {
    std::vector<at::Tensor> x;
    std::vector<std::unique_ptr<Pending>> pending;
    for (int i = 0; i < 6; ++i) x.push_back(at::full({1000 * (6 - i)}, i + 1.0f));
    for (at::Tensor& t : x) pending.push_back(team.start_sum(t));
    for (auto& p : pending) p->wait();
    for (int i = 0; i < 6; ++i) {
      EXPECT_TRUE(
          at::equal(x[static_cast<std::size_t>(i)], at::full({1000 * (6 - i)}, n * (i + 1.0f))));
    }
  });
}

// The first trial fails on the last rank while its peers sit in a collective; the team is made anew
// and trains the next.
TEST_P(Contract, AFailingRankFreesItsPeersAndTheTeamGoesOn) {
  run_ranks(ranks(), [&](int rank) {
    const auto team = make(rank);
    const TeamOrder first = next_order(*team, 7);
    const auto begin = Clock::now();
    if (rank == ranks() - 1) {
      std::this_thread::sleep_for(milliseconds{200});
      team->fail({"out_of_memory", "no memory left", "epoch 3, step 41", "there", rank});
    } else {
      try {
        team->sum(at::ones({4}));
        ADD_FAILURE() << "a sum without one of the ranks";
      } catch (const TeamError& e) {
        EXPECT_FALSE(e.environment());
        EXPECT_EQ(e.fault().reason, "out_of_memory");
        EXPECT_EQ(e.fault().where, "epoch 3, step 41");
        EXPECT_EQ(e.fault().rank, ranks() - 1);
        EXPECT_EQ(e.fault().host, "there");
      }
      EXPECT_LT(seconds_since(begin), 5);
      EXPECT_THROW(team->sum(at::ones({4})), TeamError) << "broken until the next order";
    }
    const TeamOrder second = next_order(*team, 8);
    EXPECT_EQ(second.number, 8);
    EXPECT_EQ(second.generation, first.generation + 1);
    EXPECT_EQ(team->sum(at::ones({1})).item<float>(), static_cast<float>(ranks()));
    const TeamOrder third = next_order(*team, 9);
    EXPECT_EQ(third.generation, second.generation) << "a healthy group is kept";
    team->sum(at::ones({1}));  // nobody leaves while another still trains
  });
}

// What a rank says after the trial's last collective must not be taken for the next trial's fault.
TEST_P(Contract, ALateFaultIsNotBlamedOnTheNextTrial) {
  run_ranks(ranks(), [&](int rank) {
    const auto team = make(rank);
    next_order(*team, 1);
    team->sum(at::ones({1}));
    TeamOrder order;
    if (rank == 0) {
      order = team->tell(2);
      team->join(order);
      EXPECT_EQ(order.generation, 1) << "it was told before the fault";
    } else {
      while (!store_.of(rank)->has("team/0/order/2")) std::this_thread::sleep_for(milliseconds{1});
      if (rank == 1) team->fail({"exception", "after the end", "", "here", rank});
      order = *team->hear(milliseconds{5000});
    }
    try {
      if (rank != 0) team->join(order);
      team->sum(at::ones({1}));
      ADD_FAILURE() << "a sum without rank 1";
    } catch (const TeamError& e) {
      EXPECT_TRUE(e.environment()) << e.what();
    }
    next_order(*team, 2);
    EXPECT_EQ(team->sum(at::ones({1})).item<float>(), static_cast<float>(ranks()));
  });
}

TEST_P(Contract, ARankThatStaysAwayIsFoundAtTheDeadline) {
  run_ranks(ranks(), [&](int rank) {
    const auto team = make(rank, milliseconds{700});
    next_order(*team, 1);
    team->sum(at::ones({1}));
    if (rank == 1) {
      std::this_thread::sleep_for(milliseconds{2500});  // stopped
      return;
    }
    const auto begin = Clock::now();
    try {
      team->sum(at::ones({12}));
      ADD_FAILURE() << "a sum without rank 1";
    } catch (const TeamError& e) {
      EXPECT_TRUE(e.environment());
      const std::string text = e.what();
      EXPECT_NE(text.find(" (team 0 of 1, rank "), text.npos) << text;  // of whoever gave up first
      EXPECT_NE(text.find("sum of 12 values"), text.npos) << text;
    }
    EXPECT_LT(seconds_since(begin), 3);
    if (rank == 0) {
      try {
        team->join(team->tell(2));
        ADD_FAILURE() << "a rendezvous without rank 1";
      } catch (const TeamLost& e) {
        EXPECT_NE(std::string(e.what()).find("rank 1 did not come"), std::string::npos) << e.what();
      } catch (const TeamError&) {  // a third rank gave up first
      }
    }
  });
}

TEST_P(Contract, AFaultAtTheRendezvousReachesThePeers) {
  run_ranks(ranks(), [&](int rank) {
    const auto team = make(rank);
    TeamOrder order;
    if (rank == 0) {
      order = team->tell(1);
    } else {
      order = *team->hear(milliseconds{5000});
    }
    const auto begin = Clock::now();
    if (rank == 1) {
      const PostedFault fault{1, {"communication", "no sockets left", "", "here", 1}};
      store_.of(rank)->set_first("team/0/1/fault", encode_fault(fault));
      return;
    }
    try {
      team->join(order);
      ADD_FAILURE() << "a rendezvous without rank 1";
    } catch (const TeamError& e) {
      EXPECT_NE(std::string(e.what()).find("no sockets left"), std::string::npos) << e.what();
    }
    EXPECT_LT(seconds_since(begin), 5);
  });
}

TEST_P(Contract, ALeaderThatFailsBeforeItJoinsFreesItsMembers) {
  run_ranks(ranks(), [&](int rank) {
    const auto team = make(rank);
    for (int round = 1; round <= 2; ++round) {
      const auto begin = Clock::now();
      if (rank == 0) {
        team->tell(round);
        team->fail({"exception", "the log is full", "", "here", 0});
        continue;
      }
      try {
        team->join(*team->hear(milliseconds{5000}));
        ADD_FAILURE() << "a rendezvous without the leader";
      } catch (const TeamError& e) {
        EXPECT_STREQ(e.what(), "the log is full");
      }
      EXPECT_LT(seconds_since(begin), 5);
    }
    EXPECT_EQ(next_order(*team, 3).generation, 3);
    EXPECT_EQ(team->sum(at::ones({1})).item<float>(), static_cast<float>(ranks()));
  });
}

INSTANTIATE_TEST_SUITE_P(Teams, Contract,
                         testing::Values(Case{Kind::gloo, 2}, Case{Kind::gloo, 3},
                                         Case{Kind::fake, 2}, Case{Kind::fake, 3}),
                         [](const auto& which) {
                           return (which.param.kind == Kind::gloo ? "Gloo" : "Asynchronous") +
                                  std::to_string(which.param.ranks);
                         });

// What only an asynchronous back-end does: the error comes after the collective was started.
class Asynchronous : public Contract {};

TEST_P(Asynchronous, AnErrorThatComesLateBreaksTheTrial) {
  fail_round_ = 1;
  run([](Team& team) {
    team.sum(at::ones({1}));
    try {
      at::Tensor x = at::ones({8});
      const auto pending = team.start_sum(x);
      pending->wait();
      ADD_FAILURE() << "the error is lost";
    } catch (const TeamError& e) {
      EXPECT_TRUE(e.environment());
      EXPECT_NE(std::string(e.what()).find("the fabric broke"), std::string::npos) << e.what();
    }
  });
}

TEST_P(Asynchronous, WaitingInVainAbortsTheGroup) {
  run(
      [this](Team& team) {
        team.sum(at::ones({1}));
        if (team.rank == 0) {
          EXPECT_THROW(team.sum(at::ones({8})), TeamError);
          EXPECT_EQ(fabric_->aborts, 1);
        }
      },
      milliseconds{300});
}

INSTANTIATE_TEST_SUITE_P(Teams, Asynchronous, testing::Values(Case{Kind::fake, 2}));

TEST(TeamPlace, NodesAreFilledFirst) {
  // Ranks dealt round robin over two nodes (mpirun --map-by node).
  const std::vector<int> node_of{0, 1, 0, 1, 0, 1, 0, 1};
  const TeamPlace a = choose_team(node_of, 4, 2), b = choose_team(node_of, 3, 4);
  EXPECT_EQ(a.team, 1);
  EXPECT_EQ(a.teams, 4);
  EXPECT_EQ(a.rank, 0);
  EXPECT_EQ(a.members, (std::vector<int>{4, 6}));
  EXPECT_EQ(a.nodes, 1);
  EXPECT_EQ(b.members, (std::vector<int>{1, 3, 5, 7}));
  EXPECT_EQ(b.rank, 1);
  EXPECT_EQ(choose_team({0, 0, 0, 1, 1, 1}, 2, 2).nodes, 2) << "three ranks a node, teams of two";
  EXPECT_EQ(choose_team({0}, 0, 1).members, std::vector<int>{0});
}

TEST(TeamPlace, SizesThatDoNotDivideAreRefusedWithBothNumbers) {
  try {
    choose_team({0, 0, 0, 0, 0}, 0, 2);
    FAIL();
  } catch (const InputError& e) {
    const std::string text = e.what();
    EXPECT_NE(text.find("5 ranks do not form teams of 2"), text.npos) << text;
    EXPECT_NE(text.find("start 6 or 4 ranks"), text.npos) << text;
  }
  EXPECT_THROW(choose_team({0}, 0, 2), InputError);
}

TEST(TeamFault, SurvivesTheStore) {
  const PostedFault posted{12, {"exception", "line 1\nline\x1f 2", "", "host", 3}};
  const PostedFault back = decode_fault(encode_fault(posted));
  EXPECT_EQ(back.order, 12);
  EXPECT_EQ(back.fault.message, "line 1\nline  2");
  EXPECT_EQ(back.fault.reason, "exception");
  EXPECT_EQ(back.fault.where, "");
  EXPECT_EQ(back.fault.host, "host");
  EXPECT_EQ(back.fault.rank, 3);
}

}  // namespace
}  // namespace emosweep::distributed
