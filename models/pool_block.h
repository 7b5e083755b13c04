// The end of attention between modalities as one operation: layer norm, mean over tokens, affine.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "models/parameters.h"

namespace emosweep::models {

// Of every modality's tokens: layer norm (norm_block.h) without affine, mean over the tokens of a
// row, then gamma and beta; 0, with no gradient, where a row has no such modality. x
// [K,M,b,tokens*H]; gamma, beta [K,M,1,H]; present [K,b,M] bool, undefined: all. -> [K,b,M*H].
// Float32 or float64 on the CPU in one pass, elsewhere by ATen's operations. Differentiable once in
// x, gamma and beta.
at::Tensor pool_block(const at::Tensor& x, const Parameter& gamma, const Parameter& beta,
                      const at::Tensor& present, std::int64_t tokens);

}  // namespace emosweep::models
