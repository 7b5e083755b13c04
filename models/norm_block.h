// Layer norm with affine, ReLU and mask as one operation: on small models four operations of ATen
// and their backward passes cost more in dispatch than in arithmetic.
#pragma once

#include <ATen/core/Tensor.h>

#include "models/parameters.h"

namespace emosweep::models {

// y = mask * relu(gamma * (x - mean) / sqrt(var + 1e-5) + beta), mean and variance over the last
// axis (Ba et al. 2016, eq. 4). x [K,b,...,H]; gamma, beta [K,1,...,H]; mask, 0 or at least 1,
// broadcasts to x, or is undefined; without `relu` the middle step is left out. Float32 or float64
// on the CPU in one pass, elsewhere by ATen's operations. Differentiable once in x, gamma and beta.
at::Tensor norm_block(const at::Tensor& x, const Parameter& gamma, const Parameter& beta,
                      const at::Tensor& mask, bool relu);

}  // namespace emosweep::models
