// What a loss or a layer may ask of the ranks that train a trial together. Part of the tensor
// target of base/.
#pragma once

#include <ATen/core/Tensor.h>

namespace emosweep {

// Every rank of the team calls, also with 0 rows, in the same order. Both are differentiable: the
// backward pass calls the collective again on every rank.
struct Collective {
  int rank = 0, size = 1;
  virtual ~Collective() = default;
  virtual at::Tensor sum(at::Tensor x) = 0;  // same shape on every rank
  virtual at::Tensor gather_rows(
      at::Tensor x) = 0;  // [K, b_r, ...] -> [K, sum of b_r, ...] in rank order
};

// A team of one.
struct Alone final : Collective {
  at::Tensor sum(at::Tensor x) override { return x; }
  at::Tensor gather_rows(at::Tensor x) override { return x; }
};

}  // namespace emosweep
