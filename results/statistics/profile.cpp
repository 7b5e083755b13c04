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
  std::vector<ProfilePoint> points;
  for (const double threshold : thresholds) {
    std::vector<double> above(scores.values().begin(), scores.values().end());
    for (double& value : above) value = value > threshold ? 1 : 0;
    const ScoreTable table(scores.seeds(), scores.subjects(), std::move(above));
    // One name: every threshold sees the same tables, so the band's bounds fall with the threshold.
    const auto replicates = bootstrap_means(table, "performance profile", options);
    points.push_back({threshold, table.mean(), percentile_interval(replicates, level)});
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
