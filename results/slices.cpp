#include "results/slices.h"

#include <algorithm>
#include <map>

#include "base/error.h"

namespace emosweep::results {

Sliced slices_of(const Samples& samples) {
  Sliced sliced;
  for (const auto& [column, values] : samples.metadata) {
    std::map<std::string, std::uint16_t, bool (*)(const std::string&, const std::string&)> places(
        natural_less);
    for (const auto& value : values) {
      places.emplace(value, 0);
      if (places.size() > kMostSliceValues) break;
    }
    if (places.size() < 2 || places.size() > kMostSliceValues) continue;
    for (auto& [value, place] : places) {
      place = static_cast<std::uint16_t>(sliced.slices.size());
      sliced.slices.push_back({column, value});
    }
    auto& of_sample = sliced.of_sample.emplace_back();
    of_sample.reserve(values.size());
    for (const auto& value : values) of_sample.push_back(places.at(value));
  }
  return sliced;
}

std::vector<SliceCount> slice_counts(const Sliced& sliced, const TargetResult& target,
                                     const std::string& file) {
  if (target.spec.kind == TargetKind::regression) return {};  // values are not counted
  const auto blocks = static_cast<std::size_t>(target_outputs(target.spec));
  std::vector<std::uint64_t> keys;
  keys.reserve(target.truth.size() * sliced.of_sample.size());
  for (const auto& of_sample : sliced.of_sample) {
    for (std::size_t i = 0; i < target.sample.size(); ++i) {
      const auto sample = static_cast<std::size_t>(target.sample[i]);
      if (sample >= of_sample.size()) throw InputError(file + " names samples that do not exist");
      for (std::size_t b = 0; b < blocks; ++b) {
        const std::size_t at = i * blocks + b;
        if (target.truth[at] < 0) continue;  // unknown
        keys.push_back(static_cast<std::uint64_t>(of_sample[sample]) << 48 |
                       static_cast<std::uint64_t>(b) << 32 |
                       static_cast<std::uint64_t>(target.truth[at]) << 16 |
                       static_cast<std::uint64_t>(target.predicted[at]));
      }
    }
  }
  std::sort(keys.begin(), keys.end());
  std::vector<SliceCount> counts;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (i == 0 || keys[i] != keys[i - 1]) {
      counts.push_back(
          {static_cast<std::uint16_t>(keys[i] >> 48), static_cast<std::uint16_t>(keys[i] >> 32),
           static_cast<std::uint16_t>(keys[i] >> 16), static_cast<std::uint16_t>(keys[i]), 0});
    }
    ++counts.back().n;
  }
  return counts;
}

}  // namespace emosweep::results
