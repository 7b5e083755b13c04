// Self-attention within texts of unequal length that stand one behind the other, without padding.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "base/philox.h"

namespace emosweep::models {

// The same texts padded to the longest, T tokens each, on another device than the CPU.
struct PaddedTexts {
  std::int64_t longest = 0;  // T
  at::Tensor place;          // [N] int64: token t of text i is row i * T + t
  at::Tensor hidden;         // [b, 1, 1, T] bool: behind a text's end
  at::Tensor share;          // [b, 1] float64: 1 / length
  // Which row of numbers to drop is that of a token [N], of a query [b * heads * T]: int64
  at::Tensor token_row, weight_row;
};

// Where the tokens of b texts stand in a tensor of all of them.
struct TextRows {
  std::vector<std::int64_t> begin;     // [b + 1] text i is [begin[i], begin[i + 1])
  std::vector<std::int64_t> position;  // [b] of the row in the epoch's global order
  PaddedTexts padded = {};             // undefined on the CPU
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

// Blocks of Philox that so many half-words take.
std::int64_t text_blocks(std::int64_t numbers);
// The words of blocks [block, block + blocks).
void draw_text_words(const TextDrop& drop, std::int64_t block, std::int64_t blocks,
                     std::vector<std::uint32_t>& words);

// qkv [N, 3H]: queries, keys, values of H = heads * d numbers each, float32 or float64 (elsewhere
// than on the CPU with rows.padded set)
// -> [N, H]: dropped(softmax(q k' / sqrt(d))) v within every text. The numbers that are dropped are
// (head, query, key), with `longest` queries and keys a text. Differentiable once.
at::Tensor text_attention(const at::Tensor& qkv, const TextAttention& how);

// x + dropped(z), both [N, H]; x undefined: dropped(z). The numbers are (token, feature), with
// `longest` tokens a text. Differentiable once.
at::Tensor add_dropped(const at::Tensor& x, const at::Tensor& z, const TextRows& rows,
                       const TextDrop& drop, std::int64_t longest);

}  // namespace emosweep::models
