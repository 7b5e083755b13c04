// Mean and deviation of rows for the bodies of norms, several rows at a time: one after the other,
// each row would wait for its own sum, root and quotient. Private to models/.
#pragma once

#include <cmath>
#include <cstdint>

#include "models/row_sum.h"

namespace emosweep::models {

constexpr std::int64_t kRowsTogether = 8;
constexpr double kNormEpsilon = 1e-5;

// Of `count` <= kRowsTogether rows of x: mean, and scale = 1 / sqrt(variance + epsilon). `ld`: from
// one row to the next.
template <typename T>
EMO_BODY void row_moments(const T* x, std::int64_t ld, std::int64_t width, std::int64_t count,
                          T* __restrict mean, T* __restrict scale) {
  const T share = T(1) / static_cast<T>(width);
  for (std::int64_t r = 0; r < count; ++r) {
    const T* __restrict row = x + r * ld;
    mean[r] = row_sum<T>(width, [&](std::int64_t i) { return row[i]; }) * share;
  }
  for (std::int64_t r = 0; r < count; ++r) {
    const T* __restrict row = x + r * ld;
    const T m = mean[r];
    scale[r] =
        row_sum<T>(width, [&](std::int64_t i) { return (row[i] - m) * (row[i] - m); }) * share;
  }
  for (std::int64_t r = 0; r < count; ++r) {
    scale[r] = T(1) / std::sqrt(scale[r] + static_cast<T>(kNormEpsilon));
  }
}

// normal = (x - mean) * scale, a row. normal may be x.
template <typename T>
EMO_BODY void normalise_row(const T* x, T mean, T scale, std::int64_t width, T* normal) {
  for (std::int64_t i = 0; i < width; ++i) normal[i] = (x[i] - mean) * scale;
}

// d, `ld` from row to row: the gradients of dense normal rows, becomes that of the rows they were
// made of.
template <typename T>
EMO_BODY void row_moments_backward(const T* normal, const T* scale, std::int64_t width,
                                   std::int64_t count, T* d, std::int64_t ld) {
  const T share = T(1) / static_cast<T>(width);
  T mean[kRowsTogether], along[kRowsTogether];
  for (std::int64_t r = 0; r < count; ++r) {
    row_sums(width, d + r * ld, normal + r * width, mean[r], along[r]);
  }
  for (std::int64_t r = 0; r < count; ++r) {
    const T* __restrict row = normal + r * width;
    T* __restrict to = d + r * ld;
    const T by = scale[r], m = mean[r] * share, a = along[r] * share;
    for (std::int64_t i = 0; i < width; ++i) to[i] = by * (to[i] - m - row[i] * a);
  }
}

}  // namespace emosweep::models
