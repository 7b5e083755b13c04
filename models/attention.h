// Attention between modalities, packed: every modality's tokens ask the tokens of all others.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace emosweep::models {

struct AttentionShape {
  std::int64_t K = 1, M = 2, b = 0, tokens = 8, heads = 4, width = 64;  // width H = heads * d
};

// kqv [K, M, b*tokens, 3H]: keys, queries, values of every modality's tokens, each H split into
// heads. present: [K,b,M] bool, or undefined where every row has every modality.
// -> [K, M, b*tokens, H]: softmax(q k' / sqrt(d)) v over the tokens of all other modalities that
// the row has; 0, with no gradient, where it has none.
//
// Float32 or float64 on the CPU, where attends_by_row(): row by row in one node of the
// graph, so that nothing depends on the pack. Else by ATen's batched products. Differentiable once.
constexpr bool attends_by_row(std::int64_t tokens, std::int64_t rows) {
  return tokens <= 64 && rows <= 2048;
}
at::Tensor attend(const at::Tensor& kqv, const at::Tensor& present, const AttentionShape& shape);

// The same by ATen's products on any device: all modalities' tokens meet in one batched product per
// (trial, row, head), with own and absent modalities masked.
at::Tensor attend_by_aten(const at::Tensor& kqv, const at::Tensor& present,
                          const AttentionShape& shape);

}  // namespace emosweep::models
