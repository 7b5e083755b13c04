#include "models/norm_pool.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "base/wide.h"
#include "models/aten_norm.h"
#include "models/norm_node.h"
#include "models/pool_lanes.h"

namespace emosweep::models {
namespace {

struct Shape {
  std::int64_t n, H, W, C;
};

template <typename T>
EMO_BODY void max_forward_body(const T* data, Shape s, const T* scale, const T* shift, T* out,
                               Place<T>* places) {
  using L = Lanes<T>;
  const std::int64_t row = s.W * s.C;
  for (std::int64_t i = 0; i < s.n; ++i) {
    for (std::int64_t h = 0; h < s.H / 2; ++h) {
      const T* x = data + (i * s.H + 2 * h) * row;
      for (std::int64_t w = 0; w < s.W / 2; ++w, x += 2 * s.C, out += s.C) {
        for (std::int64_t c = 0; c < s.C; c += L::count) {
          typename L::Vector a[4], by, plus, best;
          typename L::Mask place;
          L::load(scale + c, by), L::load(shift + c, plus);

#pragma GCC unroll 4
          for (int k = 0; k < 4; ++k) {
            L::load(x + k / 2 * row + k % 2 * s.C + c, a[k]);
            a[k] = a[k] * by + plus;
          }
          relu_max<T>(a, best, place);
          L::store(best, out + c);
          if (places) L::store(place, places + c);
        }
        if (places) places += s.C;
      }
    }
  }
}

// Sums of g, the gradient behind the norm, and of g (x - mean) by channel. scratch: [2, C].
template <typename T>
EMO_BODY void max_sums_body(const T* outer, const Place<T>* places, const T* data, Shape s,
                            const T* mean, T* scratch, double* sums, double* products) {
  using L = Lanes<T>;
  const std::int64_t row = s.W * s.C;
  for (std::int64_t i = 0; i < s.n; ++i) {
    for (std::int64_t h = 0; h < s.H / 2; ++h) {
      const T* x = data + (i * s.H + 2 * h) * row;
      std::fill_n(scratch, 2 * s.C, T(0));
      for (std::int64_t w = 0; w < s.W / 2; ++w, x += 2 * s.C, outer += s.C, places += s.C) {
        for (std::int64_t c = 0; c < s.C; c += L::count) {
          typename L::Vector g, m, v, along{}, sum, product;
          typename L::Mask place;
          L::load(outer + c, g), L::load(mean + c, m), L::load(places + c, place);

#pragma GCC unroll 4
          for (int k = 0; k < 4; ++k) {
            L::load(x + k / 2 * row + k % 2 * s.C + c, v);
            along = place == k ? v - m : along;
          }
          g = place == kNoPlace ? typename L::Vector{} : g;
          L::load(scratch + c, sum), L::load(scratch + s.C + c, product);
          sum += g, product += g * along;
          L::store(sum, scratch + c), L::store(product, scratch + s.C + c);
        }
      }
      for (std::int64_t c = 0; c < s.C; ++c) {
        sums[c] += static_cast<double>(scratch[c]);
        products[c] += static_cast<double>(scratch[s.C + c]);
      }
    }
  }
}

// d = g * by_gradient - (x - mean) * by_value - constant; in places that no window covers g is 0.
template <typename T>
struct By {
  const T *mean, *gradient, *value, *constant;
};

template <typename T>
EMO_BODY void uncovered(const T* x, const By<T>& by, std::int64_t places, std::int64_t C, T* d) {
  for (std::int64_t p = 0; p < places; ++p, x += C, d += C) {
    for (std::int64_t c = 0; c < C; ++c) {
      d[c] = -((x[c] - by.mean[c]) * by.value[c]) - by.constant[c];
    }
  }
}

template <typename T>
EMO_BODY void max_input_body(const T* outer, const Place<T>* places, const T* data, Shape s,
                             By<T> by, T* out) {
  using L = Lanes<T>;
  const std::int64_t row = s.W * s.C;
  for (std::int64_t i = 0; i < s.n; ++i) {
    for (std::int64_t h = 0; h < s.H / 2; ++h) {
      const std::int64_t begin = (i * s.H + 2 * h) * row;
      for (std::int64_t w = 0; w < s.W / 2; ++w, outer += s.C, places += s.C) {
        for (std::int64_t c = 0; c < s.C; c += L::count) {
          typename L::Vector g, m, by_g, by_v, constant, v;
          typename L::Mask place;
          L::load(outer + c, g), L::load(by.gradient + c, by_g), L::load(places + c, place);
          L::load(by.mean + c, m), L::load(by.value + c, by_v), L::load(by.constant + c, constant);
          g *= by_g;

#pragma GCC unroll 4
          for (int k = 0; k < 4; ++k) {
            const std::int64_t at = begin + k / 2 * row + (2 * w + k % 2) * s.C + c;
            L::load(data + at, v);
            v = (place == k ? g : typename L::Vector{}) - (v - m) * by_v - constant;
            L::store(v, out + at);
          }
        }
      }
      for (std::int64_t k = 0; s.W % 2 == 1 && k < 2; ++k) {
        const std::int64_t at = begin + (k + 1) * row - s.C;
        uncovered(data + at, by, 1, s.C, out + at);
      }
    }
    const std::int64_t last = (i * s.H + s.H - 1) * row;
    if (s.H % 2 == 1) uncovered(data + last, by, s.W, s.C, out + last);
  }
}

// Of every image and channel: the mean of y = relu(z), z = x * scale + shift; and, where a backward
// pass follows (active, along), at z > 0: how many places, and the sum of x - mean.
template <typename T, bool backward>
EMO_BODY void mean_image(const T* data, Shape s, const T* scale, const T* shift, const T* mean,
                         T* out, T* active, T* along) {
  using L = Lanes<T>;
  const double share = 1 / static_cast<double>(std::max<std::int64_t>(1, s.H * s.W));
  for (std::int64_t c = 0; c < s.C; c += L::count) {
    typename L::Vector by, plus, centre;
    L::load(scale + c, by), L::load(shift + c, plus), L::load(mean + c, centre);
    double sums[3][L::count] = {};
    for (std::int64_t h = 0; h < s.H; ++h) {
      typename L::Vector row[3] = {};
      for (std::int64_t w = 0; w < s.W; ++w) {
        typename L::Vector x;
        L::load(data + (h * s.W + w) * s.C + c, x);
        const typename L::Vector z = x * by + plus;
        const typename L::Mask dead = z <= T(0);
        row[0] += dead ? typename L::Vector{} : z;
        if (!backward) continue;
        row[1] += dead ? typename L::Vector{} : typename L::Vector{} + T(1);
        row[2] += dead ? typename L::Vector{} : x - centre;
      }
      for (int k = 0; k < (backward ? 3 : 1); ++k) {
        for (std::int64_t j = 0; j < L::count; ++j) sums[k][j] += static_cast<double>(row[k][j]);
      }
    }
    for (std::int64_t j = 0; j < L::count; ++j) {
      out[c + j] = static_cast<T>(sums[0][j] * share);
      if (!backward) continue;
      active[c + j] = static_cast<T>(sums[1][j]);
      along[c + j] = static_cast<T>(sums[2][j]);
    }
  }
}

template <typename T>
EMO_BODY void mean_forward_body(const T* data, Shape s, const T* scale, const T* shift,
                                const T* mean, T* out, T* active, T* along) {
  for (std::int64_t i = 0; i < s.n; ++i) {
    const T* x = data + i * s.H * s.W * s.C;
    const std::int64_t to = i * s.C;
    if (active) {
      mean_image<T, true>(x, s, scale, shift, mean, out + to, active + to, along + to);
    } else {
      mean_image<T, false>(x, s, scale, shift, mean, out + to, nullptr, nullptr);
    }
  }
}

// scratch: [C]
template <typename T>
EMO_BODY void mean_input_body(const T* outer, const T* data, Shape s, const T* scale,
                              const T* shift, By<T> by, T* scratch, T* out) {
  const T share = T(1) / static_cast<T>(std::max<std::int64_t>(1, s.H * s.W));
  T* __restrict g = scratch;
  for (std::int64_t i = 0; i < s.n; ++i, outer += s.C) {
    for (std::int64_t c = 0; c < s.C; ++c) g[c] = outer[c] * share * by.gradient[c];
    for (std::int64_t p = 0; p < s.H * s.W; ++p, data += s.C, out += s.C) {
      const T* __restrict x = data;
      T* __restrict d = out;
      for (std::int64_t c = 0; c < s.C; ++c) {
        const T z = x[c] * scale[c] + shift[c];
        d[c] = (z <= T(0) ? T(0) : g[c]) - (x[c] - by.mean[c]) * by.value[c] - by.constant[c];
      }
    }
  }
}

EMO_BOTH(max_forward)
EMO_BOTH(max_sums)
EMO_BOTH(max_input)
EMO_BOTH(mean_forward)
EMO_BOTH(mean_input)

Shape shape_of(const at::Tensor& x) { return {x.size(0), x.size(2), x.size(3), x.size(1)}; }
at::Tensor innermost(const at::Tensor& x) { return x.contiguous(at::MemoryFormat::ChannelsLast); }

template <typename T>
struct Cast {  // to the tensor's precision
  Cast(const Affine& a) : scale(cast<T>(a.scale)), shift(cast<T>(a.shift)) {}
  std::vector<T> scale, shift;
};

template <typename T>
struct CastBy {
  CastBy(const Kept& kept, const InputGradient& d)
      : mean(cast<T>(kept.mean)),
        gradient(cast<T>(d.by_gradient)),
        value(cast<T>(d.by_value)),
        constant(cast<T>(d.constant)) {}
  By<T> get() const { return {mean.data(), gradient.data(), value.data(), constant.data()}; }
  std::vector<T> mean, gradient, value, constant;
};

// places: undefined where no backward pass follows.
template <typename T>
at::Tensor run_max(const at::Tensor& x, const Affine& affine, at::Tensor* places) {
  const Shape s = shape_of(x);
  const auto format = at::MemoryFormat::ChannelsLast;
  at::Tensor y = at::empty({s.n, s.C, s.H / 2, s.W / 2}, x.options(), format);
  Place<T>* to = nullptr;
  if (places) {
    *places = at::empty({y.numel()}, kPlaceType<T>);
    to = places->mutable_data_ptr<Place<T>>();
  }
  const Cast<T> by(affine);
  max_forward<T>(x.const_data_ptr<T>(), s, by.scale.data(), by.shift.data(),
                 y.mutable_data_ptr<T>(), to);
  return y;
}

struct Gradients {
  at::Tensor x, gamma, beta;
};

template <typename T>
Gradients run_max_backward(const at::Tensor& outer, const at::Tensor& x, const at::Tensor& gamma,
                           const at::Tensor& places, const Kept& kept, Collective* team) {
  const Shape s = shape_of(x);
  const auto C = static_cast<std::size_t>(s.C);
  const auto mean = cast<T>(kept.mean);
  std::vector<T> scratch(2 * C);
  Numbers sums(C, 0), products(C, 0);
  const T *g = outer.const_data_ptr<T>(), *data = x.const_data_ptr<T>();
  const Place<T>* place = places.const_data_ptr<Place<T>>();
  max_sums<T>(g, place, data, s, mean.data(), scratch.data(), sums.data(), products.data());
  Gradients d{at::empty_like(x), {}, {}};
  const CastBy<T> by(kept, input_gradient_of(kept, gamma, sums, products, team, d.gamma, d.beta));
  max_input<T>(g, place, data, s, by.get(), d.x.mutable_data_ptr<T>());
  return d;
}

struct MaxNode : torch::autograd::Function<MaxNode> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x0,
                            const at::Tensor& gamma, const at::Tensor& beta, const BatchNormAt& at,
                            Collective* team) {
    const at::Tensor x = innermost(x0);
    const Moments all = combined(moments_of(x), team);
    move_running(at, all);
    const Kept kept = kept_of(all);
    const Affine affine = affine_of(kept, {gamma, beta, {}, {}});
    const auto run = x.scalar_type() == at::kFloat ? run_max<float> : run_max<double>;
    at::Tensor places;
    at::Tensor y = run(x, affine, &places);
    save(context, {x, gamma, places}, kept, team);
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list outers) {
    const auto saved = context->get_saved_variables();
    const at::Tensor outer = innermost(outers[0]);
    const auto run =
        outer.scalar_type() == at::kFloat ? run_max_backward<float> : run_max_backward<double>;
    const Gradients d =
        run(outer, saved[0], saved[1], saved[2], saved_kept(context, saved), saved_team(context));
    return {d.x, d.gamma, d.beta, at::Tensor(), at::Tensor()};
  }
};

struct Averaged {
  at::Tensor mean, active, along;  // [n, C] each; the last two for a backward pass
};

template <typename T>
Averaged run_mean(const at::Tensor& x, const Affine& affine, const Numbers& mean, bool backward) {
  const Shape s = shape_of(x);
  Averaged y{at::empty({s.n, s.C}, x.options()), {}, {}};
  T *active = nullptr, *along = nullptr;
  if (backward) {
    y.active = at::empty_like(y.mean), y.along = at::empty_like(y.mean);
    active = y.active.mutable_data_ptr<T>(), along = y.along.mutable_data_ptr<T>();
  }
  const Cast<T> by(affine);
  const auto centre = cast<T>(mean);
  mean_forward<T>(x.const_data_ptr<T>(), s, by.scale.data(), by.shift.data(), centre.data(),
                  y.mean.mutable_data_ptr<T>(), active, along);
  return y;
}

template <typename T>
at::Tensor run_mean_input(const at::Tensor& outer, const at::Tensor& x, const Affine& affine,
                          const Kept& kept, const InputGradient& gradient) {
  const Shape s = shape_of(x);
  at::Tensor d = at::empty_like(x);
  const Cast<T> by(affine);
  const CastBy<T> back(kept, gradient);
  std::vector<T> scratch(static_cast<std::size_t>(s.C));
  mean_input<T>(outer.const_data_ptr<T>(), x.const_data_ptr<T>(), s, by.scale.data(),
                by.shift.data(), back.get(), scratch.data(), d.mutable_data_ptr<T>());
  return d;
}

struct MeanNode : torch::autograd::Function<MeanNode> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x0,
                            const at::Tensor& gamma, const at::Tensor& beta, const BatchNormAt& at,
                            Collective* team) {
    const at::Tensor x = innermost(x0);
    const Moments all = combined(moments_of(x), team);
    move_running(at, all);
    const Kept kept = kept_of(all);
    const Affine affine = affine_of(kept, {gamma, beta, {}, {}});
    const auto run = x.scalar_type() == at::kFloat ? run_mean<float> : run_mean<double>;
    const Averaged y = run(x, affine, kept.mean, true);
    save(context, {x, gamma, beta, y.active, y.along}, kept, team);
    return y.mean;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list outers) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &gamma = saved[1], outer = outers[0].contiguous();
    const Kept kept = saved_kept(context, saved);
    const at::Tensor share =
        outer.to(at::kDouble) / std::max<std::int64_t>(1, x.size(2) * x.size(3));
    Gradients d;
    const InputGradient gradient = input_gradient_of(
        kept, gamma, numbers_of((share * saved[3]).sum(0)), numbers_of((share * saved[4]).sum(0)),
        saved_team(context), d.gamma, d.beta);
    const auto run = x.scalar_type() == at::kFloat ? run_mean_input<float> : run_mean_input<double>;
    d.x = run(outer, x, affine_of(kept, {gamma, saved[2], {}, {}}), kept, gradient);
    return {d.x, d.gamma, d.beta, at::Tensor(), at::Tensor()};
  }
};

void check(const at::Tensor& x, const BatchNormAt& at) {
  check_images(x, at);
  EMO_CHECK(x.size(1) % 8 == 0, "kernels of pooling take a register of channels at a time");
}

// ATen's own operations, elsewhere than on the CPU. Pooling by 2 takes every place once, so that
// its gradient has one order of summation.
at::Tensor aten_max(const at::Tensor& norm) { return at::max_pool2d(at::relu(norm), 2); }
at::Tensor aten_mean(const at::Tensor& norm) { return at::relu(norm).mean({2, 3}); }

}  // namespace

at::Tensor norm_max_train(const at::Tensor& x, const BatchNormAt& at, Collective* team) {
  if (!x.is_cpu()) return aten_max(aten_norm_train(x, at, team));
  check(x, at);
  return MaxNode::apply(x, at.gamma, at.beta, at, team);
}

at::Tensor norm_mean_train(const at::Tensor& x, const BatchNormAt& at, Collective* team) {
  if (!x.is_cpu()) return aten_mean(aten_norm_train(x, at, team));
  check(x, at);
  return MeanNode::apply(x, at.gamma, at.beta, at, team);
}

at::Tensor norm_max_evaluate(const at::Tensor& x, const BatchNormAt& at) {
  if (!x.is_cpu()) return aten_max(aten_norm_evaluate(x, at));
  check(x, at);
  const auto run = x.scalar_type() == at::kFloat ? run_max<float> : run_max<double>;
  return run(innermost(x), affine_of_running(at), nullptr);
}

at::Tensor norm_mean_evaluate(const at::Tensor& x, const BatchNormAt& at) {
  if (!x.is_cpu()) return aten_mean(aten_norm_evaluate(x, at));
  check(x, at);
  const auto run = x.scalar_type() == at::kFloat ? run_mean<float> : run_mean<double>;
  const Affine affine = affine_of_running(at);
  return run(innermost(x), affine, affine.shift, false).mean;
}

}  // namespace emosweep::models
