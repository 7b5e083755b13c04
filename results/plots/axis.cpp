#include "results/plots/axis.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace emosweep::results {
namespace {

double step_of(double low, double high, int about) {
  const double raw = (high - low) / std::max(about, 1);
  const double power = std::pow(10, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= raw * 0.999) return factor * power;
  }
  return 10 * power;
}

}  // namespace

std::vector<double> ticks(double low, double high, int about) {
  std::vector<double> result;
  if (!(high > low)) return {low};
  const double step = step_of(low, high, about);
  for (double i = std::ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; ++i) {
    result.push_back(i * step + 0.0);
  }
  return result;
}

std::string tick_text(double value, double step) {
  const int digits = std::max(0, static_cast<int>(std::ceil(-std::log10(step) - 1e-9)));
  char text[48];
  std::snprintf(text, sizeof text, "%.*f", digits, std::fabs(value) < step * 1e-6 ? 0 : value);
  return text;
}

Range range_of(const std::vector<double>& values, double least, double most) {
  double low = INFINITY, high = -INFINITY;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  if (!(low <= high)) return {least > -1e300 ? least : 0, most < 1e300 ? most : 1};
  if (high - low < 1e-3) {
    low -= 0.02;
    high += 0.02;
  }
  const double room = 0.04 * (high - low);
  low = std::max(least, low - room);
  high = std::min(most, high + room);
  return {low, high};
}

void horizontal_axis(Svg& svg, const Scale& x, double top, double bottom,
                     const std::string& title) {
  const auto places = ticks(x.low, x.high, std::max(2, static_cast<int>((x.to - x.from) / 62)));
  const double step = places.size() > 1 ? places[1] - places[0] : 1;
  for (const double place : places) {
    svg.line({x(place), top}, {x(place), bottom}, "grid");
    svg.text({x(place), bottom + 15}, tick_text(place, step), "small", Anchor::middle);
  }
  svg.line({x.from, bottom}, {x.to, bottom}, "axis");
  svg.text({(x.from + x.to) / 2, bottom + 31}, title, "quiet", Anchor::middle);
}

void vertical_axis(Svg& svg, const Scale& y, double left, double right, const std::string& title) {
  const auto places =
      ticks(y.low, y.high, std::max(2, static_cast<int>(std::fabs(y.to - y.from) / 42)));
  const double step = places.size() > 1 ? places[1] - places[0] : 1;
  for (const double place : places) {
    svg.line({left, y(place)}, {right, y(place)}, "grid");
    svg.text({left - 6, y(place) + 4}, tick_text(place, step), "small", Anchor::end);
  }
  svg.text({left - 6, std::min(y.from, y.to) - 9}, title, "quiet");
}

double name_width(const std::vector<std::string>& names) {
  std::size_t longest = 4;
  for (const auto& name : names) {
    longest = std::max(longest, std::min(characters(name), kLongestName));
  }
  return 6.7 * static_cast<double>(longest) + 14;
}

}  // namespace emosweep::results
