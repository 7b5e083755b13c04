// Cross-attention between the tokens of modalities, without autograd: what FusionModel::cross
// (fusion.cpp) computes. Private to models/.
#pragma once

#include <cstdint>
#include <vector>

#include "models/attention_core.h"
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
    Buffer<T> d_kqv, d_tokens, d_context;
  };
  std::int64_t M_, H_, tokens_, rows_;
  const bool* present_ = nullptr;
  std::vector<Modality> modalities_;
  Buffer<T> pooled_, weights_, scratch_;
  AttentionCore<T> core_;
  // Of one row, per modality.
  std::vector<const T*> kqv_at_, d_context_at_;
  std::vector<T*> context_at_, d_kqv_at_;
  Product<T> expand_, expand_weight_, kqv_, kqv_weight_, out_, out_weight_;
  TurnedProduct<T> expand_input_, kqv_input_, out_input_;
};

}  // namespace emosweep::models
