// Loops of the fused step between its matrix products. All matrices stand row by row; `ld` is the
// number of elements from one row to the next. T is float or double; vectorised for the processor
// at run time, with the same bits whatever it has (base/wide.h).
#pragma once

#include <cstdint>

namespace emosweep::models {

// How a layer drops features: feature j of row r where word r * words_ld + j is below `threshold`.
struct Drop {
  const std::uint32_t* words = nullptr;  // null: nothing is dropped
  std::int64_t words_ld = 0;
  std::uint32_t threshold = 0;
  double keep = 1;  // what kept features are multiplied by
};

// mask [width] = keep where a word is not below the threshold, else 0.
template <typename T>
void keep_mask(const std::uint32_t* words, std::uint32_t threshold, T keep, std::int64_t width,
               T* mask);

template <typename T>
struct NormRows {
  std::int64_t rows = 0, width = 0, ld = 0;
  const T* gamma = nullptr;  // [width]
  const T* beta = nullptr;
  T* normal = nullptr;  // [rows, width] dense; for the backward pass
  T* scale = nullptr;   // [rows]
  bool relu = false;    // y = drop(relu(norm(x))), else y = norm(x) and nothing is dropped
  const bool* present = nullptr;  // [rows] rows that are false become 0; null: all are present
};

// y [rows, ld] = what norm_block (norm_block.h) does to x [rows, ld], all sums in T. y may be x.
template <typename T>
void norm_forward(const NormRows<T>& n, const Drop& drop, const T* x, T* y);

// d [rows, ld]: the gradient of y, becomes that of x. `y` as norm_forward left it: a feature that
// is 0 was dropped, negative or absent. d_gamma, d_beta [width] are overwritten.
template <typename T>
void norm_backward(const NormRows<T>& n, double keep, const T* y, T* d, T* d_gamma, T* d_beta);

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

// Norm without affine over each token, mean over the tokens of a row, affine; 0 where not present.
template <typename T>
struct PoolRows {
  std::int64_t rows = 0, tokens = 0, width = 0, ld = 0;  // ld: of the pooled rows
  const T* gamma = nullptr;
  const T* beta = nullptr;
  T* normal = nullptr;            // [rows * tokens, width]
  T* scale = nullptr;             // [rows * tokens]
  const bool* present = nullptr;  // row r: present[r * present_ld]; null: all
  std::int64_t present_ld = 0;
};
// x [rows * tokens, width]: the tokens; may be p.normal.
template <typename T>
void pool_forward(const PoolRows<T>& p, const T* x, T* pooled);
// d [rows, ld]: of pooled; d_tokens [rows * tokens, width], d_gamma and d_beta are overwritten.
template <typename T>
void pool_backward(const PoolRows<T>& p, const T* d, T* d_tokens, T* d_gamma, T* d_beta);

}  // namespace emosweep::models
