// Self-attention within texts of unequal length that stand one behind the other, without padding.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "base/philox.h"

namespace emosweep::models {

// Where the tokens of b texts stand in a tensor of all of them.
struct TextRows {
  std::vector<std::int64_t> begin;     // [b + 1] text i is [begin[i], begin[i + 1])
  std::vector<std::int64_t> position;  // [b] of the row in the epoch's global order
  std::int64_t texts() const { return static_cast<std::int64_t>(position.size()); }
};

// Which numbers of a layer are dropped: keyed by place, as models/blocks.h has it, but by 16 bits
// each, so that the rate is a multiple of 2^-16. Number j of the row at position p: half-word j % 8
// of block p * (blocks a row) + j / 8 of philox(key, step).
struct TextDrop {
  double rate = 0;  // 0: nothing is dropped
  StreamKey key;    // of the layer
  std::uint64_t step = 0;
  std::uint32_t threshold() const;  // a half-word below it is dropped
  double keep() const;              // what is kept is multiplied by it: 1 / (1 - rate)
};

// How texts attend; outlives the backward pass.
struct TextAttention {
  TextAttention(const TextRows& rows, std::int64_t heads, std::int64_t longest,
                const TextDrop& drop);
  const TextRows* rows;
  std::int64_t heads, longest;
  TextDrop drop;
  std::vector<std::int64_t> weights;  // [b + 1] where each text's attention weights begin
};

// qkv [N, 3H]: queries, keys, values of H = heads * d numbers each, float32 or float64 on the CPU
// -> [N, H]: dropped(softmax(q k' / sqrt(d))) v within every text. The numbers that are dropped are
// (head, query, key), with `longest` queries and keys a text. Differentiable once.
at::Tensor text_attention(const at::Tensor& qkv, const TextAttention& how);

// x + dropped(z), both [N, H]; x undefined: dropped(z). The numbers are (token, feature), with
// `longest` tokens a text. Differentiable once.
at::Tensor add_dropped(const at::Tensor& x, const at::Tensor& z, const TextRows& rows,
                       const TextDrop& drop, std::int64_t longest);

}  // namespace emosweep::models
