#include "data/audio/clip_windows.h"

#include <algorithm>
#include <cmath>

#include "base/canonical.h"
#include "base/error.h"

namespace emosweep::data {
namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

// `seconds` in frames.
double hop_of(double seconds, const FrontEndOptions& front_end) {
  if (!std::isfinite(seconds) || !(seconds > 0)) {
    throw InputError("windows every " + number_text(seconds) +
                     " seconds: a number above 0 is expected");
  }
  const auto sr = static_cast<double>(front_end.sr),
             frame = static_cast<double>(front_end.hop_length);
  constexpr double kMost = 1e15;  // frames, far beyond any recording: its first and last are left
  const double hop = std::min(kMost, seconds * sr / frame);
  if (hop < 1 - 1e-9) {
    throw InputError("windows every " + number_text(seconds) +
                     " seconds: the spectrograms have a frame every " + number_text(frame / sr) +
                     " seconds (hop_length / sr), and windows begin on frames: write that or more");
  }
  return std::max(1.0, hop);
}

// Seconds of the recording that its spectrogram holds.
double length_of(const ClipInfo& info, const ClipPolicy& policy) {
  return info.cut ? std::min(info.seconds, policy.max_seconds) : info.seconds;
}

}  // namespace

std::vector<std::int64_t> window_starts(std::int64_t frames, std::int64_t window, double hop) {
  EMO_CHECK(window > 0 && hop >= 1, "windows have a frame and begin at different ones");
  const std::int64_t last = std::max<std::int64_t>(0, frames - window);
  std::vector<std::int64_t> starts;
  for (std::int64_t k = 0;; ++k) {
    const double start = std::floor(static_cast<double>(k) * hop + .5);
    if (!(start < static_cast<double>(last))) break;
    starts.push_back(static_cast<std::int64_t>(start));
  }
  starts.push_back(last);
  return starts;
}

std::vector<ClipWindow> windows_of(const Clips& clips, std::span<const std::int32_t> rows,
                                   double seconds) {
  const FrontEndOptions& front_end = clips.options.front_end;
  const double hop = hop_of(seconds, front_end), sr = static_cast<double>(front_end.sr);
  const std::int64_t window =
      window_frames(clips.options.window, front_end.sr, front_end.hop_length);
  std::vector<ClipWindow> windows;
  for (const std::int32_t row : rows) {
    const std::int32_t clip = clips.clip[at(row)];
    if (clip < 0) continue;
    const double length = length_of(clips.store->info(clip), clips.options.policy);
    for (const std::int64_t start : window_starts(clips.store->rows(clip), window, hop)) {
      const auto sample = static_cast<double>(start * front_end.hop_length);
      const double end = (sample + clips.options.window.seconds * sr) / sr;
      windows.push_back({row, start, sample / sr, std::min(end, length)});
    }
    windows.back().end = length;
  }
  return windows;
}

}  // namespace emosweep::data
