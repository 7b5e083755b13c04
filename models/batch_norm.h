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
// float64; on the CPU by kernels of our own, elsewhere by ATen's; residual: the same shape or
// undefined. Mean and biased variance over rows and places (Ioffe and Szegedy 2015), epsilon 1e-5;
// of the whole batch where `team` is given, by Chan's rule, so that N ranks compute what one does:
// all of them call, also with n = 0, and again in the backward pass. nullptr: of this rank's rows.
// The running values move by 0.1 towards the batch's (unbiased variance), equally on all ranks of a
// team. A batch without any row changes nothing.
at::Tensor batch_norm_train(const at::Tensor& x, const BatchNormAt& at, const at::Tensor& residual,
                            bool relu, Collective* team);

// The same with the running values, in x's own memory where its channels are innermost. Without
// autograd.
at::Tensor batch_norm_evaluate(const at::Tensor& x, const BatchNormAt& at,
                               const at::Tensor& residual, bool relu);

// What all kernels of batch norm ask of x: [n, C, H, W] of float32 or float64 on the CPU.
void check_images(const at::Tensor& x, const BatchNormAt& at);

}  // namespace emosweep::models
