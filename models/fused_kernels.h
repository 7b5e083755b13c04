// Loops of the fused step between its matrix products. All matrices stand row by row; `ld` is the
// number of elements from one row to the next. T is float or double; vectorised for the processor
// at run time, with the same bits whatever it has (base/wide.h).
#pragma once

#include <cstdint>

namespace emosweep::models {

// mask [width] = keep where a word is not below the threshold, else 0.
template <typename T>
void keep_mask(const std::uint32_t* words, std::uint32_t threshold, T keep, std::int64_t width,
               T* mask);

// x = max(x, 0); NaN stays NaN. And back: d = 0 where y is not above 0.
template <typename T>
void relu_forward(T* x, std::int64_t count);
template <typename T>
void relu_backward(const T* y, T* d, std::int64_t count);

template <typename T>
void fill_rows(const T* row, std::int64_t rows, std::int64_t width, T* to, std::int64_t ld);
// sum [width] = sum of the rows of x; overwritten
template <typename T>
void sum_rows(const T* x, std::int64_t rows, std::int64_t width, std::int64_t ld, T* sum);

// A linear layer with few outputs, for which a kernel of whole vectors has nothing to do. y [rows,
// out] = x [rows, in] W + b, W [in, out]; and of its gradient d: d_w [in, out] = x' d, overwritten.
// scratch: in * out elements
struct ThinShape {
  std::int64_t rows = 0, in = 0, out = 0;
};
template <typename T>
void thin_forward(const ThinShape& s, const T* x, const T* w, const T* b, T* y, T* scratch);
template <typename T>
void thin_weight_gradient(const ThinShape& s, const T* x, const T* d, T* d_w, T* scratch);

// Gates over M modalities of z [rows, M * width]: `logits` [rows, M] become the softmax over the
// modalities that `present` [rows, M] (null: all) has, or over all where it has none; s [rows,
// width] = sum of gate * z.
template <typename T>
struct GateRows {
  std::int64_t rows = 0, modalities = 0, width = 0;
  const bool* present = nullptr;
  const T* z = nullptr;
};
template <typename T>
void gate_forward(const GateRows<T>& g, T* logits, T* s);
// From the gradient of s: d_logits [rows, M].
template <typename T>
void gate_logits_backward(const GateRows<T>& g, const T* gates, const T* d_s, T* d_logits);
// dz [rows, M * width] = what comes to z through s, or += that; through the gates comes more.
template <typename T>
void gate_values_backward(const GateRows<T>& g, const T* gates, const T* d_s, bool add, T* dz);

// Attention weights of one row and head: `rows` queries over `keys` keys of several modalities side
// by side, `group` keys each.
template <typename T>
struct AttentionRows {
  std::int64_t rows = 0, keys = 0, group = 0;
  T scale = 1;
  const bool* seen = nullptr;  // [keys / group] whether a modality is seen; at least one is
};
// p [rows, keys]: scores become weights, softmax(scale * score) over what is seen, else 0.
template <typename T>
void softmax_forward(const AttentionRows<T>& a, T* p);
// d: the gradient of the weights p, becomes that of the scores.
template <typename T>
void softmax_backward(const AttentionRows<T>& a, const T* p, T* d);

}  // namespace emosweep::models
