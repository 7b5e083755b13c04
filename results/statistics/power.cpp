#include "results/statistics/power.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "results/statistics/distributions.h"

namespace emosweep::results {
namespace {

constexpr double kTooMany = 1e12;

}  // namespace

double paired_t_power(double d_z, std::int64_t n, double alpha) {
  if (n < 2) return std::numeric_limits<double>::quiet_NaN();
  const auto count = static_cast<double>(n);
  const double critical = student_quantile(1 - alpha / 2, count - 1);
  const double shift = d_z * std::sqrt(count);
  return 1 - noncentral_t_cdf(critical, count - 1, shift) +
         noncentral_t_cdf(-critical, count - 1, shift);
}

std::int64_t pairs_needed(double d_z, const PowerOptions& options) {
  if (std::isnan(d_z) || d_z == 0) return 0;
  d_z = std::min(std::fabs(d_z), 30.0);  // two differences are enough for far smaller effects
  // The normal's answer is never above t's, and t needs only a few more.
  const double z = normal_quantile(1 - options.alpha / 2) + normal_quantile(options.power);
  const double start = z * z / (d_z * d_z);
  if (!(start < kTooMany)) return 0;
  const auto enough = [&](std::int64_t n) {
    return paired_t_power(d_z, n, options.alpha) >= options.power;
  };
  std::int64_t too_few = 1, n = std::max<std::int64_t>(2, static_cast<std::int64_t>(start));
  while (!enough(n)) {
    too_few = n;
    n += std::max<std::int64_t>(4, n / 8);
  }
  while (n - too_few > 1) {
    const std::int64_t middle = too_few + (n - too_few) / 2;
    (enough(middle) ? n : too_few) = middle;
  }
  return n;
}

std::int64_t pairs_needed_for_probability(double probability, const PowerOptions& options) {
  const double z = normal_quantile(1 - options.alpha) + normal_quantile(options.power);
  const double root = z / (std::sqrt(6.0) * (probability - 0.5));
  if (!(root * root < kTooMany)) return 0;
  return static_cast<std::int64_t>(std::ceil(root * root));
}

}  // namespace emosweep::results
