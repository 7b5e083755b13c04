#include "models/batch_norm.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "base/wide.h"

namespace emosweep::models {
namespace {

constexpr double kEpsilon = 1e-5, kMomentum = 0.1;
// Places that are summed in the tensor's own precision before they go to double.
constexpr std::int64_t kBlock = 128;

// P places of C channels, channels innermost.
struct Places {
  std::int64_t P, C;
};

// Sums of x - shift and of its square by channel: [C] each. scratch: [2, C].
template <typename T>
EMO_BODY void moments_body(const T* data, const T* __restrict shift, Places s,
                           T* __restrict scratch, double* __restrict sums,
                           double* __restrict squares) {
  const std::int64_t C = s.C;
  T* __restrict a = scratch;
  T* __restrict b = scratch + C;
  for (std::int64_t first = 0; first < s.P; first += kBlock) {
    const std::int64_t last = std::min(s.P, first + kBlock);
    for (std::int64_t c = 0; c < 2 * C; ++c) scratch[c] = T(0);
    std::int64_t p = first;
    for (; p + 4 <= last; p += 4) {
      const T* __restrict x = data + p * C;
      for (std::int64_t c = 0; c < C; ++c) {
        const T d0 = x[c] - shift[c], d1 = x[c + C] - shift[c];
        const T d2 = x[c + 2 * C] - shift[c], d3 = x[c + 3 * C] - shift[c];
        a[c] += (d0 + d1) + (d2 + d3);
        b[c] += (d0 * d0 + d1 * d1) + (d2 * d2 + d3 * d3);
      }
    }
    for (; p < last; ++p) {
      const T* __restrict x = data + p * C;
      for (std::int64_t c = 0; c < C; ++c) {
        const T d = x[c] - shift[c];
        a[c] += d;
        b[c] += d * d;
      }
    }
    for (std::int64_t c = 0; c < C; ++c) {
      sums[c] += static_cast<double>(a[c]);
      squares[c] += static_cast<double>(b[c]);
    }
  }
}

// y = x * scale + shift (+ residual), then ReLU.
template <typename T>
EMO_BODY void apply_body(const T* data, const T* residual, const T* __restrict scale,
                         const T* __restrict shift, Places s, bool relu, T* out) {
  for (std::int64_t p = 0; p < s.P; ++p) {
    const T* __restrict x = data + p * s.C;
    const T* __restrict r = residual ? residual + p * s.C : nullptr;
    T* __restrict y = out + p * s.C;
    if (r) {
      for (std::int64_t c = 0; c < s.C; ++c) y[c] = x[c] * scale[c] + shift[c] + r[c];
    } else {
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
    const T* __restrict g = gradient + p * s.C;
    const T* __restrict x = data + p * s.C;
    T* __restrict d = out + p * s.C;
    for (std::int64_t c = 0; c < s.C; ++c) {
      d[c] = g[c] * by_gradient[c] - (x[c] - mean[c]) * by_value[c] - constant[c];
    }
  }
}

#define EMO_BOTH(name)                                                        \
  template <typename T, typename... Rest>                                     \
  EMO_WIDE void name##_wide(const T* first, Rest... rest) {                   \
    name##_body<T>(first, rest...);                                           \
  }                                                                           \
  template <typename T, typename... Rest>                                     \
  void name(const T* first, Rest... rest) {                                   \
    wide() ? name##_wide<T>(first, rest...) : name##_body<T>(first, rest...); \
  }
EMO_BOTH(moments)
EMO_BOTH(apply)
EMO_BOTH(gradient_sums)
EMO_BOTH(input_gradient)
#undef EMO_BOTH

using Numbers = std::vector<double>;

template <typename T>
std::vector<T> cast(const Numbers& values) {
  return {values.begin(), values.end()};
}

Places places_of(const at::Tensor& x) { return {x.size(0) * x.size(2) * x.size(3), x.size(1)}; }

// Mean and M2 = sum (x - mean)^2 of the whole batch by channel, from every rank's: Chan et al.
// (1983).
struct Moments {
  double count = 0;
  Numbers mean, m2;
};

Moments combined(const Moments& own, Collective* team) {
  if (!team || team->size == 1) return own;
  const std::size_t C = own.mean.size();
  at::Tensor row = at::empty({1, 1, static_cast<std::int64_t>(2 * C + 1)}, at::kDouble);
  double* out = row.mutable_data_ptr<double>();
  out[0] = own.count;
  std::copy(own.mean.begin(), own.mean.end(), out + 1);
  std::copy(own.m2.begin(), own.m2.end(), out + 1 + C);
  const at::Tensor rows = team->gather_rows(row).contiguous();
  Moments all{0, Numbers(C, 0), Numbers(C, 0)};
  for (std::int64_t r = 0; r < rows.size(1); ++r) {  // in the order of ranks, so all get the same
    const double* in = rows.const_data_ptr<double>() + r * rows.size(2);
    const double n = in[0], sum = all.count + n;
    if (n == 0) continue;
    for (std::size_t c = 0; c < C; ++c) {
      const double delta = in[1 + c] - all.mean[c];
      all.mean[c] += delta * n / sum;
      all.m2[c] += in[1 + C + c] + delta * delta * all.count * n / sum;
    }
    all.count = sum;
  }
  return all;
}

template <typename T>
Moments moments_of(const at::Tensor& x) {
  const Places s = places_of(x);
  const auto C = static_cast<std::size_t>(s.C);
  Moments own{static_cast<double>(s.P), Numbers(C, 0), Numbers(C, 0)};
  if (s.P == 0) return own;
  const T* data = x.const_data_ptr<T>();
  // About the first place: differences are small where a channel's mean is large.
  const std::vector<T> shift(data, data + C);
  std::vector<T> scratch(2 * C);
  Numbers sums(C, 0), squares(C, 0);
  moments<T>(data, shift.data(), s, scratch.data(), sums.data(), squares.data());
  for (std::size_t c = 0; c < C; ++c) {
    const double away = sums[c] / own.count;
    own.mean[c] = static_cast<double>(shift[c]) + away;
    own.m2[c] = std::max(0.0, squares[c] - sums[c] * away);
  }
  return own;
}

template <typename T>
void move_running(const BatchNormAt& at, const Moments& all) {
  T* mean = at.running_mean.mutable_data_ptr<T>();
  T* variance = at.running_var.mutable_data_ptr<T>();
  const double unbiased = std::max(1.0, all.count - 1);
  for (std::size_t c = 0; c < all.mean.size(); ++c) {
    mean[c] += static_cast<T>(kMomentum * (all.mean[c] - static_cast<double>(mean[c])));
    variance[c] +=
        static_cast<T>(kMomentum * (all.m2[c] / unbiased - static_cast<double>(variance[c])));
  }
}

struct Kept {  // of a forward pass, for its backward pass
  double count = 0;
  Numbers mean, scale;  // scale: 1 / sqrt(variance + epsilon)
};

at::Tensor tensor_of(const Numbers& values) {
  at::Tensor t = at::empty({static_cast<std::int64_t>(values.size())}, at::kDouble);
  std::copy(values.begin(), values.end(), t.mutable_data_ptr<double>());
  return t;
}

Numbers numbers_of(const at::Tensor& t) {
  return {t.const_data_ptr<double>(), t.const_data_ptr<double>() + t.numel()};
}

template <typename T>
Kept run_forward(const at::Tensor& x, const BatchNormAt& at, const at::Tensor& residual, bool relu,
                 Collective* team, at::Tensor& y) {
  const Moments all = combined(moments_of<T>(x), team);
  Kept kept{all.count, all.mean, Numbers(all.mean.size(), 0)};
  if (all.count == 0) return kept;
  move_running<T>(at, all);
  const std::size_t C = all.mean.size();
  Numbers scale(C), shift(C);
  for (std::size_t c = 0; c < C; ++c) {
    kept.scale[c] = 1 / std::sqrt(all.m2[c] / all.count + kEpsilon);
    scale[c] = kept.scale[c] * static_cast<double>(at.gamma.const_data_ptr<T>()[c]);
    shift[c] = static_cast<double>(at.beta.const_data_ptr<T>()[c]) - all.mean[c] * scale[c];
  }
  const auto scale_t = cast<T>(scale), shift_t = cast<T>(shift);
  const T* r = residual.defined() ? residual.const_data_ptr<T>() : static_cast<const T*>(nullptr);
  apply<T>(x.const_data_ptr<T>(), r, scale_t.data(), shift_t.data(), places_of(x), relu,
           y.mutable_data_ptr<T>());
  return kept;
}

struct Gradients {
  at::Tensor x, gamma, beta, behind_relu;
};

template <typename T>
Gradients run_backward(const at::Tensor& outer, const at::Tensor& x, const at::Tensor& gamma,
                       const at::Tensor& y, const Kept& kept, Collective* team) {
  const Places s = places_of(x);
  const auto C = static_cast<std::size_t>(s.C);
  Gradients d{at::empty_like(x), at::empty_like(gamma), at::empty_like(gamma), at::empty_like(x)};
  const auto mean = cast<T>(kept.mean);
  std::vector<T> scratch(2 * C);
  Numbers sums(C, 0), products(C, 0);
  const T* output = y.defined() ? y.const_data_ptr<T>() : static_cast<const T*>(nullptr);
  gradient_sums<T>(outer.const_data_ptr<T>(), x.const_data_ptr<T>(), output, mean.data(), s,
                   scratch.data(), d.behind_relu.mutable_data_ptr<T>(), sums.data(),
                   products.data());
  // Parameters get this rank's part: gradients are summed over the team elsewhere.
  for (std::size_t c = 0; c < C; ++c) {
    d.gamma.mutable_data_ptr<T>()[c] = static_cast<T>(products[c] * kept.scale[c]);
    d.beta.mutable_data_ptr<T>()[c] = static_cast<T>(sums[c]);
  }
  if (team && team->size > 1) {  // every row's input gradient asks for the whole batch's sums
    const at::Tensor all = team->sum(at::cat({tensor_of(sums), tensor_of(products)})).contiguous();
    const Numbers both = numbers_of(all);
    std::copy_n(both.begin(), C, sums.begin());
    std::copy_n(both.begin() + static_cast<long>(C), C, products.begin());
  }
  Numbers by_gradient(C), by_value(C), constant(C);
  for (std::size_t c = 0; c < C && kept.count > 0; ++c) {
    by_gradient[c] = kept.scale[c] * static_cast<double>(gamma.const_data_ptr<T>()[c]);
    by_value[c] = by_gradient[c] * kept.scale[c] * kept.scale[c] * products[c] / kept.count;
    constant[c] = by_gradient[c] * sums[c] / kept.count;
  }
  const auto g = cast<T>(by_gradient), v = cast<T>(by_value), k = cast<T>(constant);
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
    const Kept kept = x.scalar_type() == at::kFloat
                          ? run_forward<float>(x, values, residual, relu, team, y)
                          : run_forward<double>(x, values, residual, relu, team, y);
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
    const Gradients d = outer.scalar_type() == at::kFloat
                            ? run_backward<float>(outer, saved[0], saved[1], saved[2], kept, team)
                            : run_backward<double>(outer, saved[0], saved[1], saved[2], kept, team);
    const bool residual = context->saved_data["residual"].toBool();
    return {d.x,          d.gamma,      d.beta,      residual ? d.behind_relu : at::Tensor(),
            at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor batch_norm_train(const at::Tensor& x, const BatchNormAt& at, const at::Tensor& residual,
                            bool relu, Collective* team) {
  EMO_CHECK(x.dim() == 4 && x.size(1) == at.gamma.numel(), "images are [n, C, H, W]");
  EMO_CHECK(
      x.device().is_cpu() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kDouble),
      "batch norm has kernels for float32 and float64 on the CPU");
  std::optional<at::Tensor> added;
  if (residual.defined()) added = residual;
  return BatchNormNode::apply(x, at.gamma, at.beta, added, at, relu, team);
}

Folded fold_batch_norm(const at::Tensor& weight, const BatchNormAt& at) {
  const at::NoGradGuard no_grad;
  const at::Tensor scale = at.gamma * (at.running_var + kEpsilon).rsqrt();
  return {weight * scale.view({-1, 1, 1, 1}), at.beta - at.running_mean * scale};
}

}  // namespace emosweep::models
