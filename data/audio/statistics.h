// What a spectrogram is over time, band by band: features of fixed width for feature models.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace emosweep::data {

struct StatisticsOptions {
  std::vector<double> percentiles{10, 25, 50, 75, 90};  // 0 to 100, of each band's frames
  // Differences over so many frames, for each of which there are two columns a band: their standard
  // deviation, and the mean of their magnitude.
  std::vector<std::int64_t> deltas{1, 2, 4, 8};
};

std::string identity_text(const StatisticsOptions& options);
// One name a kind of column, in their order: mean, sd, p10, ..., delta1_sd, delta1_size, ...
std::vector<std::string> statistic_names(const StatisticsOptions& options);

// clip: [frames, mels], one frame or more. out: [names, mels], decibels. Percentiles interpolate
// linearly (NumPy's default); standard deviations are of the population. A delta that reaches
// beyond the clip is 0.
void make_statistics(std::span<const float> clip, std::int64_t mels,
                     const StatisticsOptions& options, std::span<float> out);

}  // namespace emosweep::data
