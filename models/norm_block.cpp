#include "models/norm_block.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "base/wide.h"
#include "models/blocks.h"
#include "models/row_norm.h"

namespace emosweep::models {
namespace {

// `rows` rows a trial; row r is scaled and shifted by affine r % group of its trial. Trials'
// affines are `apart`, those of the gradient `gradient_apart`.
struct Shape {
  std::int64_t trials, rows, group, width, apart, gradient_apart;
};

template <typename T>
struct Forward {
  const T *x, *gamma, *beta, *mask;  // mask may be null
  T *y, *normal, *scale;  // normal [rows, H] and scale [rows] are kept for the backward pass
  bool relu;
};

template <typename T>
EMO_BODY void forward_body(const Forward<T>& f, const Shape& s) {
  const std::int64_t H = s.width, all = s.trials * s.rows;
  T mean[kRowsTogether];
  for (std::int64_t r = 0; r < all; ++r) {
    if (r % kRowsTogether == 0) {
      row_moments(f.x + r * H, H, H, std::min(kRowsTogether, all - r), mean, f.scale + r);
    }
    const std::int64_t a = r / s.rows * s.apart + r % s.group * H;
    const T* __restrict gamma = f.gamma + a, * __restrict beta = f.beta + a;
    const T* __restrict mask = f.mask ? f.mask + r * H : nullptr;
    T* __restrict y = f.y + r * H, * __restrict normal = f.normal + r * H;
    normalise_row(f.x + r * H, mean[r % kRowsTogether], f.scale[r], H, normal);
    for (std::int64_t i = 0; i < H; ++i) y[i] = normal[i] * gamma[i] + beta[i];
    if (f.relu) {
      for (std::int64_t i = 0; i < H; ++i) y[i] = y[i] < T(0) ? T(0) : y[i];  // NaN stays NaN
    }
    if (mask) {
      for (std::int64_t i = 0; i < H; ++i) y[i] *= mask[i];
    }
  }
}

template <typename T>
struct Backward {
  const T *outer, *normal, *scale, *gamma, *y, *mask;  // y: null without relu
  T *x, *d_gamma, *d_beta;
};

// One row up to its norm.
template <typename T>
EMO_BODY void affine_backward(const Backward<T>& f, const Shape& s, std::int64_t r) {
  const std::int64_t H = s.width, a = r / s.rows * s.apart + r % s.group * H;
  const std::int64_t da = r / s.rows * s.gradient_apart + r % s.group * H;
  const T* __restrict outer = f.outer + r * H, * __restrict normal = f.normal + r * H;
  const T* __restrict gamma = f.gamma + a;
  const T* __restrict mask = f.mask ? f.mask + r * H : nullptr;
  T* __restrict d_gamma = f.d_gamma + da, * __restrict d_beta = f.d_beta + da;
  T* __restrict x = f.x + r * H;
  if (mask) {
    for (std::int64_t i = 0; i < H; ++i) x[i] = outer[i] * mask[i];
  } else {
    for (std::int64_t i = 0; i < H; ++i) x[i] = outer[i];
  }
  if (f.y) {
    const T* __restrict y = f.y + r * H;
    for (std::int64_t i = 0; i < H; ++i) x[i] = y[i] <= T(0) ? T(0) : x[i];  // NaN goes on
  }
  for (std::int64_t i = 0; i < H; ++i) {
    d_gamma[i] += x[i] * normal[i];
    d_beta[i] += x[i];
    x[i] *= gamma[i];
  }
}

template <typename T>
EMO_BODY void backward_body(const Backward<T>& f, const Shape& s) {
  const std::int64_t H = s.width, all = s.trials * s.rows;
  for (std::int64_t first = 0; first < all; first += kRowsTogether) {
    const std::int64_t count = std::min(kRowsTogether, all - first);
    for (std::int64_t r = first; r < first + count; ++r) affine_backward(f, s, r);
    row_moments_backward(f.normal + first * H, f.scale + first, H, count, f.x + first * H, H);
  }
}

template <typename T>
EMO_WIDE void forward_wide(const Forward<T>& f, const Shape& s) {
  forward_body(f, s);
}
template <typename T>
EMO_WIDE void backward_wide(const Backward<T>& f, const Shape& s) {
  backward_body(f, s);
}

// A trial's numbers are dense; trials may be apart.
bool dense_trials(const at::Tensor& t) {
  std::int64_t step = 1;
  for (std::int64_t i = t.dim() - 1; i > 0; step *= t.size(i--)) {
    if (t.size(i) != 1 && t.stride(i) != step) return false;
  }
  return true;
}

Shape shape_of(const at::Tensor& x, const at::Tensor& gamma, const at::Tensor& d_gamma) {
  const std::int64_t K = x.size(0), H = x.size(-1);
  EMO_CHECK(gamma.size(0) == K && gamma.size(-1) == H, "gamma and beta are [K,1,...,H]");
  const std::int64_t group = gamma.numel() / (K * H);
  return {K, x.numel() / (K * H), group, H, gamma.stride(0), d_gamma.stride(0)};
}

template <typename T>
const T* data_or_null(const at::Tensor& t) {
  return t.defined() ? t.const_data_ptr<T>() : nullptr;
}

template <typename T>
void run_forward(const at::Tensor& x, const at::Tensor& gamma, const at::Tensor& beta,
                 const at::Tensor& mask, bool relu, at::Tensor& y, at::Tensor& normal,
                 at::Tensor& scale) {
  const Shape shape = shape_of(x, gamma, gamma);
  const Forward<T> f{x.const_data_ptr<T>(),    gamma.const_data_ptr<T>(),
                     beta.const_data_ptr<T>(), data_or_null<T>(mask),
                     y.data_ptr<T>(),          normal.data_ptr<T>(),
                     scale.data_ptr<T>(),      relu};
  wide() ? forward_wide(f, shape) : forward_body(f, shape);
}

template <typename T>
void run_backward(const at::Tensor& outer, const torch::autograd::variable_list& saved,
                  at::Tensor& x, at::Tensor& d_gamma, at::Tensor& d_beta) {
  const Shape shape = shape_of(outer, saved[0], d_gamma);
  const Backward<T> f{outer.const_data_ptr<T>(),
                      saved[1].const_data_ptr<T>(),
                      saved[2].const_data_ptr<T>(),
                      saved[0].const_data_ptr<T>(),
                      data_or_null<T>(saved[4]),
                      data_or_null<T>(saved[3]),
                      x.data_ptr<T>(),
                      d_gamma.data_ptr<T>(),
                      d_beta.data_ptr<T>()};
  wide() ? backward_wide(f, shape) : backward_body(f, shape);
}

// What a node keeps beside tensors of the graph.
struct Affine final : torch::CustomClassHolder {
  at::Tensor gamma_gradient, beta_gradient;  // undefined: autograd's
};

at::Tensor zeros_at(const at::Tensor& place, const at::Tensor& like) {
  return place.defined() ? place.zero_() : at::zeros(like.sizes(), like.options());
}

struct NormBlock : torch::autograd::Function<NormBlock> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x0,
                            const at::Tensor& gamma0, const at::Tensor& beta0,
                            const std::optional<at::Tensor>& given, bool relu,
                            const c10::intrusive_ptr<Affine>& affine) {
    const at::Tensor mask = given.value_or(at::Tensor()), x = x0.contiguous();
    const bool dense =
        dense_trials(gamma0) && dense_trials(beta0) && gamma0.stride(0) == beta0.stride(0);
    const at::Tensor gamma = dense ? gamma0 : gamma0.contiguous(),
                     beta = dense ? beta0 : beta0.contiguous();
    at::Tensor y = at::empty_like(x), normal = at::empty_like(x);
    at::Tensor scale = at::empty({x.numel() / x.size(-1)}, x.options());
    if (x.scalar_type() == at::kFloat) {
      run_forward<float>(x, gamma, beta, mask, relu, y, normal, scale);
    } else {
      run_forward<double>(x, gamma, beta, mask, relu, y, normal, scale);
    }
    context->save_for_backward({gamma, normal, scale, mask, relu ? y : at::Tensor()});
    context->saved_data["affine"] = c10::IValue::make_capsule(affine);
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list outers) {
    const torch::autograd::variable_list saved = context->get_saved_variables();
    const c10::IValue kept = context->saved_data["affine"];
    const auto& affine = *c10::static_intrusive_pointer_cast<Affine>(kept.toCapsule());
    const at::Tensor outer = outers[0].contiguous();
    at::Tensor x = at::empty_like(outer);
    at::Tensor d_gamma = zeros_at(affine.gamma_gradient, saved[0]),
               d_beta = zeros_at(affine.beta_gradient, saved[0]);
    if (outer.scalar_type() == at::kFloat) {
      run_backward<float>(outer, saved, x, d_gamma, d_beta);
    } else {
      run_backward<double>(outer, saved, x, d_gamma, d_beta);
    }
    if (affine.gamma_gradient.defined()) d_gamma.reset();
    if (affine.beta_gradient.defined()) d_beta.reset();
    return {x, d_gamma, d_beta, at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor norm_block(const at::Tensor& x, const Parameter& gamma, const Parameter& beta,
                      const at::Tensor& mask, bool relu) {
  const bool known = x.scalar_type() == at::kFloat || x.scalar_type() == at::kDouble;
  if (!x.device().is_cpu() || !known) {
    leave_to_autograd(gamma);
    leave_to_autograd(beta);
    const at::Tensor y = at::addcmul(beta.value, normalise(x), gamma.value);
    return masked(relu ? at::relu(y) : y, mask);
  }
  EMO_CHECK(gamma.gradient.defined() == beta.gradient.defined() &&
                (!gamma.gradient.defined() ||
                 (dense_trials(gamma.gradient) && dense_trials(beta.gradient) &&
                  gamma.gradient.stride(0) == beta.gradient.stride(0))),
            "gamma's and beta's gradients have both a place, equally far apart, or none");
  std::optional<at::Tensor> whole;
  if (mask.defined()) whole = mask.expand_as(x).contiguous();
  auto affine = c10::make_intrusive<Affine>();
  affine->gamma_gradient = gamma.gradient;
  affine->beta_gradient = beta.gradient;
  return NormBlock::apply(x, gamma.value, beta.value, whole, relu, affine);
}

}  // namespace emosweep::models
