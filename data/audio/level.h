// Gain and noise on a spectrogram in decibels, [frames, mels] in place. Every draw is a function of
// (key, epoch, position in the epoch's global order).
#pragma once

#include <cstdint>
#include <span>

#include "base/philox.h"

namespace emosweep::data {

// Louder or quieter by up to `most_db`; what falls below kSilentDb is lost. A window that is
// levelled to its loudest cell shows no more of it than that.
void change_gain(const StreamKey& key, std::int64_t epoch, std::int64_t position, double most_db,
                 std::span<float> clip);
// White noise of `least_db` to 80 dB below the loudest cell: the same expected power in all bands,
// which are of equal area, and in each cell an exponential one, as in a bin of a spectrum.
void add_noise(const StreamKey& key, std::int64_t epoch, std::int64_t position, double least_db,
               std::span<float> clip);

}  // namespace emosweep::data
