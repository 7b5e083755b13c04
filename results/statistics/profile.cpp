#include "results/statistics/profile.h"

#include <algorithm>
#include <cmath>

namespace emosweep::results {
namespace {

// Chances that the i-th smallest of N is the largest of n drawn: [N].
std::vector<double> chances(std::size_t total, std::size_t n, Draw draw) {
  std::vector<double> result(total, 0);
  const auto whole = static_cast<double>(total);
  if (draw == Draw::with_replacement) {
    const auto power = static_cast<double>(n);
    for (std::size_t i = 0; i < total; ++i) {
      const auto below = static_cast<double>(i);
      result[i] = std::pow((below + 1) / whole, power) - std::pow(below / whole, power);
    }
    return result;
  }
  // From the largest down: C(N-1, n-1) / C(N, n) = n / N, then C(i-1, n-1) = C(i, n-1) (i-n+1) / i.
  double chance = static_cast<double>(n) / whole;
  for (std::size_t i = total; i >= n; --i) {
    result[i - 1] = chance;
    if (i > 1) chance *= static_cast<double>(i - n) / static_cast<double>(i - 1);
  }
  return result;
}

}  // namespace

std::vector<ProfilePoint> performance_profile(const ScoreTable& scores,
                                              std::span<const double> thresholds, double level,
                                              const BootstrapOptions& options) {
  const std::size_t n = thresholds.size(), cells = scores.values().size();
  if (cells == 0) return {};
  std::vector<std::uint32_t> below(cells);  // of each cell, how many thresholds it is above
  for (std::size_t i = 0; i < cells; ++i) {
    below[i] = static_cast<std::uint32_t>(
        std::lower_bound(thresholds.begin(), thresholds.end(), scores.values()[i]) -
        thresholds.begin());
  }
  const auto shares = [&](auto begin, auto end, const auto& cell_of, double* share, auto stride) {
    std::vector<std::size_t> counts(n + 1, 0);
    for (auto it = begin; it != end; ++it) ++counts[below[cell_of(it)]];
    std::size_t above = 0;
    for (std::size_t t = n; t > 0; --t) {
      above += counts[t];
      share[(t - 1) * stride] = static_cast<double>(above) / static_cast<double>(cells);
    }
  };
  std::vector<double> own(n);
  shares(
      std::size_t{0}, cells, [](std::size_t i) { return i; }, own.data(), std::size_t{1});
  const auto replicates = static_cast<std::size_t>(options.replicates);
  std::vector<double> resampled(n * replicates);  // [thresholds, replicates]
  for_each_replicate(scores.seeds(), scores.subjects(), "performance profile", options,
                     [&](std::size_t replicate, Resampled drawn) {
                       shares(
                           drawn.begin(), drawn.end(), [](auto it) { return *it; },
                           resampled.data() + replicate, replicates);
                     });
  std::vector<ProfilePoint> points;
  for (std::size_t t = 0; t < n; ++t) {
    const std::span<const double> of_one(resampled.data() + t * replicates, replicates);
    points.push_back({thresholds[t], own[t], percentile_interval(of_one, level)});
  }
  return points;
}

std::vector<double> expected_best(std::span<const double> scores, Draw draw) {
  std::vector<double> sorted(scores.begin(), scores.end());
  std::sort(sorted.begin(), sorted.end());
  std::vector<double> best;
  for (std::size_t n = 1; n <= sorted.size(); ++n) {
    const auto chance = chances(sorted.size(), n, draw);
    double sum = 0;
    for (std::size_t i = 0; i < sorted.size(); ++i) sum += sorted[i] * chance[i];
    best.push_back(sum);
  }
  return best;
}

}  // namespace emosweep::results
