// What a loss or a layer may ask of the ranks that train a trial together. Part of the tensor
// target of base/.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

namespace emosweep {

// A collective that has been started. One thread.
struct Pending {
  virtual ~Pending() = default;
  virtual void wait() = 0;  // throws what the collective would have thrown
};

// Every rank of the team calls, also with 0 rows, in the same order. sum and gather_rows are
// differentiable: the backward pass calls the collective again on every rank.
struct Collective {
  int rank = 0, size = 1;
  virtual ~Collective() = default;
  virtual at::Tensor sum(at::Tensor x) = 0;  // same shape on every rank
  virtual at::Tensor gather_rows(
      at::Tensor x) = 0;  // [K, b_r, ...] -> [K, sum of b_r, ...] in rank order
  // Sums a contiguous tensor in place, not differentiable, while the caller goes on: nobody may
  // touch x before wait() has returned.
  virtual std::unique_ptr<Pending> start_sum(at::Tensor x) = 0;
};

// A team of one.
struct Alone final : Collective {
  at::Tensor sum(at::Tensor x) override { return x; }
  at::Tensor gather_rows(at::Tensor x) override { return x; }
  std::unique_ptr<Pending> start_sum(at::Tensor) override {
    struct Done final : Pending {
      void wait() override {}
    };
    return std::make_unique<Done>();
  }
};

}  // namespace emosweep
