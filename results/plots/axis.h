// Scales, ticks and the left column of names that most plots share. Private to results/.
#pragma once

#include <string>
#include <vector>

#include "results/plots/svg.h"

namespace emosweep::results {

struct Scale {  // value -> pixel, linear
  double low = 0, high = 1, from = 0, to = 1;
  double operator()(double value) const {
    return from + (value - low) / (high - low) * (to - from);
  }
};

// Multiples of 1, 2 or 5 times a power of ten within [low, high], about `about` of them.
std::vector<double> ticks(double low, double high, int about);
std::string tick_text(double value, double step);

// The range of values, widened to ticks and by a little room; within [least, most].
struct Range {
  double low = 0, high = 0;
};
Range range_of(const std::vector<double>& values, double least, double most);

// Vertical grid lines with their numbers below, from y = top to bottom.
void horizontal_axis(Svg& svg, const Scale& x, double top, double bottom, const std::string& title);
// Horizontal grid lines with their numbers to the left.
void vertical_axis(Svg& svg, const Scale& y, double left, double right, const std::string& title);

// Width of a column of names in pixels; longer names are cut by shortened().
inline constexpr std::size_t kLongestName = 34;
double name_width(const std::vector<std::string>& names);

}  // namespace emosweep::results
