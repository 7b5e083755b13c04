#include "models/fused_attention.h"

#include <algorithm>
#include <cmath>

namespace emosweep::models {
namespace {

// Where keys, queries and values stand in a row of kqv.
constexpr std::int64_t kKey = 0, kQuery = 1, kValue = 2;

}  // namespace

template <typename T>
FusedAttention<T>::FusedAttention(const ModelOptions& options, const AttentionAt& at,
                                  std::int64_t rows)
    : M_(static_cast<std::int64_t>(options.inputs.size())),
      H_(options.hidden_size),
      tokens_(options.tokens),
      heads_(options.heads),
      d_(H_ / heads_),
      rows_(rows),
      keys_((M_ - 1) * tokens_),
      pooled_(rows * M_ * H_),
      weights_(rows * M_ * heads_ * tokens_ * keys_),
      d_context_(rows * tokens_ * H_),
      scratch_(H_ * std::max(tokens_, std::int64_t{3}) * H_),
      turned_(M_ * H_ * tokens_),
      d_weights_(tokens_ * keys_),
      seen_(M_) {
  const std::int64_t all = rows * tokens_, TH = tokens_ * H_, MH = M_ * H_;
  for (std::int64_t m = 0; m < M_; ++m) {
    modalities_.push_back({at.expand + m * H_ * TH, at.embedding + m * TH, at.kqv + m * H_ * 3 * H_,
                           at.bias + m * 2 * H_, at.out + m * H_ * H_, at.norm.gamma + m * H_,
                           at.norm.beta + m * H_, Buffer<T>(all * H_), Buffer<T>(all * 3 * H_),
                           Buffer<T>(all * H_), Buffer<T>(all * H_), Buffer<T>(all),
                           Buffer<T>(all * 3 * H_), Buffer<T>(all * H_)});
  }
  // m, n, k, then from row to row of A, B, C; A transposed; added to C
  expand_ = Product<T>({rows, TH, H_, MH, TH, TH, false, true});
  expand_weight_ = Product<T>({H_, TH, rows, MH, TH, TH, true, false});
  expand_input_ = Product<T>({rows, H_, TH, TH, H_, MH, false, false});
  kqv_ = Product<T>({all, 3 * H_, H_, H_, 3 * H_, 3 * H_, false, true});
  kqv_weight_ = Product<T>({H_, 3 * H_, all, H_, 3 * H_, 3 * H_, true, false});
  kqv_input_ = Product<T>({all, H_, 3 * H_, 3 * H_, H_, H_, false, true});
  out_ = Product<T>({all, H_, H_, H_, H_, H_, false, true});
  out_weight_ = Product<T>({H_, H_, all, H_, H_, H_, true, false});
  out_input_ = Product<T>({all, H_, H_, H_, H_, H_, false, false});
  // Of one row, one head and one other modality.
  scores_ = Product<T>({tokens_, tokens_, d_, 3 * H_, tokens_, keys_, false, false});
  mix_ = Product<T>({tokens_, d_, tokens_, keys_, 3 * H_, H_, false, true});
  d_score_ = Product<T>({tokens_, tokens_, d_, H_, tokens_, keys_, false, false});
  d_query_ = Product<T>({tokens_, d_, tokens_, keys_, 3 * H_, 3 * H_, false, true});
  d_key_ = Product<T>({tokens_, d_, tokens_, keys_, 3 * H_, 3 * H_, true, true});
  d_value_ = Product<T>({tokens_, d_, tokens_, keys_, H_, 3 * H_, true, true});
}

template <typename T>
T* FusedAttention<T>::weights(std::int64_t row, std::size_t m, std::int64_t head) const {
  return weights_.get() +
         ((row * M_ + static_cast<std::int64_t>(m)) * heads_ + head) * tokens_ * keys_;
}

// The queries of modality m of one row ask the tokens of all others that the row has. turned_ holds
// the row's keys.
template <typename T>
void FusedAttention<T>::attend(std::int64_t row, std::size_t m) {
  const std::int64_t first = row * tokens_;
  const T scale = T(1) / std::sqrt(static_cast<T>(d_));
  T* context = modalities_[m].context.get() + first * H_;
  std::fill_n(context, tokens_ * H_, T(0));
  for (std::int64_t h = 0; h < heads_; ++h) {
    T* p = weights(row, m, h);
    const T* query = modalities_[m].kqv_of.get() + first * 3 * H_ + kQuery * H_ + h * d_;
    std::int64_t slot = 0;
    bool any = false;
    for (std::size_t o = 0; o < modalities_.size(); ++o) {
      if (o == m) continue;
      const T* keys = turned_.get() + (static_cast<std::int64_t>(o) * H_ + h * d_) * tokens_;
      scores_(query, keys, p + slot * tokens_);
      seen_[slot++] = sees(row, o);
      any = any || sees(row, o);
    }
    if (!any) {  // such a row attends to nothing
      std::fill_n(p, tokens_ * keys_, T(0));
      continue;
    }
    softmax_forward(AttentionRows<T>{tokens_, keys_, tokens_, scale, seen_.get()}, p);
    slot = 0;
    for (std::size_t o = 0; o < modalities_.size(); ++o) {
      if (o == m) continue;
      const T* value = modalities_[o].kqv_of.get() + first * 3 * H_ + kValue * H_ + h * d_;
      mix_(p + slot++ * tokens_, value, context + h * d_);
    }
  }
}

// turned_ holds the row's values. Absent modalities have weights of 0, and so no gradient.
template <typename T>
void FusedAttention<T>::attend_back(std::int64_t row, std::size_t m, const T* d_context) {
  const std::int64_t first = row * tokens_, at = first * 3 * H_;
  const T scale = T(1) / std::sqrt(static_cast<T>(d_));
  for (std::int64_t h = 0; h < heads_; ++h) {
    const T* p = weights(row, m, h);
    const T* dc = d_context + first * H_ + h * d_;
    std::int64_t slot = 0;
    for (std::size_t o = 0; o < modalities_.size(); ++o) {
      if (o == m) continue;
      const T* values = turned_.get() + (static_cast<std::int64_t>(o) * H_ + h * d_) * tokens_;
      d_score_(dc, values, d_weights_.get() + slot * tokens_);
      d_value_(p + slot * tokens_, dc, modalities_[o].d_kqv.get() + at + kValue * H_ + h * d_);
      ++slot;
    }
    softmax_backward(AttentionRows<T>{tokens_, keys_, tokens_, scale, nullptr}, p,
                     d_weights_.get());
    slot = 0;
    const T* query = modalities_[m].kqv_of.get() + at + kQuery * H_ + h * d_;
    T* d_query = modalities_[m].d_kqv.get() + at + kQuery * H_ + h * d_;
    for (std::size_t o = 0; o < modalities_.size(); ++o) {
      if (o == m) continue;
      const T* ds = d_weights_.get() + slot++ * tokens_;
      d_query_(ds, modalities_[o].kqv_of.get() + at + kKey * H_ + h * d_, d_query);
      d_key_(ds, query, modalities_[o].d_kqv.get() + at + kKey * H_ + h * d_);
    }
  }
}

template <typename T>
const T* FusedAttention<T>::forward(const T* parameters, const T* z, const bool* present) {
  const std::int64_t all = rows_ * tokens_, TH = tokens_ * H_;
  present_ = present;
  for (std::size_t m = 0; m < modalities_.size(); ++m) {
    Modality& x = modalities_[m];
    fill_rows(parameters + x.embedding, rows_, TH, x.tokens.get(), TH);
    expand_(z + static_cast<std::int64_t>(m) * H_, parameters + x.expand, x.tokens.get());
    std::fill_n(scratch_.get(), H_, T(0));  // keys have no bias
    std::copy_n(parameters + x.bias, 2 * H_, scratch_.get() + H_);
    fill_rows<T>(scratch_.get(), all, 3 * H_, x.kqv_of.get(), 3 * H_);
    kqv_(x.tokens.get(), parameters + x.kqv, x.kqv_of.get());
  }
  for (std::int64_t r = 0; r < rows_; ++r) {
    for (std::int64_t m = 0; m < M_; ++m) {
      transpose(modalities_[static_cast<std::size_t>(m)].kqv_of.get() + r * 3 * TH + kKey * H_,
                tokens_, H_, turned_.get() + m * TH, 3 * H_);
    }
    for (std::size_t m = 0; m < modalities_.size(); ++m) attend(r, m);
  }
  for (std::int64_t m = 0; m < M_; ++m) {
    Modality& x = modalities_[static_cast<std::size_t>(m)];
    T* sum = x.normal.get();  // the residual sum, until it is normalised in place
    std::copy_n(x.tokens.get(), all * H_, sum);
    out_(x.context.get(), parameters + x.out, sum);
    pool_forward(PoolRows<T>{rows_, tokens_, H_, M_ * H_, parameters + x.gamma, parameters + x.beta,
                             sum, x.scale.get(), present ? present + m : nullptr, M_},
                 pooled_.get() + m * H_);
  }
  return pooled_.get();
}

template <typename T>
void FusedAttention<T>::backward(const T* parameters, const T* z, const T* d, T* gradient, T* dz) {
  const std::int64_t all = rows_ * tokens_, TH = tokens_ * H_;
  for (Modality& x : modalities_) std::fill_n(x.d_kqv.get(), all * 3 * H_, T(0));
  for (std::int64_t m = 0; m < M_; ++m) {
    Modality& x = modalities_[static_cast<std::size_t>(m)];
    T* sum = x.d_tokens.get();  // of the residual sum: of the tokens and of the output alike
    pool_backward(
        PoolRows<T>{rows_, tokens_, H_, M_ * H_, parameters + x.gamma, parameters + x.beta,
                    x.normal.get(), x.scale.get(), present_ ? present_ + m : nullptr, M_},
        d + m * H_, sum, gradient + x.gamma, gradient + x.beta);
    out_weight_(x.context.get(), sum, gradient + x.out);
    transpose(parameters + x.out, H_, H_, scratch_.get());
    out_input_(sum, scratch_.get(), d_context_.get());
    for (std::int64_t r = 0; r < rows_; ++r) {
      for (std::int64_t o = 0; o < M_; ++o) {
        if (o == m) continue;
        transpose(modalities_[static_cast<std::size_t>(o)].kqv_of.get() + r * 3 * TH + kValue * H_,
                  tokens_, H_, turned_.get() + o * TH, 3 * H_);
      }
      attend_back(r, static_cast<std::size_t>(m), d_context_.get());
    }
  }
  for (std::int64_t m = 0; m < M_; ++m) {
    Modality& x = modalities_[static_cast<std::size_t>(m)];
    kqv_weight_(x.tokens.get(), x.d_kqv.get(), gradient + x.kqv);
    sum_rows(x.d_kqv.get() + H_, all, 2 * H_, 3 * H_, gradient + x.bias);
    transpose(parameters + x.kqv, H_, 3 * H_, scratch_.get());
    kqv_input_(x.d_kqv.get(), scratch_.get(), x.d_tokens.get());
    expand_weight_(z + m * H_, x.d_tokens.get(), gradient + x.expand);
    sum_rows(x.d_tokens.get(), rows_, TH, TH, gradient + x.embedding);
    transpose(parameters + x.expand, H_, TH, scratch_.get());
    expand_input_(x.d_tokens.get(), scratch_.get(), dz + m * H_);
  }
}

template class FusedAttention<float>;
template class FusedAttention<double>;

}  // namespace emosweep::models
