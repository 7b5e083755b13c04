#include "data/audio/keyed_numbers.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.h"

namespace emosweep::data {

KeyedNumbers::KeyedNumbers(const StreamKey& purpose_key, std::int64_t epoch, std::int64_t position)
    : key_(purpose_key),
      step_(static_cast<std::uint64_t>(epoch)),
      first_(static_cast<std::uint64_t>(position) << 16) {
  EMO_CHECK(epoch >= 0 && position >= 0, "a sample has a place in an epoch");
}

double KeyedNumbers::uniform() {
  const auto words = philox(key_, step_, first_ + next_++);
  const std::uint64_t bits = (static_cast<std::uint64_t>(words[0]) << 20) | (words[1] >> 12);
  return (static_cast<double>(bits) + .5) * 0x1p-52;
}

std::int64_t KeyedNumbers::whole(std::int64_t least, std::int64_t most) {
  const double place = uniform() * static_cast<double>(most - least + 1);
  return least + std::min(static_cast<std::int64_t>(place), most - least);
}

double KeyedNumbers::normal() {
  const double radius = std::sqrt(-2 * std::log(uniform()));
  return radius * std::cos(2 * std::numbers::pi * uniform());
}

// Marsaglia and Tsang (2000); below 1 by the power of a uniform number, which for a small shape no
// double would hold: hence the logarithm.
double KeyedNumbers::log_gamma_number(double shape) {
  const double lifted = shape < 1 ? shape + 1 : shape;
  const double d = lifted - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  while (true) {
    const double x = normal(), v = std::pow(1 + c * x, 3), u = uniform();
    if (v > 0 && std::log(u) < .5 * x * x + d - d * v + d * std::log(v))
      return std::log(d * v) + (shape < 1 ? std::log(uniform()) / shape : 0);
  }
}

}  // namespace emosweep::data
