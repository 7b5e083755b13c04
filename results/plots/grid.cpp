// One panel an axis of the grid: how the score moves along it.
#include <algorithm>
#include <cmath>

#include "results/grid_axes.h"
#include "results/plots/axis.h"
#include "results/plots/plot.h"
#include "results/text_layout.h"

namespace emosweep::results {
namespace {

constexpr double kHeight = 190, kTop = 30, kLeft = 46, kStep = 72, kGap = 64;
constexpr std::size_t kMostValues = 24;

}  // namespace

MaybePlot grid_plot(const ReportData& data, std::size_t experiment) {
  const ExperimentStatistics& statistics = data.statistics[experiment];
  const auto axes = grid_axes(data.table.experiments[experiment].conditions);
  if (axes.empty()) return {};
  std::vector<double> scores;
  for (const auto& condition : statistics.conditions) {
    scores.push_back(condition.headline().spread.mean);
  }
  const std::string title = headline_title(statistics.target.kind);
  const double least = statistics.target.kind == TargetKind::regression ? -1 : 0;
  const Range range = range_of(scores, least, 1);
  if (std::all_of(scores.begin(), scores.end(), [](double s) { return std::isnan(s); })) return {};
  Plot plot;
  plot.name = "grid";
  plot.title = "Along each axis of the grid";
  plot.caption =
      "A dot is a condition, the line the mean of all conditions with that value. On test rows: to "
      "look at, not to choose by.";
  plot.table = {{"axis", "value", "conditions", "mean " + title}};
  std::vector<double> widths;
  double width = kLeft;
  for (const auto& axis : axes) {
    const std::size_t shown = std::min(axis.values.size(), kMostValues);
    widths.push_back(kStep * static_cast<double>(std::max<std::size_t>(shown, 2)));
    width += widths.back() + kGap;
  }
  Svg svg(width - kGap + 12, kTop + kHeight + 44);
  double left = kLeft;
  for (std::size_t a = 0; a < axes.size(); ++a) {
    const Scale y{range.low, range.high, kTop + kHeight, kTop};
    vertical_axis(svg, y, left, left + widths[a], a == 0 ? title + ", pooled" : "");
    svg.line({left, kTop + kHeight}, {left + widths[a], kTop + kHeight}, "axis");
    std::vector<Point> line;
    for (std::size_t v = 0; v < axes[a].values.size(); ++v) {
      std::vector<double> here;
      const double x = left + kStep * (static_cast<double>(v) + 0.5);
      for (std::size_t c = 0; c < scores.size(); ++c) {
        if (axes[a].of_condition[c] != v || std::isnan(scores[c])) continue;
        here.push_back(scores[c]);
        if (v < kMostValues) {
          svg.circle({x, y(scores[c])}, 3.4, "dot",
                     statistics.conditions[c].label + ": " + score(scores[c]));
        }
      }
      const Spread spread = spread_of(here);
      plot.table.push_back(
          {axes[a].name, axes[a].values[v], std::to_string(here.size()), score(spread.mean)});
      if (v >= kMostValues || here.empty()) continue;
      line.push_back({x, y(spread.mean)});
      svg.text({x, kTop + kHeight + 15}, shortened(axes[a].values[v], 11), "small", Anchor::middle,
               axes[a].values[v]);
    }
    svg.path(line, "c0");
    svg.text({left + widths[a] / 2, kTop + kHeight + 33}, axes[a].name, "quiet", Anchor::middle);
    left += widths[a] + kGap;
  }
  plot.drawing = std::move(svg);
  return plot;
}

}  // namespace emosweep::results
