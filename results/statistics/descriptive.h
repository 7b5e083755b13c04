// What describes a list of scores. Pure, thread-safe. NaN values are left out and not counted.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace emosweep::results {

inline constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

struct Spread {
  std::int64_t n = 0;
  double mean = kUndefined, sd = kUndefined;  // sd: n - 1; undefined for a single value
};
Spread spread_of(std::span<const double> values);

struct Description {
  Spread spread;
  double minimum = kUndefined, lower_quartile = kUndefined, median = kUndefined,
         upper_quartile = kUndefined, maximum = kUndefined;
  double mad = kUndefined;  // median of |value - median|, not scaled to a normal's sd
  double interquartile_mean = kUndefined;  // mean without the floor(n / 4) values at each end
};
Description describe(std::span<const double> values);

// Linear between order statistics (type 7 of Hyndman and Fan 1996, NumPy's default). `sorted`:
// ascending, no NaN; NaN where it is empty. p in [0, 1].
double quantile(std::span<const double> sorted, double p);

}  // namespace emosweep::results
