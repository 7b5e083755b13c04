// Normal numbers by Box-Muller with a logarithm and a cosine of our own: the C library picks other
// code on machines with fused multiply-add, and initial weights would differ in their last bits
// from machine to machine. Only +, -, *, / and sqrt are used, which IEEE 754 rounds alike
// everywhere; this file is compiled with -ffp-contract=off.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "base/philox.h"

namespace emosweep {

namespace {

// ln x of a normal positive x. x = m 2^e with m in [sqrt(1/2), sqrt(2)), s = (m-1)/(m+1), |s| <=
// 0.1716: ln m = 2 (s + s^3/3 + s^5/5 + ...); the first term left out is below 2e-18.
double natural_log(double x) {
  auto bits = std::bit_cast<std::uint64_t>(x);
  auto exponent = static_cast<int>(bits >> 52) - 1023;
  double m = std::bit_cast<double>((bits & 0x000FFFFFFFFFFFFFu) | 0x3FF0000000000000u);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    ++exponent;
  }
  const double s = (m - 1.0) / (m + 1.0), s2 = s * s;
  double sum = 0.0;
  for (int k = 21; k >= 3; k -= 2) sum = s2 * (1.0 / k + sum);
  return exponent * 0.69314718055994530942 + 2.0 * (s + s * sum);
}

// cos and sin of x in [0, pi/4] by their series; the first terms left out are below 2e-18.
double cos_series(double x) {
  const double x2 = x * x;
  double sum = 0.0;
  for (int k = 16; k >= 2; k -= 2) sum = -x2 / ((k - 1.0) * k) * (1.0 + sum);
  return 1.0 + sum;
}

double sin_series(double x) {
  const double x2 = x * x;
  double sum = 0.0;
  for (int k = 17; k >= 3; k -= 2) sum = -x2 / ((k - 1.0) * k) * (1.0 + sum);
  return x + x * sum;
}

// cos(2 pi w / 2^32). The octant is taken from the integer, so that no bits are lost.
double cos_turn(std::uint32_t w) {
  constexpr double angle_of_one = 6.283185307179586477 * 0x1p-32;
  constexpr std::uint32_t quarter = 1u << 30;
  const std::uint32_t quadrant = w >> 30;
  std::uint32_t rest = w & (quarter - 1);  // cos goes on as -sin, -cos, sin in the next quadrants
  const bool mirrored = rest > quarter / 2;
  if (mirrored) rest = quarter - rest;
  const double x = rest * angle_of_one;
  const bool sine = ((quadrant & 1) != 0) != mirrored;
  const double value = sine ? sin_series(x) : cos_series(x);
  return quadrant == 1 || quadrant == 2 ? -value : value;
}

double normal(std::uint32_t first, std::uint32_t second) {
  const double u = (first + 1.0) * 0x1p-32;  // (0, 1]: its logarithm is finite
  return std::sqrt(-2.0 * natural_log(u)) * cos_turn(second);
}

}  // namespace

void fill_normal(std::span<double> out, const StreamKey& key, std::uint64_t step) {
  std::array<std::uint32_t, 1024> words;
  for (std::size_t done = 0; done < out.size(); done += words.size() / 2) {
    const std::size_t count = std::min(words.size() / 2, out.size() - done);
    fill_words(std::span(words).first(2 * count), key, step, done / 2);
    for (std::size_t i = 0; i < count; ++i) {
      out[done + i] = normal(words[2 * i], words[2 * i + 1]);
    }
  }
}

}  // namespace emosweep
