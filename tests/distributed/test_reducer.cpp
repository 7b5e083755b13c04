// Sums of gradients: buckets during the backward pass against one sum afterwards, and against
// LibTorch's own reducer.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/logger.hpp>
#include <torch/csrc/distributed/c10d/reducer.hpp>

#include "base/error.h"
#include "distributed/gloo_backend.h"
#include "distributed/reducer.h"
#include "thread_ranks.h"

namespace emosweep::distributed {
namespace {

// A deep linear model whose parameters and gradients are views of one tensor each.
struct Net {
  at::Tensor flat, gradient;
  std::vector<at::Tensor> weight;
  Net(int layers, std::int64_t width) {
    const std::int64_t n = width * width;
    flat = (at::arange(layers * n, at::kDouble) * 0.37).sin().reshape({1, -1}) * 0.1;
    gradient = at::zeros_like(flat);
    for (int i = 0; i < layers; ++i) {
      at::Tensor w = flat.detach().narrow(1, i * n, n).view({width, width}).detach();
      w.set_requires_grad(true);
      w.mutable_grad() = gradient.narrow(1, i * n, n).view({width, width}).detach();
      weight.push_back(w);
    }
  }
  // `skip` takes no part.
  at::Tensor loss(const at::Tensor& x, int skip = -1) const {
    at::Tensor h = x;
    for (int i = 0; i < static_cast<int>(weight.size()); ++i) {
      if (i != skip) h = at::tanh(at::matmul(h, weight[static_cast<std::size_t>(i)]));
    }
    return (h * h).sum();
  }
};

at::Tensor input_of(int rank, std::int64_t width, int step = 0) {
  return (at::arange(4 * width, at::kDouble) + 10 * rank + 3 * step).cos().reshape({4, width});
}

std::unique_ptr<Reducer> reducer_for(Collective& team, Net& net, std::int64_t bucket_bytes) {
  auto reducer = make_reducer(team, net.gradient, {bucket_bytes});
  for (std::size_t i = 0; i < net.weight.size(); ++i) {
    reducer->add("layer" + std::to_string(i), net.weight[i]);
  }
  return reducer;
}

class Sizes : public testing::TestWithParam<int> {};

TEST_P(Sizes, BucketsAndOneSumGiveTheSumOverRanks) {
  constexpr int layers = 7;
  constexpr std::int64_t width = 16;
  const int n = GetParam();
  for (const std::int64_t bytes : {1ll << 30, 3 * width * width * 8ll, 1ll}) {
    test::run_team(n, [&](Team& team) {
      Net net(layers, width);
      const auto reducer = reducer_for(team, net, bytes);
      for (int step = 0; step < 3; ++step) {
        net.gradient.zero_();
        net.loss(input_of(team.rank, width, step)).backward();
        reducer->finalize();
        Net whole(layers, width);
        for (int r = 0; r < n; ++r) whole.loss(input_of(r, width, step)).backward();
        EXPECT_LE((net.gradient - whole.gradient).abs().max().item<double>(), 1e-12);
      }
      const std::size_t expected = bytes == 1 ? layers : bytes == 1ll << 30 ? 1 : 3;
      EXPECT_EQ(reducer->trace().buckets.size(), expected);
    });
  }
}

INSTANTIATE_TEST_SUITE_P(TwoAndThree, Sizes, testing::Values(2, 3));

TEST(Reducer, TheFirstBucketStartsBeforeTheLastGradientIsReady) {
  test::run_team(2, [](Team& team) {
    Net net(12, 200);
    const auto reducer = reducer_for(team, net, 2 * 200 * 200 * 8);
    net.loss(input_of(team.rank, 200)).backward();
    reducer->finalize();
    const ReducerTrace& trace = reducer->trace();
    ASSERT_EQ(trace.buckets.size(), 6u);
    EXPECT_LT(trace.buckets[0].launched, trace.last_gradient);
    EXPECT_LT(trace.buckets[3].launched, trace.last_gradient);
    EXPECT_GE(trace.finalized, trace.last_gradient);
  });
}

TEST(Reducer, AParameterWithoutAGradientIsNamedInTheSameStep) {
  for (const std::int64_t bytes : {1ll << 30, 1ll}) {
    test::run_team(2, [&](Team& team) {
      Net net(4, 8);
      const auto reducer = reducer_for(team, net, bytes);
      net.loss(input_of(team.rank, 8)).backward();
      reducer->finalize();
      net.gradient.zero_();
      net.loss(input_of(team.rank, 8), 2).backward();
      try {
        reducer->finalize();
        ADD_FAILURE() << "a step with a gradient that nobody made";
      } catch (const TrialError& e) {
        EXPECT_NE(std::string(e.what()).find("no gradient reached layer2 in this step"),
                  std::string::npos)
            << e.what();
      }
      team.fail({"exception", "layer2", "", "", team.rank});
    });
  }
}

// LibTorch's reducer averages; its buckets and hooks are its own.
TEST(Reducer, AgreesWithLibTorchs) {
  constexpr int ranks = 2;
  constexpr std::int64_t width = 24;
  const test::MemoryStore store, other;
  test::run_ranks(ranks, [&](int rank) {
    const auto team = test::team_of(store, rank, ranks);
    test::next_order(*team, 1);
    Net ours(6, width), theirs(6, width);
    const auto reducer = reducer_for(*team, ours, 2 * width * width * 8);

    auto group = c10::make_intrusive<c10d::ProcessGroup>(other.store, rank, ranks);
    const auto gloo = make_gloo_backend(c10::make_intrusive<c10d::PrefixStore>("gloo", other.store),
                                        rank, ranks, std::chrono::seconds{30}, "127.0.0.1");
    group->setBackend(at::kCPU, c10d::ProcessGroup::BackendType::GLOO, gloo);
    group->setDefaultBackend(c10d::ProcessGroup::BackendType::GLOO);
    group->setGroupName("reference");
    std::vector<at::Tensor> parameters;
    for (at::Tensor& w : theirs.weight)
      parameters.push_back(w.detach().clone().set_requires_grad(true));
    std::vector<std::vector<std::size_t>> buckets{{5, 4}, {3, 2}, {1, 0}};
    constexpr std::int64_t bytes = 2 * width * width * 8;
    auto reference = std::make_shared<c10d::Reducer>(
        parameters, buckets, group, std::vector<bool>(6, false), bytes, false, false,
        std::unordered_map<std::size_t, std::string>{}, bytes, false, false,
        std::vector<std::int64_t>{});
    const auto logger = std::make_shared<c10d::Logger>(reference);
    reference->set_logger(logger);

    for (int step = 0; step < 3; ++step) {
      const at::Tensor x = input_of(rank, width, step);
      ours.gradient.zero_();
      ours.loss(x).backward();
      reducer->finalize();
      for (at::Tensor& p : parameters) {
        if (p.grad().defined()) p.mutable_grad().zero_();
      }
      at::Tensor h = x;
      for (const at::Tensor& p : parameters) h = at::tanh(at::matmul(h, p));
      const at::Tensor loss = (h * h).sum();
      reference->prepare_for_backward({loss});
      loss.backward();
      for (std::size_t i = 0; i < 6; ++i) {
        const at::Tensor sum = parameters[i].grad() * ranks;
        EXPECT_LE((ours.weight[i].grad() - sum).abs().max().item<double>(), 1e-13) << i;
      }
    }
    group->shutdown();
  });
}

}  // namespace
}  // namespace emosweep::distributed
