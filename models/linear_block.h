// Linear layers of a pack, and the gates between modalities, each as one node of the autograd graph
// over small products (small_product.h): on small models ATen's batched products and their backward
// passes cost several times the arithmetic.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

#include "models/parameters.h"

namespace emosweep::models {

// A trial's part has the same bits in any pack. Float32 or float64 on the CPU and
// products_by_trial(); elsewhere by ATen's operations, which are faster there.
constexpr bool products_by_trial(std::int64_t in, std::int64_t out, std::int64_t rows) {
  return in * out <= std::int64_t{1} << 18 && rows <= 2048;
}

// y = x W + b, or max(x W + b, 0) with `relu` (NaN stays NaN): a layer a trial, x [K,b,in], W
// [K,in,out], y [K,b,out]; or one a modality of a trial, x [K,M,b,in], W [K,M,in,out], y
// [K,M,b,out]. x may stand in any order in memory whose rows are dense.
// b [K,(M,)1,n], n <= out: of the last n outputs, others have none; or a residual of y's shape.
// Differentiable once in x, weight and bias.
at::Tensor linear_block(const at::Tensor& x, const Parameter& weight, const Parameter& bias,
                        bool relu);

// Layers of several inputs of equally many rows and outputs side by side: y [K,b,n*out], of which
// columns [i*out, (i+1)*out) are x_i W_i + b_i. x_i [K,b,in_i], W_i [K,in_i,out], b_i [K,1,out].
struct LinearParameters {
  Parameter weight, bias;
};
at::Tensor linear_side_by_side(std::span<const at::Tensor> x,
                               std::span<const LinearParameters> layers);

// gates [K,b,M] = softmax of the logits over the modalities that `present` [K,b,M] (undefined: all)
// has, or over all where a row has none; value [K,b,H] = sum over m of gates * z [K,b,M,H].
// Differentiable once in z and logits, through `value` only.
struct Gated {
  at::Tensor value, gates;
};
Gated gate_block(const at::Tensor& z, const at::Tensor& logits, const at::Tensor& present);

}  // namespace emosweep::models
