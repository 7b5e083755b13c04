#include "results/statistics/descriptive.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace emosweep::results {
namespace {

std::vector<double> sorted_values(std::span<const double> values) {
  std::vector<double> sorted;
  sorted.reserve(values.size());
  std::copy_if(values.begin(), values.end(), std::back_inserter(sorted),
               [](double value) { return !std::isnan(value); });
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

double mean_of_middle(std::span<const double> sorted) {
  const std::size_t cut = sorted.size() / 4;
  return spread_of(sorted.subspan(cut, sorted.size() - 2 * cut)).mean;
}

double median_deviation(std::span<const double> sorted, double median) {
  std::vector<double> deviations;
  deviations.reserve(sorted.size());
  for (const double value : sorted) deviations.push_back(std::fabs(value - median));
  std::sort(deviations.begin(), deviations.end());
  return quantile(deviations, 0.5);
}

}  // namespace

Spread spread_of(std::span<const double> values) {
  Spread spread;
  double sum = 0;
  for (const double value : values) {
    if (std::isnan(value)) continue;
    sum += value;
    ++spread.n;
  }
  if (spread.n == 0) return spread;
  spread.mean = sum / static_cast<double>(spread.n);
  if (spread.n == 1) return spread;
  double squares = 0;
  for (const double value : values) {
    if (!std::isnan(value)) squares += (value - spread.mean) * (value - spread.mean);
  }
  spread.sd = std::sqrt(squares / static_cast<double>(spread.n - 1));
  return spread;
}

double quantile(std::span<const double> sorted, double p) {
  EMO_CHECK(p >= 0 && p <= 1, "a quantile's probability lies in [0, 1]");
  if (sorted.empty()) return kUndefined;
  const double place = p * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  if (below + 1 >= sorted.size()) return sorted.back();
  const double part = place - static_cast<double>(below);
  return sorted[below] + part * (sorted[below + 1] - sorted[below]);
}

Description describe(std::span<const double> values) {
  const std::vector<double> sorted = sorted_values(values);
  Description result;
  result.spread = spread_of(values);
  if (sorted.empty()) return result;
  result.minimum = sorted.front();
  result.lower_quartile = quantile(sorted, 0.25);
  result.median = quantile(sorted, 0.5);
  result.upper_quartile = quantile(sorted, 0.75);
  result.maximum = sorted.back();
  result.mad = median_deviation(sorted, result.median);
  result.interquartile_mean = mean_of_middle(sorted);
  return result;
}

}  // namespace emosweep::results
