#include "models/fused_kernels.h"

#include <algorithm>
#include <cmath>

#include "base/exponential.h"
#include "base/wide.h"
#include "models/row_sum.h"

namespace emosweep::models {
namespace {

template <typename T>
EMO_BODY void keep_mask_body(const std::uint32_t* __restrict words, std::uint32_t threshold, T keep,
                             std::int64_t width, T* __restrict mask) {
  for (std::int64_t i = 0; i < width; ++i) mask[i] = words[i] >= threshold ? keep : T(0);
}

template <typename T>
EMO_BODY void relu_forward_body(T* __restrict x, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) x[i] = x[i] < T(0) ? T(0) : x[i];
}

template <typename T>
EMO_BODY void relu_backward_body(const T* __restrict y, T* __restrict d, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) d[i] = y[i] > T(0) ? d[i] : T(0);
}

template <typename T>
EMO_BODY void sum_rows_body(const T* x, std::int64_t rows, std::int64_t width, std::int64_t ld,
                            T* __restrict sum) {
  for (std::int64_t i = 0; i < width; ++i) sum[i] = 0;
  for (std::int64_t r = 0; r < rows; ++r) {
    const T* __restrict row = x + r * ld;
    for (std::int64_t i = 0; i < width; ++i) sum[i] += row[i];
  }
}

template <typename T>
EMO_BODY void thin_forward_body(const ThinShape& s, const T* x, const T* w, const T* b, T* y,
                                T* scratch) {
  for (std::int64_t o = 0; o < s.out; ++o) {
    for (std::int64_t i = 0; i < s.in; ++i) scratch[o * s.in + i] = w[i * s.out + o];
  }
  for (std::int64_t r = 0; r < s.rows; ++r) {
    const T* __restrict row = x + r * s.in;
    for (std::int64_t o = 0; o < s.out; ++o) {
      const T* __restrict column = scratch + o * s.in;
      y[r * s.out + o] =
          b[o] + row_sum<T>(s.in, [&](std::int64_t i) { return row[i] * column[i]; });
    }
  }
}

template <typename T>
EMO_BODY void thin_weight_gradient_body(const ThinShape& s, const T* x, const T* d, T* d_w,
                                        T* scratch) {
  for (std::int64_t o = 0; o < s.out; ++o) {
    T* __restrict column = scratch + o * s.in;
    for (std::int64_t i = 0; i < s.in; ++i) column[i] = 0;
    for (std::int64_t r = 0; r < s.rows; ++r) {
      const T* __restrict row = x + r * s.in;
      const T factor = d[r * s.out + o];
      for (std::int64_t i = 0; i < s.in; ++i) column[i] += factor * row[i];
    }
    for (std::int64_t i = 0; i < s.in; ++i) d_w[i * s.out + o] = column[i];
  }
}

// A row without any modality keeps all gates: never 0 / 0.
template <typename T>
EMO_BODY void softmax_gates(const GateRows<T>& g, T* __restrict gates) {
  const std::int64_t M = g.modalities;
  const auto kept = [&](std::int64_t r, std::int64_t m) {
    const bool* present = g.present ? g.present + r * M : nullptr;
    return !present || present[m] || std::none_of(present, present + M, [](bool p) { return p; });
  };
  for (std::int64_t r = 0; r < g.rows; ++r) {
    T* gate = gates + r * M;
    T top = -INFINITY;
    for (std::int64_t m = 0; m < M; ++m) {
      if (kept(r, m)) top = std::isnan(gate[m]) ? gate[m] : std::max(top, gate[m]);
    }
    for (std::int64_t m = 0; m < M; ++m) gate[m] = kept(r, m) ? gate[m] - top : T(0);
  }
  for (std::int64_t i = 0; i < g.rows * M; ++i) gates[i] = exp_negative(gates[i]);
  for (std::int64_t r = 0; r < g.rows; ++r) {
    T* gate = gates + r * M;
    T sum = 0;
    for (std::int64_t m = 0; m < M; ++m) {
      gate[m] = kept(r, m) ? gate[m] : T(0);
      sum += gate[m];
    }
    for (std::int64_t m = 0; m < M; ++m) gate[m] /= sum;
  }
}

template <typename T>
EMO_BODY void gate_forward_body(const GateRows<T>& g, T* gates, T* sums) {
  const std::int64_t M = g.modalities, H = g.width;
  softmax_gates(g, gates);
  for (std::int64_t r = 0; r < g.rows; ++r) {
    const T* gate = gates + r * M;
    const T* __restrict first = g.z + r * M * H;
    T* __restrict s = sums + r * H;
    for (std::int64_t i = 0; i < H; ++i) s[i] = gate[0] * first[i];
    for (std::int64_t m = 1; m < M; ++m) {
      const T* __restrict z = g.z + (r * M + m) * H;
      const T weight = gate[m];
      for (std::int64_t i = 0; i < H; ++i) s[i] += weight * z[i];
    }
  }
}

template <typename T>
EMO_BODY void gate_logits_backward_body(const GateRows<T>& g, const T* gates, const T* outer,
                                        T* d_logits) {
  const std::int64_t M = g.modalities, H = g.width;
  for (std::int64_t r = 0; r < g.rows; ++r) {
    const T* gate = gates + r * M;
    const T* __restrict d = outer + r * H;
    T* d_gate = d_logits + r * M;
    T mean = 0;
    for (std::int64_t m = 0; m < M; ++m) {
      const T* __restrict z = g.z + (r * M + m) * H;
      d_gate[m] = row_sum<T>(H, [&](std::int64_t i) { return d[i] * z[i]; });
      mean += gate[m] * d_gate[m];
    }
    for (std::int64_t m = 0; m < M; ++m) d_gate[m] = gate[m] * (d_gate[m] - mean);
  }
}

template <typename T>
EMO_BODY void gate_values_backward_body(const GateRows<T>& g, const T* gates, const T* outer,
                                        bool add, T* dz) {
  const std::int64_t M = g.modalities, H = g.width;
  for (std::int64_t r = 0; r < g.rows; ++r) {
    const T* __restrict d = outer + r * H;
    for (std::int64_t m = 0; m < M; ++m) {
      T* __restrict to = dz + (r * M + m) * H;
      const T gate = gates[r * M + m];
      if (add) {
        for (std::int64_t i = 0; i < H; ++i) to[i] += gate * d[i];
      } else {
        for (std::int64_t i = 0; i < H; ++i) to[i] = gate * d[i];
      }
    }
  }
}

template <typename T>
EMO_BODY void softmax_forward_body(const AttentionRows<T>& a, T* p) {
  for (std::int64_t r = 0; r < a.rows; ++r) {
    T* __restrict row = p + r * a.keys;
    T top = -INFINITY;
    for (std::int64_t g = 0; g < a.keys; g += a.group) {
      if (!a.seen[g / a.group]) continue;
      for (std::int64_t i = g; i < g + a.group; ++i) top = row[i] > top ? row[i] : top;
    }
    T sum = 0;
    for (std::int64_t g = 0; g < a.keys; g += a.group) {
      if (!a.seen[g / a.group]) {
        for (std::int64_t i = g; i < g + a.group; ++i) row[i] = 0;
        continue;
      }
      for (std::int64_t i = g; i < g + a.group; ++i) {
        row[i] = exp_negative((row[i] - top) * a.scale);
      }
      sum += row_sum<T>(a.group, [&](std::int64_t i) { return row[g + i]; });
    }
    const T share = T(1) / sum;
    for (std::int64_t i = 0; i < a.keys; ++i) row[i] *= share;
  }
}

template <typename T>
EMO_BODY void softmax_backward_body(const AttentionRows<T>& a, const T* weights, T* outer) {
  for (std::int64_t r = 0; r < a.rows; ++r) {
    const T* __restrict p = weights + r * a.keys;
    T* __restrict d = outer + r * a.keys;
    const T mean = row_sum<T>(a.keys, [&](std::int64_t i) { return p[i] * d[i]; });
    for (std::int64_t i = 0; i < a.keys; ++i) d[i] = p[i] * (d[i] - mean) * a.scale;
  }
}

// Each body twice: for any processor, and for those of base/wide.h.
template <typename T>
EMO_WIDE void keep_mask_wide(const std::uint32_t* words, std::uint32_t threshold, T keep,
                             std::int64_t width, T* mask) {
  keep_mask_body(words, threshold, keep, width, mask);
}
template <typename T>
EMO_WIDE void relu_forward_wide(T* x, std::int64_t count) {
  relu_forward_body(x, count);
}
template <typename T>
EMO_WIDE void relu_backward_wide(const T* y, T* d, std::int64_t count) {
  relu_backward_body(y, d, count);
}
template <typename T>
EMO_WIDE void sum_rows_wide(const T* x, std::int64_t rows, std::int64_t width, std::int64_t ld,
                            T* sum) {
  sum_rows_body(x, rows, width, ld, sum);
}
template <typename T>
EMO_WIDE void thin_forward_wide(const ThinShape& s, const T* x, const T* w, const T* b, T* y,
                                T* scratch) {
  thin_forward_body(s, x, w, b, y, scratch);
}
template <typename T>
EMO_WIDE void thin_weight_gradient_wide(const ThinShape& s, const T* x, const T* d, T* d_w,
                                        T* scratch) {
  thin_weight_gradient_body(s, x, d, d_w, scratch);
}
template <typename T>
EMO_WIDE void gate_forward_wide(const GateRows<T>& g, T* logits, T* s) {
  gate_forward_body(g, logits, s);
}
template <typename T>
EMO_WIDE void gate_logits_backward_wide(const GateRows<T>& g, const T* gates, const T* d_s,
                                        T* d_logits) {
  gate_logits_backward_body(g, gates, d_s, d_logits);
}
template <typename T>
EMO_WIDE void gate_values_backward_wide(const GateRows<T>& g, const T* gates, const T* d_s,
                                        bool add, T* dz) {
  gate_values_backward_body(g, gates, d_s, add, dz);
}
template <typename T>
EMO_WIDE void softmax_forward_wide(const AttentionRows<T>& a, T* p) {
  softmax_forward_body(a, p);
}
template <typename T>
EMO_WIDE void softmax_backward_wide(const AttentionRows<T>& a, const T* p, T* d) {
  softmax_backward_body(a, p, d);
}

}  // namespace

template <typename T>
void keep_mask(const std::uint32_t* words, std::uint32_t threshold, T keep, std::int64_t width,
               T* mask) {
  wide() ? keep_mask_wide(words, threshold, keep, width, mask)
         : keep_mask_body(words, threshold, keep, width, mask);
}

template <typename T>
void relu_forward(T* x, std::int64_t count) {
  wide() ? relu_forward_wide(x, count) : relu_forward_body(x, count);
}

template <typename T>
void relu_backward(const T* y, T* d, std::int64_t count) {
  wide() ? relu_backward_wide(y, d, count) : relu_backward_body(y, d, count);
}

template <typename T>
void fill_rows(const T* row, std::int64_t rows, std::int64_t width, T* to, std::int64_t ld) {
  for (std::int64_t r = 0; r < rows; ++r) std::copy_n(row, width, to + r * ld);
}

template <typename T>
void sum_rows(const T* x, std::int64_t rows, std::int64_t width, std::int64_t ld, T* sum) {
  wide() ? sum_rows_wide(x, rows, width, ld, sum) : sum_rows_body(x, rows, width, ld, sum);
}

template <typename T>
void thin_forward(const ThinShape& s, const T* x, const T* w, const T* b, T* y, T* scratch) {
  wide() ? thin_forward_wide(s, x, w, b, y, scratch) : thin_forward_body(s, x, w, b, y, scratch);
}

template <typename T>
void thin_weight_gradient(const ThinShape& s, const T* x, const T* d, T* d_w, T* scratch) {
  wide() ? thin_weight_gradient_wide(s, x, d, d_w, scratch)
         : thin_weight_gradient_body(s, x, d, d_w, scratch);
}

template <typename T>
void gate_forward(const GateRows<T>& g, T* logits, T* s) {
  wide() ? gate_forward_wide(g, logits, s) : gate_forward_body(g, logits, s);
}

template <typename T>
void gate_logits_backward(const GateRows<T>& g, const T* gates, const T* d_s, T* d_logits) {
  wide() ? gate_logits_backward_wide(g, gates, d_s, d_logits)
         : gate_logits_backward_body(g, gates, d_s, d_logits);
}

template <typename T>
void gate_values_backward(const GateRows<T>& g, const T* gates, const T* d_s, bool add, T* dz) {
  wide() ? gate_values_backward_wide(g, gates, d_s, add, dz)
         : gate_values_backward_body(g, gates, d_s, add, dz);
}

template <typename T>
void softmax_forward(const AttentionRows<T>& a, T* p) {
  wide() ? softmax_forward_wide(a, p) : softmax_forward_body(a, p);
}

template <typename T>
void softmax_backward(const AttentionRows<T>& a, const T* p, T* d) {
  wide() ? softmax_backward_wide(a, p, d) : softmax_backward_body(a, p, d);
}

#define EMO_INSTANTIATE(T)                                                              \
  template void thin_forward(const ThinShape&, const T*, const T*, const T*, T*, T*);   \
  template void thin_weight_gradient(const ThinShape&, const T*, const T*, T*, T*);     \
  template void keep_mask(const std::uint32_t*, std::uint32_t, T, std::int64_t, T*);    \
  template void relu_forward(T*, std::int64_t);                                         \
  template void relu_backward(const T*, T*, std::int64_t);                              \
  template void fill_rows(const T*, std::int64_t, std::int64_t, T*, std::int64_t);      \
  template void sum_rows(const T*, std::int64_t, std::int64_t, std::int64_t, T*);       \
  template void gate_forward(const GateRows<T>&, T*, T*);                               \
  template void gate_logits_backward(const GateRows<T>&, const T*, const T*, T*);       \
  template void gate_values_backward(const GateRows<T>&, const T*, const T*, bool, T*); \
  template void softmax_forward(const AttentionRows<T>&, T*);                           \
  template void softmax_backward(const AttentionRows<T>&, const T*, T*);
EMO_INSTANTIATE(float)
EMO_INSTANTIATE(double)
#undef EMO_INSTANTIATE

}  // namespace emosweep::models
