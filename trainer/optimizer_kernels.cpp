#include "trainer/optimizer_kernels.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <type_traits>

#include "base/wide.h"

namespace emosweep::trainer {
namespace {

// A value without its sign, as an integer: integers of finite values are below those of inf and
// NaN, and their maximum is one that GCC finds beside an update, without an operation on values.
template <typename T>
struct Magnitude {
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  static constexpr Bits kSign = Bits(1) << (8 * sizeof(T) - 1);
  static EMO_BODY Bits of(T x) { return std::bit_cast<Bits>(x) & ~kSign; }
  // Whether all values and their squares are finite: from the root of the largest number on, a
  // square is inf for good in a second moment.
  static bool usable(Bits largest) {
    constexpr T limit = sizeof(T) == 4 ? T(1.8446743e19) : T(1.3407807929942596e154);
    return largest <= std::bit_cast<Bits>(limit);
  }
};

template <typename T>
EMO_BODY bool adam_body(T* __restrict value, const T* __restrict gradient, T* __restrict first,
                        T* __restrict second, std::int64_t n, const AdamStep<T> s) {
  typename Magnitude<T>::Bits largest = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const T g = gradient[i] * s.scale + s.penalty * value[i];
    largest = std::max(largest, Magnitude<T>::of(g));
    const T m = first[i] + (g - first[i]) * s.blend1;
    const T v = second[i] * s.beta2 + g * g * s.blend2;
    first[i] = m;
    second[i] = v;
    value[i] = value[i] * s.keep - s.step_size * (m / (std::sqrt(v) * s.root_scale + s.epsilon));
  }
  return Magnitude<T>::usable(largest);
}

template <typename T>
EMO_BODY bool sgd_body(T* __restrict value, const T* __restrict gradient, T* __restrict velocity,
                       std::int64_t n, const SgdStep<T> s) {
  typename Magnitude<T>::Bits largest = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const T g = gradient[i] * s.scale + s.penalty * value[i];
    largest = std::max(largest, Magnitude<T>::of(g));
    const T v = velocity[i] * s.momentum + g;
    velocity[i] = v;
    value[i] -= s.lr * v;
  }
  return Magnitude<T>::usable(largest);
}

template <typename T>
EMO_BODY void average_body(T* __restrict average, const T* __restrict value, std::int64_t n,
                           T share) {
  for (std::int64_t i = 0; i < n; ++i) average[i] += share * (value[i] - average[i]);
}

template <typename T>
EMO_BODY double squares_body(const T* __restrict x, std::int64_t n) {
  constexpr std::int64_t lanes = 16;
  double part[lanes] = {};
  const std::int64_t whole = n / lanes * lanes;
  for (std::int64_t i = 0; i < whole; i += lanes) {
    for (std::int64_t j = 0; j < lanes; ++j) {
      const auto y = static_cast<double>(x[i + j]);
      part[j] += y * y;
    }
  }
  double sum = 0;
  for (double p : part) sum += p;
  for (std::int64_t i = whole; i < n; ++i)
    sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return sum;
}

template <typename T>
EMO_WIDE bool adam_wide(T* p, const T* g, T* m, T* v, std::int64_t n, const AdamStep<T>& s) {
  return adam_body(p, g, m, v, n, s);
}
template <typename T>
EMO_WIDE bool sgd_wide(T* p, const T* g, T* v, std::int64_t n, const SgdStep<T>& s) {
  return sgd_body(p, g, v, n, s);
}
template <typename T>
EMO_WIDE void average_wide(T* a, const T* value, std::int64_t n, T share) {
  average_body(a, value, n, share);
}
template <typename T>
EMO_WIDE double squares_wide(const T* x, std::int64_t n) {
  return squares_body(x, n);
}

template <typename T>
bool adam(T* p, const T* g, T* m, T* v, std::int64_t n, const AdamStep<T>& s) {
  return wide() ? adam_wide(p, g, m, v, n, s) : adam_body(p, g, m, v, n, s);
}
template <typename T>
bool sgd(T* p, const T* g, T* v, std::int64_t n, const SgdStep<T>& s) {
  return wide() ? sgd_wide(p, g, v, n, s) : sgd_body(p, g, v, n, s);
}
template <typename T>
void average(T* a, const T* value, std::int64_t n, T share) {
  wide() ? average_wide(a, value, n, share) : average_body(a, value, n, share);
}

}  // namespace

bool adam_step(float* value, const float* gradient, float* first, float* second, std::int64_t n,
               const AdamStep<float>& step) {
  return adam(value, gradient, first, second, n, step);
}
bool adam_step(double* value, const double* gradient, double* first, double* second, std::int64_t n,
               const AdamStep<double>& step) {
  return adam(value, gradient, first, second, n, step);
}
bool sgd_step(float* value, const float* gradient, float* velocity, std::int64_t n,
              const SgdStep<float>& step) {
  return sgd(value, gradient, velocity, n, step);
}
bool sgd_step(double* value, const double* gradient, double* velocity, std::int64_t n,
              const SgdStep<double>& step) {
  return sgd(value, gradient, velocity, n, step);
}

void average_step(float* a, const float* value, std::int64_t n, float share) {
  average(a, value, n, share);
}
void average_step(double* a, const double* value, std::int64_t n, double share) {
  average(a, value, n, share);
}

double sum_of_squares(const float* x, std::int64_t n) {
  return wide() ? squares_wide(x, n) : squares_body(x, n);
}
double sum_of_squares(const double* x, std::int64_t n) {
  return wide() ? squares_wide(x, n) : squares_body(x, n);
}

}  // namespace emosweep::trainer
