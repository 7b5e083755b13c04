// The windows that a long recording is cut into for prediction: each as long as the model's own,
// beginning in equal steps, the last at the recording's end.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/audio/clips.h"

namespace emosweep::data {

struct ClipWindow {
  std::int32_t row = 0;       // of the dataset
  std::int64_t frame = 0;     // of the recording's spectrogram, where the window begins
  double start = 0, end = 0;  // seconds in the recording; end <= its length
};

// Frames at which windows of `window` frames begin: 0, hop, 2 hop, ..., each rounded to the nearest
// frame, as long as the window ends before the last frame; then the one that ends with it. A
// recording of at most `window` frames gives one, at 0. hop: frames, at least 1, need not be whole.
std::vector<std::int64_t> window_starts(std::int64_t frames, std::int64_t window, double hop);

// Of every row, in order; none of a row without a recording. `seconds`: from one window's beginning
// to the next. A window's start is its first frame's centre, its end `window.seconds` later, and of
// the last window the end of what is used of the recording. InputError where `seconds` is not above
// 0 or less than a frame.
std::vector<ClipWindow> windows_of(const Clips& clips, std::span<const std::int32_t> rows,
                                   double seconds);

}  // namespace emosweep::data
