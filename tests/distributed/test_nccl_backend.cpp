// NCCL through c10d, by a group of one: more ranks need more GPUs.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "distributed/devices.h"
#ifdef USE_C10D_NCCL
#include "distributed/group.h"
#include "distributed/nccl_backend.h"
#include "thread_ranks.h"
#endif

namespace emosweep::distributed {
namespace {

TEST(Nccl, SumsAndGathersOnAGpu) {
#ifdef USE_C10D_NCCL
  if (cuda_devices().empty()) GTEST_SKIP() << "no CUDA device is here";
  using Milliseconds = std::chrono::milliseconds;
  use_device(0);
  c10::intrusive_ptr<c10d::Store> store = c10::make_intrusive<c10d::HashStore>();
  GroupOptions options;
  options.timeout = Milliseconds{20'000};
  options.wakes_waiting = false;
  Group group(make_nccl_backend(store, 0, 1, options.timeout, 0), options);
  const at::Tensor numbers = at::arange(1000, at::kDouble);
  std::vector<at::Tensor> x{numbers.to(at::kCUDA)};
  group.wait(*group.start_sum(x));
  EXPECT_TRUE(at::equal(x[0].to(at::kCPU), numbers));
  std::vector<at::Tensor> all{at::zeros_like(x[0])};
  group.wait(*group.start_gather(x[0], all));
  EXPECT_TRUE(at::equal(all[0].to(at::kCPU), numbers));
#else
  GTEST_SKIP() << "built without CUDA";
#endif
}

}  // namespace
}  // namespace emosweep::distributed
