#include "data/audio/level.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "data/audio/front_end.h"
#include "data/audio/keyed_numbers.h"

namespace emosweep::data {

void change_gain(const StreamKey& key, std::int64_t epoch, std::int64_t position, double most_db,
                 std::span<float> clip) {
  if (most_db <= 0) return;
  KeyedNumbers numbers(derive(key, "gain"), epoch, position);
  const auto gain = static_cast<float>(most_db * (2 * numbers.uniform() - 1));
  for (float& x : clip) x = std::max(kSilentDb, x + gain);
}

void add_noise(const StreamKey& key, std::int64_t epoch, std::int64_t position, double least_db,
               std::span<float> clip) {
  constexpr double kFaintest = 80;  // dB below the loudest cell
  if (least_db <= 0 || clip.empty()) return;
  const double loudest = *std::max_element(clip.begin(), clip.end());
  KeyedNumbers numbers(derive(key, "noise"), epoch, position);
  const double below = least_db + (kFaintest - least_db) * numbers.uniform();
  const double power = std::pow(10, (loudest - below) / 10);
  // Four cells a block; 2^32 blocks a position are more than any window that fits into memory.
  std::vector<float> u(clip.size());
  fill_uniform(u, derive(key, "noise/cells"), static_cast<std::uint64_t>(epoch),
               static_cast<std::uint64_t>(position) << 32);
  for (std::size_t i = 0; i < clip.size(); ++i) {
    const double noise = -power * std::log1p(-static_cast<double>(u[i]));
    clip[i] = static_cast<float>(10 * std::log10(std::pow(10, clip[i] / 10.0) + noise));
  }
}

}  // namespace emosweep::data
