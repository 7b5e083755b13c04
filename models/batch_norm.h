// Batch normalisation of images with what stands behind it, as one node of the graph.
#pragma once

#include <ATen/core/Tensor.h>

#include "base/collective.h"

namespace emosweep::models {

struct BatchNormAt {
  // [C]. gamma and beta are leaves of the graph; mean and variance are not, and change in training.
  at::Tensor gamma, beta, running_mean, running_var;
};

// relu(batch_norm(x) + residual). x: [n, C, H, W] with channels innermost in memory, float32 or
// float64, on the CPU; residual: the same shape or undefined. Mean and biased variance over rows
// and places (Ioffe and Szegedy 2015), epsilon 1e-5; of the whole batch where `team` is given, by
// Chan's rule, so that N ranks compute what one does: all of them call, also with n = 0, and again
// in the backward pass. nullptr: of this rank's rows. The running values move by 0.1 towards the
// batch's (unbiased variance), equally on all ranks of a team. A batch without any row changes
// nothing.
at::Tensor batch_norm_train(const at::Tensor& x, const BatchNormAt& at, const at::Tensor& residual,
                            bool relu, Collective* team);

// A convolution and the batch norm behind it, by its running values, as one convolution: weight
// [C, in, h, w] and bias [C]. Without autograd.
struct Folded {
  at::Tensor weight, bias;
};
Folded fold_batch_norm(const at::Tensor& weight, const BatchNormAt& at);

}  // namespace emosweep::models
