// Batch norm, ReLU and what shrinks an image behind them, in one pass each way: the normalised
// image is never stored.
#pragma once

#include <ATen/core/Tensor.h>

#include "models/batch_norm.h"

namespace emosweep::models {

// Of images [n, C, H, W] as batch_norm_train takes them, C a multiple of 8; `team` as there.
// max_pool2d(relu(batch_norm(x)), 2): [n, C, H / 2, W / 2], channels innermost.
at::Tensor norm_max_train(const at::Tensor& x, const BatchNormAt& at, Collective* team);
// mean(relu(batch_norm(x)), {2, 3}): [n, C].
at::Tensor norm_mean_train(const at::Tensor& x, const BatchNormAt& at, Collective* team);

// The same by the running values, without autograd.
at::Tensor norm_max_evaluate(const at::Tensor& x, const BatchNormAt& at);
at::Tensor norm_mean_evaluate(const at::Tensor& x, const BatchNormAt& at);

}  // namespace emosweep::models
