// Attention between the tokens of modalities, of one row: small products and softmax over plain
// memory. Private to models/.
#pragma once

#include <cstdint>

#include "models/fused_layers.h"
#include "models/small_product.h"

namespace emosweep::models {

struct AttentionSizes {
  std::int64_t modalities = 2, tokens = 8, heads = 4, width = 64;  // width H = heads * d
};

// Keys, queries and values of a token stand side by side in this order, H each.
inline constexpr std::int64_t kKey = 0, kQuery = 1, kValue = 2;

// T is float or double. Not thread-safe: has buffers of its own.
template <typename T>
class AttentionCore {
 public:
  explicit AttentionCore(const AttentionSizes& sizes);

  std::int64_t weights() const { return M_ * heads_ * tokens_ * keys_; }  // numbers of one row

  // Per modality m: kqv[m] [tokens, 3H] -> context[m] [tokens, H], overwritten: softmax(q k' /
  // sqrt(d)) v over the tokens of all other modalities that the row has (present [M]; null: all); 0
  // where it has none. p: weights(), kept for backward().
  void forward(const T* const* kqv, const bool* present, T* p, T* const* context);
  // Of the same row: d_context[m] [tokens, H] is the gradient of context[m]; adds to d_kqv[m]
  // [tokens, 3H].
  void backward(const T* const* kqv, const T* p, const T* const* d_context, T* const* d_kqv);

 private:
  void ask(std::size_t m, const T* const* kqv, const bool* present, T* p, T* context);
  void ask_back(std::size_t m, const T* const* kqv, const T* p, const T* d_context,
                T* const* d_kqv);
  // One part of every modality's tokens as [H, tokens].
  void turn(const T* const* kqv, std::int64_t part);
  const T* turned(std::size_t m, std::int64_t head) const {
    return turned_.get() + (static_cast<std::int64_t>(m) * H_ + head * d_) * tokens_;
  }

  std::int64_t M_, H_, tokens_, heads_, d_, keys_;
  Buffer<T> turned_;     // [M, H, tokens]
  Buffer<T> d_weights_;  // [tokens, keys]
  Buffer<bool> seen_;    // of the modalities other than the one that asks
  // Of one head and one other modality.
  Product<T> scores_, mix_, d_score_, d_query_, d_key_, d_value_;
};

}  // namespace emosweep::models
