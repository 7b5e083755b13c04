// Where the spread of scores comes from, and their whole distribution.
#include <algorithm>
#include <cmath>

#include "results/plots/axis.h"
#include "results/plots/plot.h"
#include "results/plots/style.h"
#include "results/text_layout.h"
#include "results/verdict.h"

namespace emosweep::results {
namespace {

constexpr double kWidth = 520;

}  // namespace

MaybePlot components_plot(const ReportData& data) {
  struct Part {
    const char* name;
    const char* style;
    double VarianceComponents::*share;
  };
  constexpr Part kParts[] = {{"seeds", "f1", &VarianceComponents::seed_share},
                             {"subjects", "f0", &VarianceComponents::subject_share},
                             {"rest", "plain", &VarianceComponents::residual_share}};
  Plot plot;
  plot.name = "components";
  plot.title = "Where the spread comes from";
  plot.caption =
      "Shares of the variance of the headline's pseudo-values by seed and subject (two-way random "
      "effects). Mostly subjects: record more people. Mostly seeds: run more seeds. Rest: both "
      "help.";
  plot.table = {{"experiment", "seeds", "subjects", "rest", "seeds to halve re-run",
                 "subjects to halve new subjects"}};
  std::vector<Standing> rows;
  std::vector<std::string> names;
  for (const auto& standing : standings(data)) {
    if (std::isnan(standing.headline->headline().components.subject_share)) continue;
    rows.push_back(standing);
    names.push_back(short_name(data, standing.experiment));
  }
  if (rows.empty()) return {};
  const double left = name_width(names), row = 28, top = 26;
  const double bottom = top + row * static_cast<double>(rows.size());
  Svg svg(left + kWidth + 16, bottom + 40);
  const Scale x{0, 100, left, left + kWidth};
  horizontal_axis(svg, x, top, bottom, "share of variance, %");
  double at = left;
  for (const auto& part : kParts) {
    svg.rect({at, 5}, 12, 12, part.style, "", 1, 2);
    svg.text({at + 17, 15}, part.name, "small");
    at += 92;
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const ReplicatedStatistics& own = rows[i].headline->headline();
    const double corner = top + row * static_cast<double>(i) + 5;
    svg.text({0, corner + 13}, shortened(names[i], kLongestName), "", Anchor::start, names[i]);
    double before = 0;
    for (const auto& part : kParts) {
      const double share = 100 * own.components.*part.share;
      const double width = x(before + share) - x(before);
      svg.rect({x(before), corner}, width, row - 10, part.style,
               std::string(part.name) + " " + score(share, 1) + " %");
      if (width > 34) {
        svg.text({x(before) + width / 2, corner + 13}, score(share, 0) + " %", "on2",
                 Anchor::middle);
      }
      before += share;
    }
    const auto number = [](std::int64_t n) { return n > 0 ? std::to_string(n) : "-"; };
    plot.table.push_back({names[i], percent(own.components.seed_share),
                          percent(own.components.subject_share),
                          percent(own.components.residual_share), number(own.seeds_to_halve_rerun),
                          number(own.subjects_to_halve_new_subject)});
  }
  plot.drawing = std::move(svg);
  return plot;
}

MaybePlot profile_plot(const ReportData& data) {
  const auto all = families(data);
  if (all.empty()) return {};
  // Of the first kind: scores of others are other metrics.
  const TargetKind kind = data.statistics[all[0][0].experiment].target.kind;
  const std::string metric = metric_title(subject_metric(kind));
  Plot plot;
  plot.name = "profile";
  plot.title = "Performance profile";
  plot.caption = "The share of (seed, subject) whose " + metric +
                 " is above a value: a curve further to the right is "
                 "better on the subjects that it reaches. Band: two-way bootstrap, pointwise.";
  plot.table = {{"experiment", "above", "share", "95 %"}};
  const double left = 46, width = 470, top = 26, height = 250, names_width = 240;
  Svg svg(left + width + names_width, top + height + 40);
  const Scale x{0, 1, left, left + width}, y{0, 1, top + height, top};
  vertical_axis(svg, y, left, left + width, "share of (seed, subject)");
  horizontal_axis(svg, x, top, top + height, metric + " above");
  std::size_t drawn = 0;
  for (const auto& [experiment, headline] : of_kind(data, standings(data), kind)) {
    const auto& points = headline->resampled.profile;
    if (points.empty()) continue;
    const std::string name = short_name(data, experiment);
    std::vector<Point> line, band;
    for (const auto& point : points) {
      line.push_back({x(point.threshold), y(point.share)});
      band.push_back({x(point.threshold), y(point.band.upper)});
      plot.table.push_back({name, score(point.threshold, 2), score(point.share, 3),
                            bracketed(point.band.lower, point.band.upper, 3)});
    }
    line.push_back({x(1), y(0)});
    for (auto point = points.rbegin(); point != points.rend(); ++point) {
      band.push_back({x(point->threshold), y(point->band.lower)});
    }
    if (drawn == kLineColours) continue;
    const std::string colour = std::to_string(drawn++);
    svg.path(band, "band f" + colour, true);
    svg.path(line, "c" + colour, false, name);
    const double at = top + 16 * static_cast<double>(drawn);
    svg.line({left + width + 14, at - 4}, {left + width + 34, at - 4}, "c" + colour);
    svg.text({left + width + 40, at}, shortened(name, 32), "small", Anchor::start, name);
  }
  if (drawn == 0) return {};
  if (drawn == kLineColours) {
    plot.caption += " At most the six with the highest scores are drawn.";
  }
  plot.drawing = std::move(svg);
  return plot;
}

}  // namespace emosweep::results
