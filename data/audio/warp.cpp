#include "data/audio/warp.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "data/audio/keyed_numbers.h"

namespace emosweep::data {
namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

// The frequency that becomes `hz`.
double unwarped(double hz, double alpha, double top) {
  const double knee = .6 * top * std::min(alpha, 1.0);
  if (hz <= knee) return hz / alpha;
  return top - (top - hz) * (top - knee / alpha) / (top - knee);
}

}  // namespace

Warp draw_warp(const AugmentOptions& options, const AugmentPlace& place) {
  KeyedNumbers numbers(derive(place.key, "warp"), place.epoch, place.position);
  const auto around_one = [&](double most) { return 1 + most * (2 * numbers.uniform() - 1); };
  Warp warp;
  warp.frequency = around_one(options.vtlp);
  warp.tempo = around_one(options.time_stretch);
  return warp;
}

std::vector<double> warped_bands(const FrontEndOptions& options, double alpha) {
  EMO_CHECK(alpha > 0 && alpha < 2, "a warp of frequencies lies near 1");
  const double top = options.f_max > 0 ? options.f_max : static_cast<double>(options.sr) / 2;
  std::vector<double> source(at(options.n_mels));
  for (std::int64_t b = 0; b < options.n_mels; ++b) {
    if (alpha == 1) {
      source[at(b)] = static_cast<double>(b);
      continue;
    }
    const double hz = unwarped(centre_hz(options, static_cast<double>(b)), alpha, top);
    source[at(b)] = std::clamp(band_of(options, hz), 0.0, static_cast<double>(options.n_mels - 1));
  }
  return source;
}

std::int64_t source_frames(std::int64_t frames, double tempo) {
  return static_cast<std::int64_t>(std::ceil(static_cast<double>(frames) * tempo));
}

void cut_warped(std::span<const float> clip, std::int64_t bands, std::int64_t start, double tempo,
                std::span<const double> source_band, std::span<float> out) {
  EMO_CHECK(std::ssize(source_band) == bands && std::ssize(clip) % bands == 0 &&
                std::ssize(out) % bands == 0,
            "a spectrogram is [frames, bands]");
  const std::int64_t frames = std::ssize(clip) / bands, window = std::ssize(out) / bands;
  std::vector<float> row(at(bands));
  for (std::int64_t t = 0; t < window; ++t) {
    const double place = static_cast<double>(start) + static_cast<double>(t) * tempo;
    const auto before = static_cast<std::int64_t>(std::floor(place));
    const auto share = static_cast<float>(place - static_cast<double>(before));
    float* const to = out.data() + t * bands;
    if (before < 0 || before >= frames) {
      std::fill_n(to, bands, kSilentDb);
      continue;
    }
    const float* const now = clip.data() + before * bands;
    const float* const next = before + 1 < frames ? now + bands : now;
    for (std::int64_t b = 0; b < bands; ++b) row[at(b)] = now[b] + share * (next[b] - now[b]);
    for (std::int64_t b = 0; b < bands; ++b) {
      const auto low = static_cast<std::int64_t>(source_band[at(b)]);
      const float above = row[at(std::min(low + 1, bands - 1))];
      const auto part = static_cast<float>(source_band[at(b)] - static_cast<double>(low));
      to[b] = row[at(low)] + part * (above - row[at(low)]);
    }
  }
}

}  // namespace emosweep::data
