// The first layer of small_cnn over images of one channel: convolution 3x3, batch norm, ReLU and
// max pooling as one node of the graph, which stores nothing of the convolution's size.
#pragma once

#include <ATen/core/Tensor.h>

#include "models/batch_norm.h"

namespace emosweep::models {

// max_pool2d(relu(batch_norm(conv2d(images, weight, padding 1))), 2). images: [n, 1, H, W], float32
// or float64 (elsewhere than on the CPU by ATen's operations), no gradient flows to them; weight:
// [C, 1, 3, 3], C a multiple of 16; `at` and `team` as batch_norm_train has them. Returns [n, C, H
// / 2, W / 2], channels innermost.
//
// The convolution is linear in the nine pixels of a place, so that mean and variance of its C
// channels follow from the pixels' own mean and covariance [9, 9], which are summed in double. The
// backward pass needs, beside these, only the pixels of those places that pooling lets through.
at::Tensor first_block_train(const at::Tensor& images, const at::Tensor& weight,
                             const BatchNormAt& at, Collective* team);

// The same by the running values, without autograd.
at::Tensor first_block_evaluate(const at::Tensor& images, const at::Tensor& weight,
                                const BatchNormAt& at);

}  // namespace emosweep::models
