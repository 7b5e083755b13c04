#include "models/norm_kernels.h"

#include <algorithm>

#include "base/wide.h"
#include "models/lanes.h"
#include "models/row_norm.h"

namespace emosweep::models {
namespace {

// One row behind its norm.
template <typename T>
EMO_BODY void affine_row(const NormRows<T>& n, const Drop& drop, std::int64_t r, T keep,
                         T* __restrict y) {
  const std::int64_t H = n.width;
  const T* __restrict gamma = n.gamma, * __restrict beta = n.beta;
  const T* __restrict normal = n.normal + r * H;
  if (!n.relu) {
    for (std::int64_t i = 0; i < H; ++i) y[i] = normal[i] * gamma[i] + beta[i];
    return;
  }
  if (n.present && !n.present[r]) {
    for (std::int64_t i = 0; i < H; ++i) y[i] = 0;
    return;
  }
  if (!drop.words) {
    for (std::int64_t i = 0; i < H; ++i) {
      const T v = normal[i] * gamma[i] + beta[i];
      y[i] = v < T(0) ? T(0) : v;
    }
    return;
  }
  const std::uint32_t* __restrict word = drop.words + r * drop.words_ld;
  const std::uint32_t threshold = drop.threshold;
  for (std::int64_t i = 0; i < H; ++i) {
    const T v = normal[i] * gamma[i] + beta[i];
    const T kept = word[i] >= threshold ? keep : T(0);
    y[i] = (v < T(0) ? T(0) : v) * kept;  // NaN stays NaN
  }
}

template <typename T>
EMO_BODY void norm_forward_body(const NormRows<T>& n, const Drop& drop, const T* from, T* to) {
  const std::int64_t H = n.width;
  const auto keep = static_cast<T>(drop.keep);
  T mean[kRowsTogether];
  for (std::int64_t first = 0; first < n.rows; first += kRowsTogether) {
    const std::int64_t end = std::min(first + kRowsTogether, n.rows);
    row_moments(from + first * n.ld, n.ld, H, end - first, mean, n.scale + first);
    for (std::int64_t r = first; r < end; ++r) {
      normalise_row(from + r * n.ld, mean[r - first], n.scale[r], H, n.normal + r * H);
      affine_row(n, drop, r, keep, to + r * n.ld);
    }
  }
}

// Of `count` rows: d becomes what dropout and ReLU let through, times gamma; d_gamma and d_beta
// grow. A register of columns at a time, so that these stay in it.
template <typename T, bool relu>
EMO_BODY void affine_backward(const NormRows<T>& n, std::int64_t first, std::int64_t count, T keep,
                              const T* from, T* outer, T* d_gamma, T* d_beta) {
  using L = Lanes<T>;
  std::int64_t i = 0;
  for (; i + L::count <= n.width; i += L::count) {
    typename L::Vector to_gamma, to_beta, gamma;
    L::load(d_gamma + i, to_gamma), L::load(d_beta + i, to_beta), L::load(n.gamma + i, gamma);
    const T *normal_at = n.normal + first * n.width + i, *y_at = from + first * n.ld + i;
    T* d_at = outer + first * n.ld + i;
    for (std::int64_t r = 0; r < count; ++r, normal_at += n.width, d_at += n.ld) {
      typename L::Vector d, normal;
      L::load(d_at, d), L::load(normal_at, normal);
      if constexpr (relu) {
        typename L::Vector y;
        L::load(y_at + r * n.ld, y);
        d = y > T(0) ? d * keep : typename L::Vector{};
      }
      to_gamma += d * normal, to_beta += d;
      L::store(d * gamma, d_at);
    }
    L::store(to_gamma, d_gamma + i), L::store(to_beta, d_beta + i);
  }
  for (; i < n.width; ++i) {
    for (std::int64_t r = first; r < first + count; ++r) {
      T& d = outer[r * n.ld + i];
      if (relu) d = from[r * n.ld + i] > T(0) ? d * keep : T(0);
      d_gamma[i] += d * n.normal[r * n.width + i], d_beta[i] += d;
      d *= n.gamma[i];
    }
  }
}

template <typename T, bool relu>
EMO_BODY void norm_rows_backward(const NormRows<T>& n, double keep, const T* y, T* d, T* d_gamma,
                                 T* d_beta) {
  const std::int64_t H = n.width;
  std::fill_n(d_gamma, H, T(0));
  std::fill_n(d_beta, H, T(0));
  for (std::int64_t first = 0; first < n.rows; first += kRowsTogether) {
    const std::int64_t count = std::min(kRowsTogether, n.rows - first);
    affine_backward<T, relu>(n, first, count, static_cast<T>(keep), y, d, d_gamma, d_beta);
    row_moments_backward(n.normal + first * H, n.scale + first, H, count, d + first * n.ld, n.ld);
  }
}

template <typename T>
EMO_BODY void norm_backward_body(const NormRows<T>& n, double keep, const T* y, T* d, T* d_gamma,
                                 T* d_beta) {
  n.relu ? norm_rows_backward<T, true>(n, keep, y, d, d_gamma, d_beta)
         : norm_rows_backward<T, false>(n, keep, d, d, d_gamma, d_beta);
}

template <typename T>
EMO_BODY void pool_forward_body(const PoolRows<T>& p, const T* x, T* to) {
  const std::int64_t H = p.width;
  const T token_share = T(1) / static_cast<T>(p.tokens);
  T mean[kRowsTogether];
  for (std::int64_t r = 0; r < p.rows; ++r) {
    T* __restrict pooled = to + r * p.ld;
    for (std::int64_t i = 0; i < H; ++i) pooled[i] = 0;
    const std::int64_t last = (r + 1) * p.tokens;
    for (std::int64_t first = r * p.tokens; first < last; first += kRowsTogether) {
      const std::int64_t end = std::min(first + kRowsTogether, last);
      row_moments(x + first * H, H, H, end - first, mean, p.scale + first);
      for (std::int64_t t = first; t < end; ++t) {
        normalise_row(x + t * H, mean[t - first], p.scale[t], H, p.normal + t * H);
      }
      for (std::int64_t t = first; t < end; ++t) {
        const T* __restrict normal = p.normal + t * H;
        for (std::int64_t i = 0; i < H; ++i) pooled[i] += normal[i];
      }
    }
    const bool here = !p.present || p.present[r * p.present_ld];
    for (std::int64_t i = 0; i < H; ++i) {
      pooled[i] = here ? pooled[i] * token_share * p.gamma[i] + p.beta[i] : T(0);
    }
  }
}

// Of one row of tokens, whose pooled gradient is d: all of them have the same part of it.
template <typename T>
EMO_BODY void pool_row_backward(const PoolRows<T>& p, std::int64_t first, const T* d,
                                T* __restrict e, T* __restrict d_gamma) {
  using L = Lanes<T>;
  const std::int64_t H = p.width;
  const T share = T(1) / static_cast<T>(p.tokens);
  std::int64_t i = 0;
  for (; i + L::count <= H; i += L::count) {
    typename L::Vector g, to_gamma, gamma;
    L::load(d + i, g), L::load(d_gamma + i, to_gamma), L::load(p.gamma + i, gamma);
    g *= share;
    gamma *= g;
    for (std::int64_t t = 0; t < p.tokens; ++t) {
      typename L::Vector normal;
      L::load(p.normal + (first + t) * H + i, normal);
      to_gamma += g * normal;
      L::store(gamma, e + t * H + i);
    }
    L::store(to_gamma, d_gamma + i);
  }
  for (; i < H; ++i) {
    const T g = d[i] * share;
    for (std::int64_t t = 0; t < p.tokens; ++t) {
      d_gamma[i] += g * p.normal[(first + t) * H + i];
      e[t * H + i] = g * p.gamma[i];
    }
  }
}

template <typename T>
EMO_BODY void pool_backward_body(const PoolRows<T>& p, const T* from, T* d_tokens,
                                 T* __restrict d_gamma, T* __restrict d_beta) {
  const std::int64_t H = p.width;
  for (std::int64_t i = 0; i < H; ++i) d_gamma[i] = d_beta[i] = 0;
  for (std::int64_t r = 0; r < p.rows; ++r) {
    const T* __restrict d = from + r * p.ld;
    const std::int64_t first = r * p.tokens;
    T* e = d_tokens + first * H;
    if (p.present && !p.present[r * p.present_ld]) {
      std::fill_n(e, p.tokens * H, T(0));
      continue;
    }
    for (std::int64_t i = 0; i < H; ++i) d_beta[i] += d[i];
    pool_row_backward(p, first, d, e, d_gamma);
    for (std::int64_t t = 0; t < p.tokens; t += kRowsTogether) {
      row_moments_backward(p.normal + (first + t) * H, p.scale + first + t, H,
                           std::min(kRowsTogether, p.tokens - t), e + t * H, H);
    }
  }
}

// Each body twice: for any processor, and for those of base/wide.h.
template <typename T>
EMO_WIDE void norm_forward_wide(const NormRows<T>& n, const Drop& drop, const T* x, T* y) {
  norm_forward_body(n, drop, x, y);
}
template <typename T>
EMO_WIDE void norm_backward_wide(const NormRows<T>& n, double keep, const T* y, T* d, T* d_gamma,
                                 T* d_beta) {
  norm_backward_body(n, keep, y, d, d_gamma, d_beta);
}
template <typename T>
EMO_WIDE void pool_forward_wide(const PoolRows<T>& p, const T* x, T* pooled) {
  pool_forward_body(p, x, pooled);
}
template <typename T>
EMO_WIDE void pool_backward_wide(const PoolRows<T>& p, const T* d, T* d_tokens, T* d_gamma,
                                 T* d_beta) {
  pool_backward_body(p, d, d_tokens, d_gamma, d_beta);
}

}  // namespace

template <typename T>
void norm_forward(const NormRows<T>& n, const Drop& drop, const T* x, T* y) {
  wide() ? norm_forward_wide(n, drop, x, y) : norm_forward_body(n, drop, x, y);
}

template <typename T>
void norm_backward(const NormRows<T>& n, double keep, const T* y, T* d, T* d_gamma, T* d_beta) {
  wide() ? norm_backward_wide(n, keep, y, d, d_gamma, d_beta)
         : norm_backward_body(n, keep, y, d, d_gamma, d_beta);
}

template <typename T>
void pool_forward(const PoolRows<T>& p, const T* x, T* pooled) {
  wide() ? pool_forward_wide(p, x, pooled) : pool_forward_body(p, x, pooled);
}

template <typename T>
void pool_backward(const PoolRows<T>& p, const T* d, T* d_tokens, T* d_gamma, T* d_beta) {
  wide() ? pool_backward_wide(p, d, d_tokens, d_gamma, d_beta)
         : pool_backward_body(p, d, d_tokens, d_gamma, d_beta);
}

#define EMO_INSTANTIATE(T)                                                       \
  template void norm_forward(const NormRows<T>&, const Drop&, const T*, T*);     \
  template void norm_backward(const NormRows<T>&, double, const T*, T*, T*, T*); \
  template void pool_forward(const PoolRows<T>&, const T*, T*);                  \
  template void pool_backward(const PoolRows<T>&, const T*, T*, T*, T*);
EMO_INSTANTIATE(float)
EMO_INSTANTIATE(double)
#undef EMO_INSTANTIATE

}  // namespace emosweep::models
