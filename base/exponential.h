// exp for loops that the compiler vectorises (base/wide.h): no call, no branch, the same bits in
// every lane and on every processor.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "base/wide.h"

namespace emosweep {

// exp(x) for x <= 0. 2^n times a polynomial on [-ln 2 / 2, ln 2 / 2], Cody and Waite's reduction;
// NaN stays NaN. What is below the smallest normal number becomes 0.
// Relative error below 3e-7.
EMO_BODY float exp_negative(float x) {
  const float least = std::max(x, -87.0f);
  const float shifted = least * 1.44269504f + 12582912.0f;  // 1.5 * 2^23: rounds to an integer
  const float n = shifted - 12582912.0f;
  const float r = (least - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.3888889e-3f;
  p = p * r + 8.3333333e-3f;
  p = p * r + 4.1666667e-2f;
  p = p * r + 1.6666667e-1f;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  // The low bits of `shifted` are n; a NaN stays one by p.
  const auto power = (std::bit_cast<std::uint32_t>(shifted) + 127u) << 23;
  return x < -87.0f ? 0.0f : p * std::bit_cast<float>(power);
}

// Relative error below 4e-16.
EMO_BODY double exp_negative(double x) {
  const double least = std::max(x, -708.0);
  const double shifted = least * 1.4426950408889634 + 6755399441055744.0;  // 1.5 * 2^52
  const double n = shifted - 6755399441055744.0;
  const double r = (least - n * 6.93147180369123816490e-01) - n * 1.90821492927058770002e-10;
  double p = 1.0 / 6227020800.0;  // Taylor to r^13: the rest is below 5e-18
  p = p * r + 1.0 / 479001600.0;
  p = p * r + 1.0 / 39916800.0;
  p = p * r + 1.0 / 3628800.0;
  p = p * r + 1.0 / 362880.0;
  p = p * r + 1.0 / 40320.0;
  p = p * r + 1.0 / 5040.0;
  p = p * r + 1.0 / 720.0;
  p = p * r + 1.0 / 120.0;
  p = p * r + 1.0 / 24.0;
  p = p * r + 1.0 / 6.0;
  p = p * r + 0.5;
  p = p * r + 1.0;
  p = p * r + 1.0;
  const auto power = (std::bit_cast<std::uint64_t>(shifted) + 1023u) << 52;
  return x < -708.0 ? 0.0 : p * std::bit_cast<double>(power);
}

}  // namespace emosweep
