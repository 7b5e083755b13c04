#include "data/audio/window.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "data/audio/front_end.h"

namespace emosweep::data {
namespace {

void standardise(std::span<float> cells) {
  double sum = 0, square = 0;
  for (const float x : cells) sum += x;
  const double n = static_cast<double>(cells.size()), mean = sum / n;
  for (const float x : cells) square += (x - mean) * (x - mean);
  const double sd = std::sqrt(square / n);
  // Rounding leaves a trace of equal cells; decibels that differ at all differ by far more.
  const double scale = sd > 1e-6 ? 1 / sd : 0;
  for (float& x : cells) x = static_cast<float>((x - mean) * scale);
}

}  // namespace

std::int64_t window_frames(const WindowOptions& options, std::int64_t sr, std::int64_t hop_length) {
  return 1 + static_cast<std::int64_t>(options.seconds * static_cast<double>(sr)) / hop_length;
}

std::int64_t centre_start(std::int64_t frames, std::int64_t window) {
  return std::max<std::int64_t>(0, (frames - window) / 2);
}

void cut_window(std::span<const float> clip, std::int64_t mels, std::int64_t start,
                std::int64_t window, const WindowOptions& options, std::span<float> out) {
  const std::int64_t frames = static_cast<std::int64_t>(clip.size()) / mels;
  EMO_CHECK(static_cast<std::int64_t>(clip.size()) == frames * mels &&
                static_cast<std::int64_t>(out.size()) == mels * window && start >= 0 &&
                start <= std::max<std::int64_t>(0, frames - window),
            "a window lies within its recording");
  const std::int64_t taken = std::min(window, frames - start);
  const float* const from = clip.data() + start * mels;
  const float loudest = taken > 0 ? *std::max_element(from, from + taken * mels) : kSilentDb;
  const float least = -static_cast<float>(options.top_db);
  for (std::int64_t m = 0; m < mels; ++m) {
    float* const row = out.data() + m * window;
    for (std::int64_t f = 0; f < window; ++f) {
      const float db = f < taken ? from[f * mels + m] : kSilentDb;
      row[f] = std::max(least, db - loudest);
    }
  }
  if (options.standardise) standardise(out);
}

}  // namespace emosweep::data
