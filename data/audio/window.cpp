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

std::int64_t evaluation_start(std::int64_t frames, std::int64_t window, std::int64_t number,
                              std::int64_t windows) {
  EMO_CHECK(number >= 0 && number < windows, "a window is one of those that there are");
  if (windows == 1) return centre_start(frames, window);
  const std::int64_t room = std::max<std::int64_t>(0, frames - window), gaps = windows - 1;
  return (2 * room * number + gaps) / (2 * gaps);
}

void cut_window(std::span<const float> clip, std::int64_t mels, std::int64_t start,
                std::int64_t window, const WindowOptions& options, std::span<float> out) {
  const std::int64_t frames = static_cast<std::int64_t>(clip.size()) / mels;
  EMO_CHECK(static_cast<std::int64_t>(clip.size()) == frames * mels &&
                static_cast<std::int64_t>(out.size()) == mels * window,
            "a window is cut from whole frames");
  // The window's frames [first, last) are of the recording.
  const std::int64_t first = std::clamp<std::int64_t>(-start, 0, window);
  const std::int64_t last = std::clamp<std::int64_t>(frames - start, first, window);
  const auto cells =
      clip.subspan(static_cast<std::size_t>((first < last ? start + first : 0) * mels),
                   static_cast<std::size_t>((last - first) * mels));
  const float loudest = cells.empty() ? kSilentDb : *std::max_element(cells.begin(), cells.end());
  const float least = -static_cast<float>(options.top_db);
  const float silence = std::max(least, kSilentDb - loudest);
  for (std::int64_t m = 0; m < mels; ++m) {
    float* const row = out.data() + m * window;
    std::fill(row, row + first, silence);
    for (std::int64_t f = first; f < last; ++f)
      row[f] = std::max(least, cells[static_cast<std::size_t>((f - first) * mels + m)] - loudest);
    std::fill(row + last, row + window, silence);
  }
  if (options.standardise) standardise(out);
}

}  // namespace emosweep::data
