#include "models/batch_norm.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "base/wide.h"
#include "models/aten_norm.h"
#include "models/batch_moments.h"

namespace emosweep::models {
namespace {

// y = x * scale + shift (+ residual), then ReLU.
template <typename T>
EMO_BODY void apply_body(const T* data, const T* residual, const T* __restrict scale,
                         const T* __restrict shift, Places s, bool relu, T* out) {
  for (std::int64_t p = 0; p < s.P; ++p) {
    const T* x = data + p * s.C;
    const T* __restrict r = residual ? residual + p * s.C : nullptr;
    T* y = out + p * s.C;  // may be x
    if (r) {
#pragma GCC ivdep
      for (std::int64_t c = 0; c < s.C; ++c) y[c] = x[c] * scale[c] + shift[c] + r[c];
    } else {
#pragma GCC ivdep
      for (std::int64_t c = 0; c < s.C; ++c) y[c] = x[c] * scale[c] + shift[c];
    }
    if (relu) {
      for (std::int64_t c = 0; c < s.C; ++c) y[c] = y[c] < T(0) ? T(0) : y[c];  // NaN stays NaN
    }
  }
}

// g = the gradient behind the ReLU; sums of g and of g (x - mean) by channel. y null: no ReLU.
template <typename T>
EMO_BODY void gradient_sums_body(const T* outer, const T* data, const T* output,
                                 const T* __restrict mean, Places s, T* __restrict scratch,
                                 T* gradient, double* __restrict sums,
                                 double* __restrict products) {
  const std::int64_t C = s.C;
  T* __restrict a = scratch;
  T* __restrict b = scratch + C;
  for (std::int64_t first = 0; first < s.P; first += kBlock) {
    const std::int64_t last = std::min(s.P, first + kBlock);
    for (std::int64_t c = 0; c < 2 * C; ++c) scratch[c] = T(0);
    for (std::int64_t p = first; p < last; ++p) {
      const T* __restrict o = outer + p * C;
      const T* __restrict x = data + p * C;
      const T* __restrict y = output ? output + p * C : nullptr;
      T* __restrict g = gradient + p * C;
      if (y) {
        for (std::int64_t c = 0; c < C; ++c) g[c] = y[c] <= T(0) ? T(0) : o[c];
      } else {
        for (std::int64_t c = 0; c < C; ++c) g[c] = o[c];
      }
      for (std::int64_t c = 0; c < C; ++c) {
        a[c] += g[c];
        b[c] += g[c] * (x[c] - mean[c]);
      }
    }
    for (std::int64_t c = 0; c < C; ++c) {
      sums[c] += static_cast<double>(a[c]);
      products[c] += static_cast<double>(b[c]);
    }
  }
}

// d = g * by_gradient - (x - mean) * by_value - constant
template <typename T>
EMO_BODY void input_gradient_body(const T* gradient, const T* data, const T* __restrict mean,
                                  const T* __restrict by_gradient, const T* __restrict by_value,
                                  const T* __restrict constant, Places s, T* out) {
  for (std::int64_t p = 0; p < s.P; ++p) {
    const T* g = gradient + p * s.C;
    const T* __restrict x = data + p * s.C;
    T* d = out + p * s.C;  // may be g
#pragma GCC ivdep
    for (std::int64_t c = 0; c < s.C; ++c) {
      d[c] = g[c] * by_gradient[c] - (x[c] - mean[c]) * by_value[c] - constant[c];
    }
  }
}

EMO_BOTH(apply)
EMO_BOTH(gradient_sums)
EMO_BOTH(input_gradient)

template <typename T>
Kept run_forward(const at::Tensor& x, const BatchNormAt& at, const at::Tensor& residual, bool relu,
                 Collective* team, at::Tensor& y) {
  const Moments all = combined(moments_of(x), team);
  const Kept kept = kept_of(all);
  if (all.count == 0) return kept;
  move_running(at, all);
  const Affine affine = affine_of(kept, at);
  const auto scale = cast<T>(affine.scale), shift = cast<T>(affine.shift);
  const T* r = residual.defined() ? residual.const_data_ptr<T>() : static_cast<const T*>(nullptr);
  apply<T>(x.const_data_ptr<T>(), r, scale.data(), shift.data(), places_of(x), relu,
           y.mutable_data_ptr<T>());
  return kept;
}

template <typename T>
void run_evaluation(at::Tensor& x, const BatchNormAt& at, const at::Tensor& residual, bool relu) {
  const Affine affine = affine_of_running(at);
  const auto scale = cast<T>(affine.scale), shift = cast<T>(affine.shift);
  T* values = x.mutable_data_ptr<T>();
  const T* r = residual.defined() ? residual.const_data_ptr<T>() : static_cast<const T*>(nullptr);
  apply<T>(values, r, scale.data(), shift.data(), places_of(x), relu, values);
}

struct Gradients {
  at::Tensor x, gamma, beta, behind_relu;
};

template <typename T>
Gradients run_backward(const at::Tensor& outer, const at::Tensor& x, const at::Tensor& gamma,
                       const at::Tensor& y, bool residual, const Kept& kept, Collective* team) {
  const Places s = places_of(x);
  const auto C = static_cast<std::size_t>(s.C);
  Gradients d{at::empty_like(x), {}, {}, {}};
  d.behind_relu = residual ? at::empty_like(x) : d.x;
  const auto mean = cast<T>(kept.mean);
  std::vector<T> scratch(2 * C);
  Numbers sums(C, 0), products(C, 0);
  const T* output = y.defined() ? y.const_data_ptr<T>() : static_cast<const T*>(nullptr);
  gradient_sums<T>(outer.const_data_ptr<T>(), x.const_data_ptr<T>(), output, mean.data(), s,
                   scratch.data(), d.behind_relu.mutable_data_ptr<T>(), sums.data(),
                   products.data());
  const InputGradient by = input_gradient_of(kept, gamma, sums, products, team, d.gamma, d.beta);
  const auto g = cast<T>(by.by_gradient), v = cast<T>(by.by_value), k = cast<T>(by.constant);
  input_gradient<T>(d.behind_relu.const_data_ptr<T>(), x.const_data_ptr<T>(), mean.data(), g.data(),
                    v.data(), k.data(), s, d.x.mutable_data_ptr<T>());
  return d;
}

at::Tensor innermost(const at::Tensor& x) { return x.contiguous(at::MemoryFormat::ChannelsLast); }

struct BatchNormNode : torch::autograd::Function<BatchNormNode> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x0,
                            const at::Tensor& gamma, const at::Tensor& beta,
                            const std::optional<at::Tensor>& residual0, const BatchNormAt& at,
                            bool relu, Collective* team) {
    const at::Tensor x = innermost(x0);
    const at::Tensor residual = residual0 ? innermost(*residual0) : at::Tensor();
    at::Tensor y = at::empty_like(x);
    const BatchNormAt values{gamma, beta, at.running_mean, at.running_var};
    const auto run = x.scalar_type() == at::kFloat ? run_forward<float> : run_forward<double>;
    const Kept kept = run(x, values, residual, relu, team, y);
    context->save_for_backward(
        {x, gamma, relu ? y : at::Tensor(), tensor_of(kept.mean), tensor_of(kept.scale)});
    context->saved_data["count"] = kept.count;
    context->saved_data["residual"] = residual.defined();
    context->saved_data["team"] = reinterpret_cast<std::int64_t>(team);
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list outers) {
    const torch::autograd::variable_list saved = context->get_saved_variables();
    auto* team = reinterpret_cast<Collective*>(context->saved_data["team"].toInt());
    const Kept kept{context->saved_data["count"].toDouble(), numbers_of(saved[3]),
                    numbers_of(saved[4])};
    const at::Tensor outer = innermost(outers[0]);
    const bool residual = context->saved_data["residual"].toBool();
    const auto run = outer.scalar_type() == at::kFloat ? run_backward<float> : run_backward<double>;
    const Gradients d = run(outer, saved[0], saved[1], saved[2], residual, kept, team);
    return {d.x,          d.gamma,      d.beta,      residual ? d.behind_relu : at::Tensor(),
            at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

void check_images(const at::Tensor& x, const BatchNormAt& at) {
  EMO_CHECK(x.dim() == 4 && x.size(1) == at.gamma.numel(), "images are [n, C, H, W]");
  EMO_CHECK(
      x.device().is_cpu() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kDouble),
      "batch norm has kernels for float32 and float64 on the CPU");
}

at::Tensor batch_norm_train(const at::Tensor& x, const BatchNormAt& at, const at::Tensor& residual,
                            bool relu, Collective* team) {
  if (!x.is_cpu()) return behind_norm(aten_norm_train(x, at, team), residual, relu);
  check_images(x, at);
  std::optional<at::Tensor> added;
  if (residual.defined()) added = residual;
  return BatchNormNode::apply(x, at.gamma, at.beta, added, at, relu, team);
}

at::Tensor batch_norm_evaluate(const at::Tensor& x0, const BatchNormAt& at,
                               const at::Tensor& residual0, bool relu) {
  if (!x0.is_cpu()) return behind_norm(aten_norm_evaluate(x0, at), residual0, relu);
  check_images(x0, at);
  at::Tensor x = innermost(x0);
  const at::Tensor residual = residual0.defined() ? innermost(residual0) : at::Tensor();
  const auto run = x.scalar_type() == at::kFloat ? run_evaluation<float> : run_evaluation<double>;
  run(x, at, residual, relu);
  return x;
}

}  // namespace emosweep::models
