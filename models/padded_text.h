// Attention, dropout and pooling within texts by ATen's operations over padded texts: on devices
// other than the CPU, where one large product is worth more than the padding costs. Private to
// models/. The numbers that are dropped are those of text_attention.h.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "models/text_attention.h"

namespace emosweep::models {

// On `device`, of texts of at most `longest` tokens.
PaddedTexts padded_texts(const TextRows& rows, std::int64_t heads, std::int64_t longest,
                         at::Device device);

at::Tensor padded_attention(const at::Tensor& qkv, const TextAttention& how);
at::Tensor add_padded_dropped(const at::Tensor& x, const at::Tensor& z, const TextRows& rows,
                              const TextDrop& drop);
// x [N, H] -> [texts, H], by "mean" or "cls".
at::Tensor padded_pooling(const at::Tensor& x, const TextRows& rows, const std::string& pooling);

}  // namespace emosweep::models
