#include "models/padded_text.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "models/kept_numbers.h"

namespace emosweep::models {
namespace {

std::int64_t length(const TextRows& rows, std::int64_t i) {
  return rows.begin[static_cast<std::size_t>(i) + 1] - rows.begin[static_cast<std::size_t>(i)];
}

// x [N, W] -> [b, T, W], 0 behind a text's end.
at::Tensor padded(const at::Tensor& x, const TextRows& rows) {
  const std::int64_t b = rows.texts(), T = rows.padded.longest, W = x.size(1);
  return at::zeros({b * T, W}, x.options()).index_copy(0, rows.padded.place, x).view({b, T, W});
}

}  // namespace

PaddedTexts padded_texts(const TextRows& rows, std::int64_t heads, std::int64_t longest,
                         at::Device device) {
  PaddedTexts out;
  for (std::int64_t i = 0; i < rows.texts(); ++i)
    out.longest = std::max(out.longest, length(rows, i));
  const std::int64_t b = rows.texts(), T = out.longest;
  at::Tensor place = at::empty({rows.begin.back()}, at::kLong);
  at::Tensor hidden = at::ones({b, T}, at::kBool), share = at::empty({b, 1}, at::kDouble);
  at::Tensor token_row = at::empty_like(place), weight_row = at::empty({b * heads * T}, at::kLong);
  std::int64_t *to = place.mutable_data_ptr<std::int64_t>(),
               *token = token_row.mutable_data_ptr<std::int64_t>(),
               *weight = weight_row.mutable_data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < b; ++i) {
    const std::int64_t t = length(rows, i), position = rows.position[static_cast<std::size_t>(i)];
    for (std::int64_t j = 0; j < t; ++j) *to++ = i * T + j, *token++ = position * longest + j;
    for (std::int64_t h = 0; h < heads; ++h) {
      for (std::int64_t q = 0; q < T; ++q) *weight++ = (position * heads + h) * longest + q;
    }
    std::fill_n(hidden.mutable_data_ptr<bool>() + i * T, t, false);
    share.mutable_data_ptr<double>()[i] = 1 / static_cast<double>(std::max<std::int64_t>(t, 1));
  }
  out.place = place.to(device);
  out.hidden = hidden.view({b, 1, 1, T}).to(device);
  out.share = share.to(device);
  out.token_row = token_row.to(device);
  out.weight_row = weight_row.to(device);
  return out;
}

at::Tensor padded_attention(const at::Tensor& qkv, const TextAttention& how) {
  const TextRows& rows = *how.rows;
  const std::int64_t H = qkv.size(1) / 3, d = H / how.heads, b = rows.texts();
  if (rows.begin.back() == 0) return qkv.narrow(1, 0, H);
  const std::vector<at::Tensor> parts = padded(qkv, rows)
                                            .view({b, rows.padded.longest, 3, how.heads, d})
                                            .permute({2, 0, 3, 1, 4})
                                            .unbind(0);
  const at::Tensor scores =
      at::matmul(parts[0] * (1 / std::sqrt(static_cast<double>(d))), parts[1].transpose(2, 3))
          .masked_fill(rows.padded.hidden, -std::numeric_limits<double>::infinity());
  at::Tensor weights = at::softmax(scores, -1);
  if (how.drop.rate > 0) {
    const at::Tensor first = rows.padded.weight_row * text_blocks(how.longest);
    weights =
        weights *
        kept_shares(first, rows.padded.longest, how.drop, qkv.scalar_type()).view(weights.sizes());
  }
  return at::matmul(weights, parts[2])
      .permute({0, 2, 1, 3})
      .reshape({b * rows.padded.longest, H})
      .index_select(0, rows.padded.place);
}

at::Tensor add_padded_dropped(const at::Tensor& x, const at::Tensor& z, const TextRows& rows,
                              const TextDrop& drop) {
  const at::Tensor first = rows.padded.token_row * text_blocks(z.size(1));
  const at::Tensor y = z * kept_shares(first, z.size(1), drop, z.scalar_type());
  return x.defined() ? x + y : y;
}

at::Tensor padded_pooling(const at::Tensor& x, const TextRows& rows, const std::string& pooling) {
  if (rows.begin.back() == 0) return x.narrow(0, 0, 0);
  const at::Tensor texts = padded(x, rows);
  if (pooling == "cls") return texts.select(1, 0);
  return texts.sum(1) * rows.padded.share.to(x.scalar_type());
}

}  // namespace emosweep::models
