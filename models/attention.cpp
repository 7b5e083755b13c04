#include "models/attention.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "models/attention_core.h"

namespace emosweep::models {

namespace {

// [K,b,M,M], or [1,1,M,M] where it is the same for every row.
at::Tensor visible(const at::Tensor& present, const AttentionShape& shape,
                   const at::TensorOptions& options) {
  const at::Tensor others =
      at::eye(shape.M, options.dtype(at::kBool)).logical_not().view({1, 1, shape.M, shape.M});
  return present.defined() ? others.logical_and(present.unsqueeze(2)) : others;
}

}  // namespace

at::Tensor attend_by_aten(const at::Tensor& kqv, const at::Tensor& present,
                          const AttentionShape& s) {
  const at::Tensor seen = visible(present, s, kqv.options());
  const std::int64_t d = s.width / s.heads, tokens = s.M * s.tokens;
  // [K,M,b,T,3,h,d] -> [3, K b h, M T, d]
  const at::Tensor parts = kqv.view({s.K, s.M, s.b, s.tokens, 3, s.heads, d})
                               .permute({4, 0, 2, 5, 1, 3, 6})
                               .reshape({3, s.K * s.b * s.heads, tokens, d});
  const std::vector<at::Tensor> split = parts.unbind(0);
  const at::Tensor &k = split[0], q = split[1], v = split[2];

  const bool same = !present.defined();
  const at::Tensor blind = seen.any(-1, true).logical_not();  // such rows attend to all, times 0
  at::Tensor bias = at::zeros(seen.sizes(), kqv.options())
                        .masked_fill_(seen.logical_or(blind).logical_not(),
                                      -std::numeric_limits<double>::infinity());
  bias = bias.repeat_interleave(s.tokens, 2).repeat_interleave(s.tokens, 3);
  bias = same ? bias.view({1, tokens, tokens})
              : bias.unsqueeze(2)
                    .expand({s.K, s.b, s.heads, tokens, tokens})
                    .reshape({s.K * s.b * s.heads, tokens, tokens});
  const at::Tensor scores =
      at::baddbmm(bias, q, k.transpose(1, 2), 1, 1 / std::sqrt(static_cast<double>(d)));
  const at::Tensor context = at::bmm(at::softmax(scores, -1), v);
  // [K b h, M T, d] -> [K, M, b T, H]
  at::Tensor out = context.view({s.K, s.b, s.heads, s.M, s.tokens, d}).permute({0, 3, 1, 4, 2, 5});
  out = out.reshape({s.K * s.M, s.b, s.tokens * s.width});
  if (!same) {
    const at::Tensor sees = blind.logical_not().permute({0, 2, 1, 3});  // [K,M,b,1]
    out = out * sees.reshape({s.K * s.M, s.b, 1});
  }
  return out.reshape({s.K, s.M, s.b * s.tokens, s.width});
}

namespace {

// Row by row over plain memory: one node of the graph, nothing is copied into another order.
template <typename T>
class Rows {
 public:
  explicit Rows(const AttentionShape& s)
      : shape_(s),
        core_({s.M, s.tokens, s.heads, s.width}),
        in_(places()),
        outer_(places()),
        out_(places()) {}

  std::int64_t weights() const { return shape_.K * shape_.b * core_.weights(); }

  void forward(const T* kqv, const bool* present, T* p, T* context) {
    each([&](std::int64_t k, std::int64_t r) {
      point(in_, kqv, k, r, 3);
      point(out_, context, k, r, 1);
      core_.forward(in_.data(), present ? present + (k * shape_.b + r) * shape_.M : nullptr,
                    p + (k * shape_.b + r) * core_.weights(), out_.data());
    });
  }
  void backward(const T* kqv, const T* p, const T* d_context, T* d_kqv) {
    each([&](std::int64_t k, std::int64_t r) {
      point(in_, kqv, k, r, 3);
      point(outer_, d_context, k, r, 1);
      point(out_, d_kqv, k, r, 3);
      for (T* row : out_) std::fill_n(row, shape_.tokens * 3 * shape_.width, T(0));
      core_.backward(in_.data(), p + (k * shape_.b + r) * core_.weights(), outer_.data(),
                     out_.data());
    });
  }

 private:
  std::size_t places() const { return static_cast<std::size_t>(shape_.M); }
  template <typename Run>
  void each(const Run& run) {
    for (std::int64_t k = 0; k < shape_.K; ++k) {
      for (std::int64_t r = 0; r < shape_.b; ++r) run(k, r);
    }
  }
  // Where row r of trial k stands in every modality of [K, M, b tokens, parts H].
  template <typename P>
  void point(std::vector<P>& to, P from, std::int64_t k, std::int64_t r, std::int64_t parts) {
    const std::int64_t row = shape_.tokens * parts * shape_.width;
    for (std::int64_t m = 0; m < shape_.M; ++m) {
      to[static_cast<std::size_t>(m)] = from + ((k * shape_.M + m) * shape_.b + r) * row;
    }
  }

  AttentionShape shape_;
  AttentionCore<T> core_;
  std::vector<const T*> in_, outer_;
  std::vector<T*> out_;
};

template <typename Run>
void by_type(const at::Tensor& x, const Run& run) {
  x.scalar_type() == at::kFloat ? run(float()) : run(double());
}

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct Attend : torch::autograd::Function<Attend> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& kqv0,
                            const std::optional<at::Tensor>& some, const AttentionShape* s) {
    const at::Tensor kqv = kqv0.contiguous();
    const at::Tensor present = some ? some->contiguous() : at::Tensor();
    at::Tensor out = at::empty({s->K, s->M, s->b * s->tokens, s->width}, kqv.options()), p;
    by_type(kqv, [&]<typename T>(T) {
      Rows<T> rows(*s);
      p = at::empty({rows.weights()}, kqv.options());
      rows.forward(kqv.const_data_ptr<T>(), some ? present.const_data_ptr<bool>() : nullptr,
                   p.mutable_data_ptr<T>(), out.mutable_data_ptr<T>());
    });
    context->save_for_backward({kqv, p});
    context->saved_data["shape"] =
        std::vector<std::int64_t>{s->K, s->M, s->b, s->tokens, s->heads, s->width};
    return out;
  }

  static variable_list backward(AutogradContext* context, variable_list outers) {
    const variable_list saved = context->get_saved_variables();
    const std::vector<std::int64_t> s = context->saved_data["shape"].toIntVector();
    const at::Tensor outer = outers[0].contiguous();
    at::Tensor d_kqv = at::empty_like(saved[0]);
    by_type(outer, [&]<typename T>(T) {
      Rows<T>({s[0], s[1], s[2], s[3], s[4], s[5]})
          .backward(saved[0].const_data_ptr<T>(), saved[1].const_data_ptr<T>(),
                    outer.const_data_ptr<T>(), d_kqv.mutable_data_ptr<T>());
    });
    return {d_kqv, at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor attend(const at::Tensor& kqv, const at::Tensor& present, const AttentionShape& shape) {
  const bool known = kqv.scalar_type() == at::kFloat || kqv.scalar_type() == at::kDouble;
  if (!kqv.device().is_cpu() || !known || kqv.numel() == 0 ||
      !attends_by_row(shape.tokens, shape.b)) {
    return attend_by_aten(kqv, present, shape);
  }
  std::optional<at::Tensor> some;
  if (present.defined()) some = present;
  return Attend::apply(kqv, some, &shape);
}

}  // namespace emosweep::models
