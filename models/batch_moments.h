// Mean and variance by channel of a batch that a team's ranks hold together. Private to models/.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "base/collective.h"
#include "models/batch_norm.h"

namespace emosweep::models {

// P places of C channels, channels innermost.
struct Places {
  std::int64_t P, C;
};
inline Places places_of(const at::Tensor& x) {
  return {x.size(0) * x.size(2) * x.size(3), x.size(1)};
}
// Places that are summed in the tensor's own precision before they go to double.
inline constexpr std::int64_t kBlock = 128;

using Numbers = std::vector<double>;

template <typename T>
std::vector<T> cast(const Numbers& values) {
  return {values.begin(), values.end()};
}
at::Tensor tensor_of(const Numbers& values);  // float64
Numbers numbers_of(const at::Tensor& t);

// count: places; m2 = sum (x - mean)^2.
struct Moments {
  double count = 0;
  Numbers mean, m2;
};
// Of images [n, C, H, W], channels innermost.
Moments moments_of(const at::Tensor& x);
// Of the whole batch from every rank's, Chan et al. (1983), in the order of ranks, so that all get
// the same. All ranks of the team call; nullptr: `own`.
Moments combined(const Moments& own, Collective* team);
// The running values move by 0.1 towards the batch's; a batch without any place changes nothing.
void move_running(const BatchNormAt& at, const Moments& all);

// Of a forward pass, for its backward pass.
struct Kept {
  double count = 0;
  Numbers mean, scale;  // scale: 1 / sqrt(variance + epsilon)
};
Kept kept_of(const Moments& all);

// A batch norm as x * scale + shift.
struct Affine {
  Numbers scale, shift;
};
Affine affine_of(const Kept& kept, const BatchNormAt& at);
Affine affine_of_running(const BatchNormAt& at);

// The input's gradient is g * by_gradient - (x - mean) * by_value - constant, with g the gradient
// behind the norm, its sum over all places and that of g (x - mean): here this rank's, which are
// summed over the team first. Also fills gamma's and beta's gradient, of this rank's part:
// gradients of parameters are summed over the team elsewhere. All ranks of the team call.
struct InputGradient {
  Numbers by_gradient, by_value, constant;
};
InputGradient input_gradient_of(const Kept& kept, const at::Tensor& gamma, Numbers sums,
                                Numbers products, Collective* team, at::Tensor& d_gamma,
                                at::Tensor& d_beta);

}  // namespace emosweep::models
