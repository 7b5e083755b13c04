// What a network sees of a spectrogram: a window of fixed length, levelled and standardised.
#pragma once

#include <cstdint>
#include <span>

namespace emosweep::data {

struct WindowOptions {
  double seconds = 3;       // length; shorter recordings are followed by silence
  double top_db = 80;       // what lies further below the window's loudest cell is raised to there
  bool standardise = true;  // to mean 0 and standard deviation 1, each window by its own cells
};

// Frames of the window: 1 + seconds * sr / hop_length, rounded down.
std::int64_t window_frames(const WindowOptions& options, std::int64_t sr, std::int64_t hop_length);
// Where the window of evaluation begins: in the middle of a longer recording, else at 0.
std::int64_t centre_start(std::int64_t frames, std::int64_t window);

// Where window `number` (from 0) of `windows` begins: at equal distances from the recording's start
// to its end, rounded to whole frames, of one window in the middle; 0 where the recording is no
// longer than a window.
std::int64_t evaluation_start(std::int64_t frames, std::int64_t window, std::int64_t number,
                              std::int64_t windows);

// clip: [frames, mels], as FrontEnd gives it. out: [mels, window], frames from `start` on, silence
// before the first (start < 0) and after the last; level 0 dB is the window's loudest cell, as
// librosa's power_to_db with ref=max, before standardising. A window of equal cells becomes 0.
void cut_window(std::span<const float> clip, std::int64_t mels, std::int64_t start,
                std::int64_t window, const WindowOptions& options, std::span<float> out);

}  // namespace emosweep::data
