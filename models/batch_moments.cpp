#include "models/batch_moments.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "base/wide.h"

namespace emosweep::models {
namespace {

constexpr double kEpsilon = 1e-5, kMomentum = 0.1;

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
EMO_BOTH(moments)

template <typename T>
Moments moments_in(const at::Tensor& x) {
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
void move(const BatchNormAt& at, const Moments& all) {
  T* mean = at.running_mean.mutable_data_ptr<T>();
  T* variance = at.running_var.mutable_data_ptr<T>();
  const double unbiased = std::max(1.0, all.count - 1);
  for (std::size_t c = 0; c < all.mean.size(); ++c) {
    mean[c] += static_cast<T>(kMomentum * (all.mean[c] - static_cast<double>(mean[c])));
    variance[c] +=
        static_cast<T>(kMomentum * (all.m2[c] / unbiased - static_cast<double>(variance[c])));
  }
}

// Few: one a channel.
Numbers doubles_of(const at::Tensor& t) { return numbers_of(t.to(at::kDouble).contiguous()); }

}  // namespace

at::Tensor tensor_of(const Numbers& values) {
  at::Tensor t = at::empty({static_cast<std::int64_t>(values.size())}, at::kDouble);
  std::copy(values.begin(), values.end(), t.mutable_data_ptr<double>());
  return t;
}

Numbers numbers_of(const at::Tensor& t) {
  return {t.const_data_ptr<double>(), t.const_data_ptr<double>() + t.numel()};
}

Moments moments_of(const at::Tensor& x) {
  return x.scalar_type() == at::kFloat ? moments_in<float>(x) : moments_in<double>(x);
}

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
  for (std::int64_t r = 0; r < rows.size(1); ++r) {
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

void move_running(const BatchNormAt& at, const Moments& all) {
  if (all.count == 0) return;
  at.running_mean.scalar_type() == at::kFloat ? move<float>(at, all) : move<double>(at, all);
}

Kept kept_of(const Moments& all) {
  Kept kept{all.count, all.mean, Numbers(all.mean.size(), 0)};
  for (std::size_t c = 0; c < all.mean.size() && all.count > 0; ++c) {
    kept.scale[c] = 1 / std::sqrt(all.m2[c] / all.count + kEpsilon);
  }
  return kept;
}

Affine affine_of(const Kept& kept, const BatchNormAt& at) {
  Affine affine{doubles_of(at.gamma), doubles_of(at.beta)};
  for (std::size_t c = 0; c < affine.scale.size(); ++c) {
    affine.scale[c] *= kept.scale[c];
    affine.shift[c] -= kept.mean[c] * affine.scale[c];
  }
  return affine;
}

Affine affine_of_running(const BatchNormAt& at) {
  Kept kept{1, doubles_of(at.running_mean), doubles_of(at.running_var)};
  for (double& v : kept.scale) v = 1 / std::sqrt(v + kEpsilon);
  return affine_of(kept, at);
}

InputGradient input_gradient_of(const Kept& kept, const at::Tensor& gamma, Numbers sums,
                                Numbers products, Collective* team, at::Tensor& d_gamma,
                                at::Tensor& d_beta) {
  const std::size_t C = sums.size();
  Numbers by_scale(products);
  for (std::size_t c = 0; c < C; ++c) by_scale[c] *= kept.scale[c];
  d_gamma = tensor_of(by_scale).to(gamma.scalar_type());
  d_beta = tensor_of(sums).to(gamma.scalar_type());
  if (team && team->size > 1) {  // every row's input gradient asks for the whole batch's sums
    const at::Tensor all = team->sum(at::cat({tensor_of(sums), tensor_of(products)})).contiguous();
    const Numbers both = numbers_of(all);
    std::copy_n(both.begin(), C, sums.begin());
    std::copy_n(both.begin() + static_cast<long>(C), C, products.begin());
  }
  InputGradient d{doubles_of(gamma), Numbers(C), Numbers(C)};
  for (std::size_t c = 0; c < C; ++c) {
    d.by_gradient[c] = kept.count > 0 ? d.by_gradient[c] * kept.scale[c] : 0;
    if (kept.count == 0) continue;
    d.by_value[c] = d.by_gradient[c] * kept.scale[c] * kept.scale[c] * products[c] / kept.count;
    d.constant[c] = d.by_gradient[c] * sums[c] / kept.count;
  }
  return d;
}

}  // namespace emosweep::models
