#include "models/fused_attention.h"

#include <algorithm>

namespace emosweep::models {
template <typename T>
FusedAttention<T>::FusedAttention(const ModelOptions& options, const AttentionAt& at,
                                  std::int64_t rows)
    : M_(static_cast<std::int64_t>(options.inputs.size())),
      H_(options.hidden_size),
      tokens_(options.tokens),
      rows_(rows),
      pooled_(rows * M_ * H_),
      core_({M_, tokens_, options.heads, H_}),
      kqv_at_(options.inputs.size()),
      d_context_at_(options.inputs.size()),
      context_at_(options.inputs.size()),
      d_kqv_at_(options.inputs.size()) {
  weights_ = Buffer<T>(rows * core_.weights());
  const std::int64_t all = rows * tokens_, TH = tokens_ * H_, MH = M_ * H_;
  for (std::int64_t m = 0; m < M_; ++m) {
    modalities_.push_back({at.expand + m * H_ * TH, at.embedding + m * TH, at.kqv + m * H_ * 3 * H_,
                           at.bias + m * 2 * H_, at.out + m * H_ * H_, at.norm.gamma + m * H_,
                           at.norm.beta + m * H_, Buffer<T>(all * H_), Buffer<T>(all * 3 * H_),
                           Buffer<T>(all * H_), Buffer<T>(all * H_), Buffer<T>(all),
                           Buffer<T>(all * 3 * H_), Buffer<T>(all * H_), Buffer<T>(all * H_)});
  }
  // m, n, k, then from row to row of A, B, C; A transposed; added to C
  expand_ = Product<T>({rows, TH, H_, MH, TH, TH, false, true});
  expand_weight_ = Product<T>({H_, TH, rows, MH, TH, TH, true, false});
  kqv_ = Product<T>({all, 3 * H_, H_, H_, 3 * H_, 3 * H_, false, true});
  kqv_weight_ = Product<T>({H_, 3 * H_, all, H_, 3 * H_, 3 * H_, true, false});
  out_ = Product<T>({all, H_, H_, H_, H_, H_, false, true});
  out_weight_ = Product<T>({H_, H_, all, H_, H_, H_, true, false});
  // m, n, k, then from row to row of A, B, C; added to C
  const TurnedShape expand{rows, H_, TH, TH, TH, MH, false},
      kqv{all, H_, 3 * H_, 3 * H_, 3 * H_, H_, true}, out{all, H_, H_, H_, H_, H_, false};
  expand_input_ = TurnedProduct<T>(expand);
  kqv_input_ = TurnedProduct<T>(kqv);
  out_input_ = TurnedProduct<T>(out);
  std::int64_t scratch = 0;
  for (const TurnedShape& s : {expand, kqv, out})
    scratch = std::max(scratch, TurnedProduct<T>::scratch(s));
  scratch_ = Buffer<T>(scratch);
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
    for (std::size_t m = 0; m < modalities_.size(); ++m) {
      kqv_at_[m] = modalities_[m].kqv_of.get() + r * 3 * TH;
      context_at_[m] = modalities_[m].context.get() + r * TH;
    }
    core_.forward(kqv_at_.data(), present ? present + r * M_ : nullptr,
                  weights_.get() + r * core_.weights(), context_at_.data());
  }
  for (std::int64_t m = 0; m < M_; ++m) {
    Modality& x = modalities_[static_cast<std::size_t>(m)];
    T* sum = x.normal.get();  // the residual sum, until it is normalised in place
    std::copy_n(x.tokens.get(), all * H_, sum);
    out_(x.context.get(), parameters + x.out, sum);
    pool_forward(PoolRows<T>{rows_, tokens_, H_, M_ * H_, parameters + x.gamma, parameters + x.beta,
                             sum, x.scale.get(), present ? present + m : nullptr, M_},
                 sum, pooled_.get() + m * H_);
  }
  return pooled_.get();
}

template <typename T>
void FusedAttention<T>::backward(const T* parameters, const T* z, const T* d, T* gradient, T* dz) {
  const std::int64_t all = rows_ * tokens_, TH = tokens_ * H_;
  for (std::int64_t m = 0; m < M_; ++m) {
    Modality& x = modalities_[static_cast<std::size_t>(m)];
    T* sum = x.d_tokens.get();  // of the residual sum: of the tokens and of the output alike
    pool_backward(
        PoolRows<T>{rows_, tokens_, H_, M_ * H_, parameters + x.gamma, parameters + x.beta,
                    x.normal.get(), x.scale.get(), present_ ? present_ + m : nullptr, M_},
        d + m * H_, sum, gradient + x.gamma, gradient + x.beta);
    out_weight_(x.context.get(), sum, gradient + x.out);
    out_input_(sum, parameters + x.out, x.d_context.get(), scratch_.get());
  }
  for (std::int64_t r = 0; r < rows_; ++r) {
    for (std::size_t m = 0; m < modalities_.size(); ++m) {
      kqv_at_[m] = modalities_[m].kqv_of.get() + r * 3 * TH;
      d_context_at_[m] = modalities_[m].d_context.get() + r * TH;
      d_kqv_at_[m] = modalities_[m].d_kqv.get() + r * 3 * TH;
      std::fill_n(d_kqv_at_[m], 3 * TH, T(0));
    }
    core_.backward(kqv_at_.data(), weights_.get() + r * core_.weights(), d_context_at_.data(),
                   d_kqv_at_.data());
  }
  for (std::int64_t m = 0; m < M_; ++m) {
    Modality& x = modalities_[static_cast<std::size_t>(m)];
    kqv_weight_(x.tokens.get(), x.d_kqv.get(), gradient + x.kqv);
    sum_rows(x.d_kqv.get() + H_, all, 2 * H_, 3 * H_, gradient + x.bias);
    kqv_input_(x.d_kqv.get(), parameters + x.kqv, x.d_tokens.get(), scratch_.get());
    expand_weight_(z + m * H_, x.d_tokens.get(), gradient + x.expand);
    sum_rows(x.d_tokens.get(), rows_, TH, TH, gradient + x.embedding);
    expand_input_(x.d_tokens.get(), parameters + x.expand, dz + m * H_, scratch_.get());
  }
}

template class FusedAttention<float>;
template class FusedAttention<double>;

}  // namespace emosweep::models
