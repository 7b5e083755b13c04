// Sums along a row in the order of sixteen lanes, whatever the processor: for the bodies of
// vectorised loops (base/wide.h). Private to models/.
#pragma once

#include <cstdint>
#include <cstring>

#include "base/wide.h"
#include "models/lanes.h"

namespace emosweep::models {

constexpr std::int64_t kLanes = 16;

// ((0 + 8) + (4 + 12)) + ... as a tree of halves; in registers, which plain loops over halves are
// not.
template <typename T>
EMO_BODY T sum_lanes(const T (&part)[kLanes]) {
  using Eight [[gnu::vector_size(8 * sizeof(T))]] = T;
  using Four [[gnu::vector_size(4 * sizeof(T))]] = T;
  Eight a, b;
  std::memcpy(&a, part, sizeof a);
  std::memcpy(&b, part + 8, sizeof b);
  a += b;
  const Four c =
      __builtin_shufflevector(a, a, 0, 1, 2, 3) + __builtin_shufflevector(a, a, 4, 5, 6, 7);
  return (c[0] + c[2]) + (c[1] + c[3]);
}

// Sum of term(i) over a row.
template <typename T, typename Term>
EMO_BODY T row_sum(std::int64_t n, const Term& term) {
  T part[kLanes] = {};
  const std::int64_t whole = n / kLanes * kLanes;
  for (std::int64_t i = 0; i < whole; i += kLanes) {
    for (std::int64_t j = 0; j < kLanes; ++j) part[j] += term(i + j);
  }
  constexpr std::int64_t kHalf = kLanes / 2;  // attention often has 8 keys
  std::int64_t rest = whole;
  if (n - rest >= kHalf) {
    for (std::int64_t j = 0; j < kHalf; ++j) part[j] += term(rest + j);
    rest += kHalf;
  }
  T sum = sum_lanes(part);
  for (std::int64_t i = rest; i < n; ++i) sum += term(i);
  return sum;
}

// Sums of a row d and of d * other, each in the order of row_sum: GCC vectorises no loop of both.
template <typename T>
EMO_BODY void row_sums(std::int64_t n, const T* d, const T* other, T& plain, T& along) {
  using L = Lanes<T>;
  constexpr std::int64_t kVectors = kLanes / L::count;
  typename L::Vector a[kVectors] = {}, b[kVectors] = {};
  std::int64_t i = 0;
  const auto add = [&](std::int64_t vectors) {
#pragma GCC unroll 4
    for (std::int64_t v = 0; v < vectors; ++v) {
      typename L::Vector x, y;
      L::load(d + i + v * L::count, x), L::load(other + i + v * L::count, y);
      a[v] += x, b[v] += x * y;
    }
    i += vectors * L::count;
  };
  while (i + kLanes <= n) add(kVectors);
  if (n - i >= kLanes / 2) add(kVectors / 2);
  T part[kLanes];
#pragma GCC unroll 4
  for (std::int64_t v = 0; v < kVectors; ++v) L::store(a[v], part + v * L::count);
  plain = sum_lanes(part);
#pragma GCC unroll 4
  for (std::int64_t v = 0; v < kVectors; ++v) L::store(b[v], part + v * L::count);
  along = sum_lanes(part);
  for (; i < n; ++i) plain += d[i], along += d[i] * other[i];
}

}  // namespace emosweep::models
