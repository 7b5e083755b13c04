// Another voice and another tempo: a window of a spectrogram with its frequencies and its time
// stretched. Draws are functions of (key, epoch, position in the epoch's global order). Pure,
// thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/audio/augment.h"
#include "data/audio/front_end.h"

namespace emosweep::data {

struct Warp {
  double frequency = 1;  // alpha below: above 1 a shorter vocal tract
  double tempo = 1;      // frames of the recording that a frame of the window passes
  bool none() const { return frequency == 1 && tempo == 1; }
};

// frequency: uniform in 1 -+ vtlp; tempo: uniform in 1 -+ time_stretch.
Warp draw_warp(const AugmentOptions& options, const AugmentPlace& place);

// Vocal tract length perturbation (Jaitly and Hinton 2013): a frequency f becomes
//   alpha f                                                  where f <= F min(alpha, 1) / alpha,
//   S - (S - F min(alpha, 1)) / (S - F min(alpha, 1) / alpha) (S - f)    above,
// with S = f_max, which is sr / 2 unless given, and F = .6 S, their 4800 Hz at 16 kHz. Returns for
// every band of the front end where its centre comes from: a place among the centres, 0 the first
// band's, between two where it is no whole number, in [0, n_mels - 1]. [n_mels]
std::vector<double> warped_bands(const FrontEndOptions& options, double alpha);

// Recording's frames that a window of `frames` passes.
std::int64_t source_frames(std::int64_t frames, double tempo);
// clip: [n, bands] decibels; out: [frames, bands], from frame `start` of the clip on, which may lie
// before it; silence outside. Between frames and bands decibels are interpolated linearly.
void cut_warped(std::span<const float> clip, std::int64_t bands, std::int64_t start, double tempo,
                std::span<const double> source_band, std::span<float> out);

}  // namespace emosweep::data
