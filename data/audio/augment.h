// What training changes about a spectrogram, so that no epoch sees the same one twice. Random
// numbers are functions of (key, epoch, position in the epoch's global order): a clip that is drawn
// twice in an epoch gets two augmentations, on any number of ranks. Pure, thread-safe.
#pragma once

#include <cstdint>
#include <span>

#include "base/philox.h"

namespace emosweep::data {

struct AugmentOptions {
  bool random_crop = true;  // windows begin anywhere in a longer recording; else in its middle
  // SpecAugment (Park et al. 2019): masks of 0 to so many bands or frames, each anywhere; 0: none.
  std::int64_t specaug_freq = 8, specaug_time = 20;
  std::int64_t masks = 2;   // of each kind
  double time_shift = 0;    // windows begin up to so many seconds earlier or later; silence outside
  double gain_db = 0;       // louder or quieter by up to so many dB (level.h)
  double noise_db = 0;      // white noise from so many dB below the loudest cell; 0: none (level.h)
  double mixup = 0;         // alpha of mixup.h; 0: nothing is mixed
  double vtlp = 0;          // frequencies warped by 1 -+ so much (warp.h)
  double time_stretch = 0;  // faster or slower by so much (warp.h)
};

struct AugmentPlace {
  StreamKey key;  // derive(trial's key, "augment")
  std::int64_t epoch = 0, position = 0;
};

// Where the window of a recording of `frames`, of which it passes `window`, begins; shift:
// time_shift in frames.
std::int64_t crop_start(std::int64_t frames, std::int64_t window, std::int64_t shift,
                        const AugmentOptions& options, const AugmentPlace& place);
// image: [bands, frames]; masked cells become its mean, as those of a standardised window are 0.
void mask_bands_and_frames(std::span<float> image, std::int64_t bands, std::int64_t frames,
                           const AugmentOptions& options, const AugmentPlace& place);

}  // namespace emosweep::data
