#include "data/audio/statistics.h"

#include <algorithm>
#include <cmath>

#include "base/canonical.h"
#include "base/error.h"

namespace emosweep::data {
namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

double mean_of(std::span<const float> x) {
  double sum = 0;
  for (const float value : x) sum += value;
  return sum / static_cast<double>(x.size());
}

double deviation(std::span<const float> x, double mean) {
  double square = 0;
  for (const float value : x) square += (value - mean) * (value - mean);
  return std::sqrt(square / static_cast<double>(x.size()));
}

double percentile(std::span<const float> sorted, double percent) {
  const double place = percent / 100 * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(place);
  const std::size_t high = std::min(low + 1, sorted.size() - 1);
  const double share = place - static_cast<double>(low);
  return sorted[low] + share * (static_cast<double>(sorted[high]) - sorted[low]);
}

}  // namespace

std::string identity_text(const StatisticsOptions& options) {
  std::string percentiles, deltas;
  for (const double percent : options.percentiles) percentiles += number_text(percent) + " ";
  for (const std::int64_t delta : options.deltas) deltas += number_text(delta) + " ";
  return canonical_text({{"statistics", "1"}, {"percentiles", percentiles}, {"deltas", deltas}});
}

std::vector<std::string> statistic_names(const StatisticsOptions& options) {
  std::vector<std::string> names{"mean", "sd"};
  for (const double percent : options.percentiles) names.push_back("p" + number_text(percent));
  for (const std::int64_t delta : options.deltas)
    for (const char* what : {"_sd", "_size"})
      names.push_back("delta" + std::to_string(delta) + what);
  return names;
}

void make_statistics(std::span<const float> clip, std::int64_t mels,
                     const StatisticsOptions& options, std::span<float> out) {
  const std::int64_t frames = static_cast<std::int64_t>(clip.size()) / mels;
  EMO_CHECK(frames > 0 && out.size() == at(mels) * statistic_names(options).size(),
            "statistics are of a whole spectrogram");
  std::vector<float> band(at(frames)), change(at(frames));
  for (std::int64_t m = 0; m < mels; ++m) {
    float* to = out.data() + m;
    const auto put = [&](double value) {
      *to = static_cast<float>(value);
      to += mels;
    };
    for (std::int64_t f = 0; f < frames; ++f) band[at(f)] = clip[at(f * mels + m)];
    const double mean = mean_of(band);
    put(mean);
    put(deviation(band, mean));
    std::vector<float>& sorted = change;
    std::copy(band.begin(), band.end(), sorted.begin());
    std::sort(sorted.begin(), sorted.end());
    for (const double percent : options.percentiles) put(percentile(sorted, percent));
    for (const std::int64_t delta : options.deltas) {
      if (delta >= frames) {
        put(0);
        put(0);
        continue;
      }
      const std::span<float> changes = std::span(change).first(at(frames - delta));
      double size = 0;
      for (std::size_t f = 0; f < changes.size(); ++f) {
        changes[f] = band[f + at(delta)] - band[f];
        size += std::fabs(changes[f]);
      }
      put(deviation(changes, mean_of(changes)));
      put(size / static_cast<double>(changes.size()));
    }
  }
}

}  // namespace emosweep::data
