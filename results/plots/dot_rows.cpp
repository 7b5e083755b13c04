#include "results/plots/dot_rows.h"

#include <algorithm>
#include <cmath>

#include "results/text_layout.h"

namespace emosweep::results {
namespace {

constexpr double kRow = 30, kTop = 30, kPlot = 520, kValues = 62;

void bar(Svg& svg, const Scale& x, double middle, double height, const Interval& interval,
         const std::string& style, const std::string& what) {
  if (std::isnan(interval.lower)) return;
  const double low = std::max(interval.lower, x.low), high = std::min(interval.upper, x.high);
  svg.rect({x(low), middle - height / 2}, std::max(1.0, x(high) - x(low)), height, style,
           what + " " + bracketed(interval.lower, interval.upper, 3), 1, 2);
}

void legend(Svg& svg, double at, const DotRowsOptions& options) {
  const auto label = [&](const std::string& text) {
    svg.text({at + 26, 15}, text, "small");
    at += 40 + 5.8 * static_cast<double>(characters(text));
  };
  if (!options.dot.empty()) {
    svg.circle({at + 16, 11}, 3.4, "dot");
    label(options.dot);
  }
  svg.line({at + 16, 5}, {at + 16, 17}, "mean");
  label("mean");
  if (!options.narrow.empty()) {
    svg.rect({at, 8}, 22, 6, "narrow", "", 1, 2);
    label(options.narrow);
  }
  if (!options.wide.empty()) {
    svg.rect({at, 4}, 22, 14, "wide", "", 1, 2);
    label(options.wide);
  }
}

Scale scale_of(const std::vector<DotRow>& rows, const DotRowsOptions& options, double from) {
  std::vector<double> values;
  for (const auto& row : rows) {
    values.insert(values.end(), row.dots.begin(), row.dots.end());
    for (const double value :
         {row.mean, row.narrow.lower, row.narrow.upper, row.wide.lower, row.wide.upper}) {
      values.push_back(value);
    }
  }
  for (const auto& reference : options.references) values.push_back(reference.value);
  const Range range = range_of(values, options.least, 1);
  return {range.low, range.high, from, from + kPlot};
}

}  // namespace

Svg dot_rows(const std::vector<DotRow>& rows, const DotRowsOptions& options) {
  std::vector<std::string> names;
  for (const auto& row : rows) names.push_back(row.name);
  const double left = name_width(names);
  const double bottom = kTop + kRow * static_cast<double>(rows.size());
  Svg svg(left + kPlot + kValues, bottom + (options.references.empty() ? 40 : 54));
  const Scale x = scale_of(rows, options, left);
  legend(svg, left, options);
  horizontal_axis(svg, x, kTop, bottom, options.axis);
  double last_label = -1e9;
  for (const auto& reference : options.references) {
    if (std::isnan(reference.value)) continue;
    svg.line({x(reference.value), kTop}, {x(reference.value), bottom}, "chance", reference.name);
    const double at = std::max(x(reference.value), last_label);
    const std::string label = reference.name + " " + score(reference.value, 3);
    svg.text({at + 3, bottom + 46}, label, "small");
    last_label = at + 8 + 5.8 * static_cast<double>(characters(label));
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const DotRow& row = rows[i];
    const double middle = kTop + kRow * (static_cast<double>(i) + 0.5);
    svg.text({0, middle + 4}, shortened(row.name, kLongestName), "", Anchor::start, row.name);
    bar(svg, x, middle, 17, row.wide, "wide", options.wide);
    bar(svg, x, middle, 7, row.narrow, "narrow", options.narrow);
    for (std::size_t s = 0; s < row.dots.size(); ++s) {
      if (std::isnan(row.dots[s])) continue;
      // Alternately a little above and below, so that close seeds can be told apart.
      const double shift = row.dots.size() > 1 ? (s % 2 ? 3.5 : -3.5) : 0;
      svg.circle({x(row.dots[s]), middle + shift}, 3.4, "dot", score(row.dots[s]));
    }
    if (std::isnan(row.mean)) continue;
    svg.line({x(row.mean), middle - 11}, {x(row.mean), middle + 11}, "mean", score(row.mean));
    svg.text({left + kPlot + 8, middle + 4}, score(row.mean, 3), "value");
  }
  return svg;
}

}  // namespace emosweep::results
