#include "models/text_kernels.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "base/exponential.h"

namespace emosweep::models {
namespace {

constexpr std::int64_t kSums = 16;  // partial sums, the same on every processor

// Half-word j of little-endian words.
const std::uint16_t* halves(const std::uint32_t* words) {
  static_assert(std::endian::native == std::endian::little);
  return reinterpret_cast<const std::uint16_t*>(words);
}

template <typename T>
EMO_BODY T total(const T* sums) {
  T all = 0;
  for (std::int64_t s = 0; s < kSums; ++s) all += sums[s];
  return all;
}

template <typename T>
EMO_BODY void softmax_body(const T*, T* x, std::int64_t rows, std::int64_t width, T scale) {
  for (std::int64_t r = 0; r < rows; ++r, x += width) {
    T top[kSums];
    std::fill(top, top + kSums, -std::numeric_limits<T>::infinity());
    std::int64_t j = 0;
    for (; j + kSums <= width; j += kSums) {
      for (std::int64_t s = 0; s < kSums; ++s) top[s] = top[s] < x[j + s] ? x[j + s] : top[s];
    }
    for (; j < width; ++j) top[0] = top[0] < x[j] ? x[j] : top[0];
    T most = top[0];
    for (std::int64_t s = 1; s < kSums; ++s) most = most < top[s] ? top[s] : most;
    T sums[kSums] = {};
    for (j = 0; j < width; ++j) x[j] = exp_negative(scale * (x[j] - most));
    for (j = 0; j + kSums <= width; j += kSums) {
      for (std::int64_t s = 0; s < kSums; ++s) sums[s] += x[j + s];
    }
    for (; j < width; ++j) sums[0] += x[j];
    const T share = T(1) / total(sums);
    for (j = 0; j < width; ++j) x[j] *= share;
  }
}

template <typename T>
EMO_BODY void softmax_backward_body(const T* p, T keep, std::int64_t rows, std::int64_t width,
                                    T scale, T* d) {
  for (std::int64_t r = 0; r < rows; ++r, p += width, d += width) {
    T sums[kSums] = {};
    for (std::int64_t j = 0; j < width; ++j) d[j] = __builtin_signbit(p[j]) ? T(0) : keep * d[j];
    std::int64_t j = 0;
    for (; j + kSums <= width; j += kSums) {
      for (std::int64_t s = 0; s < kSums; ++s)
        sums[s] += d[j + s] * (p[j + s] < T(0) ? -p[j + s] : p[j + s]);
    }
    for (; j < width; ++j) sums[0] += d[j] * (p[j] < T(0) ? -p[j] : p[j]);
    const T dot = total(sums);
    for (j = 0; j < width; ++j) d[j] = scale * ((p[j] < T(0) ? -p[j] : p[j]) * (d[j] - dot));
  }
}

template <typename T>
EMO_BODY void mark_body(const T*, T* x, const std::uint16_t* half, std::uint16_t threshold,
                        std::int64_t n) {
  for (std::int64_t j = 0; j < n; ++j) x[j] = half[j] < threshold ? -x[j] : x[j];
}

template <typename T>
EMO_BODY void kept_body(const T* x, T keep, std::int64_t n, T* __restrict y) {
  for (std::int64_t j = 0; j < n; ++j) y[j] = __builtin_signbit(x[j]) ? T(0) : keep * x[j];
}

template <typename T>
EMO_BODY void numbers_body(const T* half, T threshold, std::int64_t n,
                           std::uint8_t* __restrict kept) {
  for (std::int64_t j = 0; j < n; ++j) kept[j] = half[j] < threshold ? 0 : 1;
}

template <typename T>
EMO_BODY void add_kept_body(const T* z, const T* x, const std::uint8_t* kept, T keep,
                            std::int64_t n, T* __restrict y) {
  if (x != nullptr) {
    for (std::int64_t j = 0; j < n; ++j) y[j] = x[j] + (kept[j] ? keep : T(0)) * z[j];
  } else {
    for (std::int64_t j = 0; j < n; ++j) y[j] = (kept[j] ? keep : T(0)) * z[j];
  }
}

EMO_BOTH(softmax)
EMO_BOTH(softmax_backward)
EMO_BOTH(mark)
EMO_BOTH(kept)
EMO_BOTH(numbers)
EMO_BOTH(add_kept)

}  // namespace

void softmax_rows(float* x, std::int64_t rows, std::int64_t width, float scale) {
  softmax<float>(x, x, rows, width, scale);
}
void softmax_rows(double* x, std::int64_t rows, std::int64_t width, double scale) {
  softmax<double>(x, x, rows, width, scale);
}
void softmax_rows_backward(const float* p, float keep, std::int64_t rows, std::int64_t width,
                           float scale, float* d) {
  softmax_backward<float>(p, keep, rows, width, scale, d);
}
void softmax_rows_backward(const double* p, double keep, std::int64_t rows, std::int64_t width,
                           double scale, double* d) {
  softmax_backward<double>(p, keep, rows, width, scale, d);
}
void mark_dropped(float* x, const std::uint32_t* words, std::uint32_t threshold, std::int64_t n) {
  mark<float>(x, x, halves(words), static_cast<std::uint16_t>(threshold), n);
}
void mark_dropped(double* x, const std::uint32_t* words, std::uint32_t threshold, std::int64_t n) {
  mark<double>(x, x, halves(words), static_cast<std::uint16_t>(threshold), n);
}
void kept_only(const float* x, float keep, std::int64_t n, float* y) { kept<float>(x, keep, n, y); }
void kept_only(const double* x, double keep, std::int64_t n, double* y) {
  kept<double>(x, keep, n, y);
}
void keep_numbers(const std::uint32_t* words, std::uint32_t threshold, std::int64_t n,
                  std::uint8_t* kept_out) {
  numbers<std::uint16_t>(halves(words), static_cast<std::uint16_t>(threshold), n, kept_out);
}
void add_kept(const float* z, const float* x, const std::uint8_t* kept_in, float keep,
              std::int64_t n, float* y) {
  add_kept<float>(z, x, kept_in, keep, n, y);
}
void add_kept(const double* z, const double* x, const std::uint8_t* kept_in, double keep,
              std::int64_t n, double* y) {
  add_kept<double>(z, x, kept_in, keep, n, y);
}

}  // namespace emosweep::models
