// Cross-attention between the tokens of modalities, without autograd: what FusionModel::cross
// (fusion.cpp) computes. Private to models/.
#pragma once

#include <cstdint>
#include <vector>

#include "models/fused_layers.h"
#include "models/fusion_parts.h"

namespace emosweep::models {

template <typename T>
class FusedAttention {
 public:
  FusedAttention(const ModelOptions& options, const AttentionAt& at, std::int64_t rows);

  // z [rows, M * H], present [rows, M] or null -> pooled [rows, M * H], valid until the next call
  const T* forward(const T* parameters, const T* z, const bool* present);
  // d [rows, M * H]: the gradient of pooled. dz [rows, M * H] is overwritten.
  void backward(const T* parameters, const T* z, const T* d, T* gradient, T* dz);

 private:
  // The activations of one modality, over rows * tokens.
  struct Modality {
    std::int64_t expand, embedding, kqv, bias, out, gamma, beta;  // places in the parameters
    Buffer<T> tokens, kqv_of, context, normal, scale;
    Buffer<T> d_kqv, d_tokens;
  };
  void attend(std::int64_t row, std::size_t m);
  void attend_back(std::int64_t row, std::size_t m, const T* d_context);
  bool sees(std::int64_t row, std::size_t other) const {
    return !present_ || present_[row * M_ + static_cast<std::int64_t>(other)];
  }
  T* weights(std::int64_t row, std::size_t m, std::int64_t head) const;

  std::int64_t M_, H_, tokens_, heads_, d_, rows_, keys_;
  const bool* present_ = nullptr;
  std::vector<Modality> modalities_;
  Buffer<T> pooled_, weights_, d_context_, scratch_;
  Buffer<T> turned_;  // keys, or values, of every modality of one row: [M, H, tokens]
  Buffer<T> d_weights_;
  Buffer<bool> seen_;  // of the modalities other than the one that asks
  Product<T> expand_, expand_weight_, expand_input_, kqv_, kqv_weight_, kqv_input_, out_,
      out_weight_, out_input_;
  Product<T> scores_, mix_, d_score_, d_query_, d_key_, d_value_;
};

}  // namespace emosweep::models
