#include "models/attention_core.h"

#include <algorithm>
#include <cmath>

namespace emosweep::models {

template <typename T>
AttentionCore<T>::AttentionCore(const AttentionSizes& s)
    : M_(s.modalities),
      H_(s.width),
      tokens_(s.tokens),
      heads_(s.heads),
      d_(H_ / heads_),
      keys_((M_ - 1) * tokens_),
      turned_(M_ * H_ * tokens_),
      d_weights_(tokens_ * keys_),
      seen_(M_),
      // m, n, k, then from row to row of A, B, C; A transposed; added to C
      scores_({tokens_, tokens_, d_, 3 * H_, tokens_, keys_, false, false}),
      mix_({tokens_, d_, tokens_, keys_, 3 * H_, H_, false, true}),
      d_score_({tokens_, tokens_, d_, H_, tokens_, keys_, false, false}),
      d_query_({tokens_, d_, tokens_, keys_, 3 * H_, 3 * H_, false, true}),
      d_key_({tokens_, d_, tokens_, keys_, 3 * H_, 3 * H_, true, true}),
      d_value_({tokens_, d_, tokens_, keys_, H_, 3 * H_, true, true}) {}

template <typename T>
void AttentionCore<T>::turn(const T* const* kqv, std::int64_t part) {
  for (std::int64_t m = 0; m < M_; ++m) {
    transpose(kqv[m] + part * H_, tokens_, H_, turned_.get() + m * H_ * tokens_, 3 * H_);
  }
}

template <typename T>
void AttentionCore<T>::ask(std::size_t m, const T* const* kqv, const bool* present, T* p,
                           T* context) {
  const T scale = T(1) / std::sqrt(static_cast<T>(d_));
  std::fill_n(context, tokens_ * H_, T(0));
  bool any = false;
  std::int64_t slot = 0;
  for (std::size_t o = 0; o < static_cast<std::size_t>(M_); ++o) {
    if (o == m) continue;
    seen_[slot] = !present || present[o];
    any = any || seen_[slot];
    ++slot;
  }
  if (!any) {
    std::fill_n(p, heads_ * tokens_ * keys_, T(0));
    return;
  }
  for (std::int64_t h = 0; h < heads_; ++h, p += tokens_ * keys_) {
    const T* query = kqv[m] + kQuery * H_ + h * d_;
    slot = 0;
    for (std::size_t o = 0; o < static_cast<std::size_t>(M_); ++o) {
      if (o != m) scores_(query, turned(o, h), p + tokens_ * slot++);
    }
    softmax_forward(AttentionRows<T>{tokens_, keys_, tokens_, scale, seen_.get()}, p);
    slot = 0;
    for (std::size_t o = 0; o < static_cast<std::size_t>(M_); ++o) {
      if (o != m) mix_(p + tokens_ * slot++, kqv[o] + kValue * H_ + h * d_, context + h * d_);
    }
  }
}

// turned_ holds the values. Absent modalities have weights of 0, and so no gradient.
template <typename T>
void AttentionCore<T>::ask_back(std::size_t m, const T* const* kqv, const T* p, const T* d_context,
                                T* const* d_kqv) {
  const T scale = T(1) / std::sqrt(static_cast<T>(d_));
  for (std::int64_t h = 0; h < heads_; ++h, p += tokens_ * keys_) {
    const std::int64_t key = kKey * H_ + h * d_, query = kQuery * H_ + h * d_,
                       value = kValue * H_ + h * d_;
    const T* dc = d_context + h * d_;
    std::int64_t slot = 0;
    for (std::size_t o = 0; o < static_cast<std::size_t>(M_); ++o) {
      if (o == m) continue;
      d_score_(dc, turned(o, h), d_weights_.get() + slot * tokens_);
      d_value_(p + slot * tokens_, dc, d_kqv[o] + value);
      ++slot;
    }
    softmax_backward(AttentionRows<T>{tokens_, keys_, tokens_, scale, nullptr}, p,
                     d_weights_.get());
    slot = 0;
    for (std::size_t o = 0; o < static_cast<std::size_t>(M_); ++o) {
      if (o == m) continue;
      const T* ds = d_weights_.get() + slot++ * tokens_;
      d_query_(ds, kqv[o] + key, d_kqv[m] + query);
      d_key_(ds, kqv[m] + query, d_kqv[o] + key);
    }
  }
}

template <typename T>
void AttentionCore<T>::forward(const T* const* kqv, const bool* present, T* p, T* const* context) {
  turn(kqv, kKey);
  const std::int64_t each = heads_ * tokens_ * keys_;
  for (std::int64_t m = 0; m < M_; ++m) {
    ask(static_cast<std::size_t>(m), kqv, present, p + m * each, context[m]);
  }
}

template <typename T>
void AttentionCore<T>::backward(const T* const* kqv, const T* p, const T* const* d_context,
                                T* const* d_kqv) {
  turn(kqv, kValue);
  const std::int64_t each = heads_ * tokens_ * keys_;
  for (std::int64_t m = 0; m < M_; ++m) {
    ask_back(static_cast<std::size_t>(m), kqv, p + m * each, d_context[m], d_kqv);
  }
}

template class AttentionCore<float>;
template class AttentionCore<double>;

}  // namespace emosweep::models
