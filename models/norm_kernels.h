// Layer norms of the fused step, with what follows them: affine, ReLU and dropout, or the mean over
// tokens. As fused_kernels.h: matrices row by row, `ld` from one row to the next, T float or
// double, the same bits on every processor. Private to models/.
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
