// Gloo through our own declarations of it: ranks as threads over an in-memory store.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <torch/csrc/distributed/c10d/Work.hpp>

#include "distributed/gloo_backend.h"
#include "thread_ranks.h"

namespace emosweep::distributed {
namespace {

using Backend = c10::intrusive_ptr<c10d::Backend>;
using Milliseconds = std::chrono::milliseconds;

void run_ranks(int n, Milliseconds timeout, const std::function<void(int, Backend)>& body) {
  c10::intrusive_ptr<c10d::Store> store = c10::make_intrusive<c10d::HashStore>();
  store->setTimeout(timeout);
  test::run_ranks(
      n, [&](int rank) { body(rank, make_gloo_backend(store, rank, n, timeout, "127.0.0.1")); });
}

class Ranks : public testing::TestWithParam<int> {};

TEST_P(Ranks, AllReduceSumsOverRanks) {
  const int n = GetParam();
  std::vector<at::Tensor> got(static_cast<std::size_t>(n));
  run_ranks(n, Milliseconds{20'000}, [&](int rank, const Backend& backend) {
    std::vector<at::Tensor> x{at::arange(5, at::kDouble) * (rank + 1)};
    backend->allreduce(x)->wait();
    got[static_cast<std::size_t>(rank)] = x[0];
  });
  const at::Tensor expected = at::arange(5, at::kDouble) * (n * (n + 1) / 2);
  for (const at::Tensor& x : got) EXPECT_TRUE(at::equal(x, expected)) << x;
}

TEST_P(Ranks, ARankThatStaysAwayIsATimeoutNotAHang) {
  const int n = GetParam();
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_ANY_THROW(run_ranks(n, Milliseconds{20'000}, [&](int rank, const Backend& backend) {
    std::vector<at::Tensor> x{at::ones({4})};
    backend->allreduce(x)->wait();  // connects everyone
    backend->setTimeout(Milliseconds{300});
    if (rank == 0) {
      backend->allreduce(x)->wait();
    } else {
      std::this_thread::sleep_for(Milliseconds{900});
    }
  }));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  EXPECT_LT(took.count(), 5);
}

INSTANTIATE_TEST_SUITE_P(TwoAndThree, Ranks, testing::Values(2, 3));

}  // namespace
}  // namespace emosweep::distributed
