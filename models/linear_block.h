// Linear layers of a pack, and the gates between modalities, each as one node of the autograd graph
// over small products (small_product.h): on small models ATen's batched products and their backward
// passes cost several times the arithmetic.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace emosweep::models {

// y = x W + b, or max(x W + b, 0) with `relu` (NaN stays NaN). x [K,b,in], weight [K,in,out], bias
// [K,1,out], or [K,b,out]: a residual. A trial's part has the same bits in any pack. Float32 or
// float64 on the CPU and products_by_trial(); elsewhere by ATen's operations, which are faster
// there. Differentiable once in x, weight and bias.
constexpr bool products_by_trial(std::int64_t in, std::int64_t out, std::int64_t rows) {
  return in * out <= std::int64_t{1} << 18 && rows <= 2048;
}
at::Tensor linear_block(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                        bool relu);

// gates [K,b,M] = softmax of the logits over the modalities that `present` [K,b,M] (undefined: all)
// has, or over all where a row has none; value [K,b,H] = sum over m of gates * z [K,b,M,H].
// Differentiable once in z and logits, through `value` only.
struct Gated {
  at::Tensor value, gates;
};
Gated gate_block(const at::Tensor& z, const at::Tensor& logits, const at::Tensor& present);

}  // namespace emosweep::models
