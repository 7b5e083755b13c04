#include "results/mixture.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace emosweep::results {
namespace {

constexpr int kMostSteps = 10'000;
constexpr double kStill = 1e-9;
// A member that is certain of a wrong class does not make the likelihood 0.
constexpr double kLeast = 1e-12;

}  // namespace

std::vector<double> mixture_weights(std::span<const std::span<const float>> probability,
                                    std::span<const std::int32_t> truth, std::int64_t classes) {
  const std::size_t members = probability.size(), n = truth.size();
  EMO_CHECK(members > 0, "an ensemble has members");
  std::vector<double> weights(members, 1.0 / static_cast<double>(members));
  if (n == 0) return weights;
  std::vector<double> of_truth(members * n);  // p_m(y_i)
  for (std::size_t m = 0; m < members; ++m) {
    EMO_CHECK(probability[m].size() == n * static_cast<std::size_t>(classes),
              "members predict the same rows");
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t at =
          i * static_cast<std::size_t>(classes) + static_cast<std::size_t>(truth[i]);
      of_truth[m * n + i] = std::max(kLeast, static_cast<double>(probability[m][at]));
    }
  }
  for (int step = 0; step < kMostSteps; ++step) {
    std::vector<double> next(members, 0);
    for (std::size_t i = 0; i < n; ++i) {
      double sum = 0;
      for (std::size_t m = 0; m < members; ++m) sum += weights[m] * of_truth[m * n + i];
      for (std::size_t m = 0; m < members; ++m) next[m] += weights[m] * of_truth[m * n + i] / sum;
    }
    double moved = 0;
    for (std::size_t m = 0; m < members; ++m) {
      next[m] /= static_cast<double>(n);
      moved = std::max(moved, std::fabs(next[m] - weights[m]));
    }
    weights = std::move(next);
    if (moved < kStill) break;
  }
  return weights;
}

std::vector<float> mixture(std::span<const std::span<const float>> probability,
                           std::span<const double> weights) {
  EMO_CHECK(!probability.empty() && probability.size() == weights.size(), "a weight a member");
  std::vector<double> sum(probability[0].size(), 0);
  for (std::size_t m = 0; m < probability.size(); ++m) {
    EMO_CHECK(probability[m].size() == sum.size(), "members predict the same rows");
    for (std::size_t i = 0; i < sum.size(); ++i)
      sum[i] += weights[m] * static_cast<double>(probability[m][i]);
  }
  return {sum.begin(), sum.end()};
}

}  // namespace emosweep::results
