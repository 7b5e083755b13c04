// Mono samples from one rate to another, through libswresample. Internal to data/audio/.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/audio/ffmpeg.h"

namespace emosweep::data {

class Resampler {
 public:
  Resampler(int from, std::int64_t to);  // computes a filter for each phase: 0.3 ms
  ~Resampler();
  Resampler(const Resampler&) = delete;
  Resampler& operator=(const Resampler&) = delete;

  void begin();  // of another recording; also after one that was not finished
  void add(std::span<const float> samples, std::vector<float>& out);
  // After the last sample: `out` then holds round(samples * to / from) samples.
  void finish(std::int64_t samples, std::vector<float>& out);

 private:
  void convert(std::span<const float> samples, std::vector<float>& out);

  const Ffmpeg& ff_ = ffmpeg();
  std::int64_t from_, to_;
  SwrContext* context_ = nullptr;  // nullptr: the rates are equal
};

}  // namespace emosweep::data
