#include "models/text_attention.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/error.h"
#include "models/fused_layers.h"
#include "models/padded_text.h"
#include "models/small_product.h"
#include "models/text_kernels.h"

namespace emosweep::models {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr std::int64_t kHalfWords = 8;  // of a block

std::int64_t length(const TextRows& rows, std::int64_t i) {
  return rows.begin[static_cast<std::size_t>(i) + 1] - rows.begin[static_cast<std::size_t>(i)];
}

std::int64_t most_tokens(const TextRows& rows) {
  std::int64_t most = 0;
  for (std::int64_t i = 0; i < rows.texts(); ++i) most = std::max(most, length(rows, i));
  return most;
}

template <typename T>
struct Products {  // of one text
  Products(std::int64_t t, std::int64_t d, std::int64_t width)
      : scores({t, t, d, 3 * width, t, t, false, false}),
        mix({t, d, t, t, 3 * width, width, false, false}),
        d_value({t, d, t, t, width, 3 * width, true, false}),
        d_weight({t, t, d, width, t, t, false, false}),
        d_query({t, d, t, t, 3 * width, 3 * width, false, false}),
        d_key({t, d, t, t, 3 * width, 3 * width, true, false}) {}
  Product<T> scores, mix, d_value, d_weight, d_query, d_key;
};

// p: kept weights, dropped ones with the sign set, of every text and head [t, t].
template <typename T>
void forward(const TextAttention& a, const at::Tensor& qkv, at::Tensor& p, at::Tensor& out) {
  const std::int64_t width = qkv.size(1) / 3, d = width / a.heads, most = most_tokens(*a.rows);
  const T scale = static_cast<T>(1 / std::sqrt(static_cast<double>(d)));
  const T keep = static_cast<T>(a.drop.keep());
  Buffer<T> turned(d * most), used(most * most);
  std::vector<std::uint32_t> words;
  const T* from = qkv.const_data_ptr<T>();
  for (std::int64_t i = 0; i < a.rows->texts(); ++i) {
    const std::int64_t t = length(*a.rows, i), first = a.rows->begin[static_cast<std::size_t>(i)];
    if (t == 0) continue;
    const Products<T> products(t, d, width);
    const std::int64_t row_blocks = text_blocks(a.longest), need = text_blocks(t);
    for (std::int64_t h = 0; h < a.heads; ++h) {
      const T* query = from + first * 3 * width + h * d;
      T* weight = p.mutable_data_ptr<T>() + a.weights[static_cast<std::size_t>(i)] + h * t * t;
      transpose(query + width, t, d, turned.get(), 3 * width);
      products.scores(query, turned.get(), weight);
      softmax_rows(weight, t, t, scale);
      const T* mixed = weight;
      if (a.drop.rate > 0) {
        const std::int64_t base =
            (a.rows->position[static_cast<std::size_t>(i)] * a.heads + h) * a.longest * row_blocks;
        for (std::int64_t q = 0; q < t; ++q) {
          draw_text_words(a.drop, base + q * row_blocks, need, words);
          mark_dropped(weight + q * t, words.data(), a.drop.threshold(), t);
        }
        kept_only(weight, keep, t * t, used.get());
        mixed = used.get();
      }
      products.mix(mixed, query + 2 * width, out.mutable_data_ptr<T>() + first * width + h * d);
    }
  }
}

template <typename T>
void backward(const TextAttention& a, const at::Tensor& qkv, const at::Tensor& p,
              const at::Tensor& d_out, at::Tensor& d_qkv) {
  const std::int64_t width = qkv.size(1) / 3, d = width / a.heads, most = most_tokens(*a.rows);
  const T scale = static_cast<T>(1 / std::sqrt(static_cast<double>(d)));
  const T keep = static_cast<T>(a.drop.keep());
  Buffer<T> turned(d * most), used(most * most), d_weight(most * most);
  for (std::int64_t i = 0; i < a.rows->texts(); ++i) {
    const std::int64_t t = length(*a.rows, i), first = a.rows->begin[static_cast<std::size_t>(i)];
    if (t == 0) continue;
    const Products<T> products(t, d, width);
    for (std::int64_t h = 0; h < a.heads; ++h) {
      const T* query = qkv.const_data_ptr<T>() + first * 3 * width + h * d;
      const T* outer = d_out.const_data_ptr<T>() + first * width + h * d;
      const T* weight = p.const_data_ptr<T>() + a.weights[static_cast<std::size_t>(i)] + h * t * t;
      T* to = d_qkv.mutable_data_ptr<T>() + first * 3 * width + h * d;
      const T* mixed = weight;
      if (a.drop.rate > 0) {
        kept_only(weight, keep, t * t, used.get());
        mixed = used.get();
      }
      products.d_value(mixed, outer, to + 2 * width);
      transpose(query + 2 * width, t, d, turned.get(), 3 * width);
      products.d_weight(outer, turned.get(), d_weight.get());
      softmax_rows_backward(weight, keep, t, t, scale, d_weight.get());
      products.d_query(d_weight.get(), query + width, to);
      products.d_key(d_weight.get(), query, to + width);
    }
  }
}

struct AttentionNode : torch::autograd::Function<AttentionNode> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& qkv0,
                            const TextAttention* how) {
    const at::Tensor qkv = qkv0.contiguous();
    at::Tensor p = at::empty({how->weights.back()}, qkv.options());
    at::Tensor out = at::empty({qkv.size(0), qkv.size(1) / 3}, qkv.options());
    qkv.scalar_type() == at::kFloat ? models::forward<float>(*how, qkv, p, out)
                                    : models::forward<double>(*how, qkv, p, out);
    context->save_for_backward({qkv, p});
    context->saved_data["how"] = reinterpret_cast<std::int64_t>(how);
    return out;
  }
  static variable_list backward(AutogradContext* context, variable_list outers) {
    const variable_list saved = context->get_saved_variables();
    const auto* how = reinterpret_cast<const TextAttention*>(context->saved_data["how"].toInt());
    const at::Tensor outer = outers[0].contiguous();
    at::Tensor d = at::empty_like(saved[0]);
    outer.scalar_type() == at::kFloat
        ? models::backward<float>(*how, saved[0], saved[1], outer, d)
        : models::backward<double>(*how, saved[0], saved[1], outer, d);
    return {d, at::Tensor()};
  }
};

// [N, H] 1 where kept, 0 where dropped.
at::Tensor kept_numbers(const TextRows& rows, const TextDrop& drop, std::int64_t longest,
                        std::int64_t width) {
  at::Tensor kept = at::empty({rows.begin.back(), width}, at::kByte);
  std::vector<std::uint32_t> words;
  const std::int64_t blocks = text_blocks(width);
  for (std::int64_t i = 0; i < rows.texts(); ++i) {
    const std::int64_t t = length(rows, i);
    draw_text_words(drop, rows.position[static_cast<std::size_t>(i)] * longest * blocks, t * blocks,
                    words);
    std::uint8_t* to =
        kept.mutable_data_ptr<std::uint8_t>() + rows.begin[static_cast<std::size_t>(i)] * width;
    for (std::int64_t q = 0; q < t; ++q)
      keep_numbers(words.data() + q * blocks * 4, drop.threshold(), width, to + q * width);
  }
  return kept;
}

template <typename T>
void add_kept_of(const at::Tensor& x, const at::Tensor& z, const at::Tensor& kept, double keep,
                 at::Tensor& out) {
  add_kept(z.const_data_ptr<T>(), x.defined() ? x.const_data_ptr<T>() : nullptr,
           kept.const_data_ptr<std::uint8_t>(), static_cast<T>(keep), z.numel(),
           out.mutable_data_ptr<T>());
}

at::Tensor with_kept(const at::Tensor& x, const at::Tensor& z, const at::Tensor& kept,
                     double keep) {
  at::Tensor out = at::empty_like(z);
  z.scalar_type() == at::kFloat ? add_kept_of<float>(x, z, kept, keep, out)
                                : add_kept_of<double>(x, z, kept, keep, out);
  return out;
}

// An undefined tensor is no argument of a node.
using Maybe = std::optional<at::Tensor>;

struct AddDroppedNode : torch::autograd::Function<AddDroppedNode> {
  static at::Tensor forward(AutogradContext* context, const Maybe& x, const at::Tensor& z,
                            const at::Tensor& kept, double keep) {
    context->save_for_backward({kept});
    context->saved_data["keep"] = keep;
    context->saved_data["x"] = x.has_value();
    return with_kept(x ? x->contiguous() : at::Tensor(), z.contiguous(), kept, keep);
  }
  static variable_list backward(AutogradContext* context, variable_list outers) {
    const at::Tensor kept = context->get_saved_variables()[0], d = outers[0].contiguous();
    const at::Tensor d_z = with_kept({}, d, kept, context->saved_data["keep"].toDouble());
    return {context->saved_data["x"].toBool() ? d : at::Tensor(), d_z, at::Tensor(), at::Tensor()};
  }
};

}  // namespace

std::int64_t text_blocks(std::int64_t numbers) { return (numbers + kHalfWords - 1) / kHalfWords; }

void draw_text_words(const TextDrop& drop, std::int64_t block, std::int64_t blocks,
                     std::vector<std::uint32_t>& words) {
  words.resize(static_cast<std::size_t>(blocks * 4));
  fill_words(words, drop.key, drop.step, static_cast<std::uint64_t>(block));
}

std::uint32_t TextDrop::threshold() const {
  return static_cast<std::uint32_t>(std::clamp(std::nearbyint(rate * 65536.0), 0.0, 65535.0));
}

double TextDrop::keep() const { return 65536.0 / (65536.0 - threshold()); }

TextAttention::TextAttention(const TextRows& its_rows, std::int64_t its_heads,
                             std::int64_t its_longest, const TextDrop& its_drop)
    : rows(&its_rows), heads(its_heads), longest(its_longest), drop(its_drop), weights{0} {
  for (std::int64_t i = 0; i < rows->texts(); ++i) {
    const std::int64_t t = length(*rows, i);
    EMO_CHECK(t <= longest, "a text is no longer than the longest");
    weights.push_back(weights.back() + heads * t * t);
  }
}

at::Tensor text_attention(const at::Tensor& qkv, const TextAttention& how) {
  EMO_CHECK(
      qkv.dim() == 2 && qkv.size(1) % (3 * how.heads) == 0 && qkv.size(0) == how.rows->begin.back(),
      "queries, keys and values are [N, 3H]");
  return qkv.is_cpu() ? AttentionNode::apply(qkv, &how) : padded_attention(qkv, how);
}

at::Tensor add_dropped(const at::Tensor& x, const at::Tensor& z, const TextRows& rows,
                       const TextDrop& drop, std::int64_t longest) {
  if (drop.rate <= 0) return x.defined() ? x + z : z;
  if (!z.is_cpu()) return add_padded_dropped(x, z, rows, drop);
  const at::Tensor kept = kept_numbers(rows, drop, longest, z.size(1));
  return AddDroppedNode::apply(x.defined() ? Maybe(x) : std::nullopt, z, kept, drop.keep());
}

}  // namespace emosweep::models
