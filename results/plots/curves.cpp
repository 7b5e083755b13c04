// Learning curves of an experiment: median and envelope over its trials.
#include <algorithm>
#include <cmath>
#include <map>

#include "results/plots/axis.h"
#include "results/plots/plot.h"
#include "results/text_layout.h"

namespace emosweep::results {
namespace {

constexpr double kPanel = 300, kHeight = 190, kTop = 30, kLeft = 46, kGap = 66;

struct Envelope {  // of one curve by epoch
  std::vector<double> low, median, high;
};

// An epoch counts as long as half of the trials reached it: the few that trained on would make the
// line jump.
Envelope envelope_of(const std::vector<const std::vector<float>*>& curves) {
  Envelope envelope;
  for (std::size_t epoch = 0;; ++epoch) {
    std::vector<double> values;
    for (const auto* curve : curves) {
      if (epoch < curve->size() && std::isfinite((*curve)[epoch]))
        values.push_back((*curve)[epoch]);
    }
    if (values.empty() || 2 * values.size() < curves.size()) return envelope;
    std::sort(values.begin(), values.end());
    envelope.low.push_back(quantile(values, 0.1));
    envelope.median.push_back(quantile(values, 0.5));
    envelope.high.push_back(quantile(values, 0.9));
  }
}

void panel(Svg& svg, double left, const std::string& title, std::size_t epochs,
           const std::vector<std::pair<std::string, const Envelope*>>& lines) {
  std::vector<double> values;
  for (const auto& [name, envelope] : lines) {
    values.insert(values.end(), envelope->low.begin(), envelope->low.end());
    values.insert(values.end(), envelope->high.begin(), envelope->high.end());
  }
  const Range range = range_of(values, -1e308, 1e308);
  const Scale x{1, std::max(2.0, static_cast<double>(epochs)), left, left + kPanel};
  const Scale y{range.low, range.high, kTop + kHeight, kTop};
  vertical_axis(svg, y, left, left + kPanel, title);
  horizontal_axis(svg, x, kTop, kTop + kHeight, "epoch");
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const Envelope& own = *lines[i].second;
    const std::string colour = std::to_string(i);
    std::vector<Point> line, band;
    const auto at = [&](std::size_t e) { return x(static_cast<double>(e + 1)); };
    for (std::size_t e = 0; e < own.median.size(); ++e) {
      line.push_back({at(e), y(own.median[e])});
      band.push_back({at(e), y(own.high[e])});
    }
    for (std::size_t e = own.median.size(); e > 0; --e)
      band.push_back({at(e - 1), y(own.low[e - 1])});
    svg.path(band, "band f" + colour, true);
    svg.path(line, "c" + colour, false, lines[i].first);
    if (lines.size() == 1) continue;  // the panel's title says it
    svg.text({left + kPanel - 4, kTop + 14 + 14 * static_cast<double>(i)}, lines[i].first, "small",
             Anchor::end);
    svg.line({left + kPanel - 12 - 5.8 * static_cast<double>(characters(lines[i].first)),
              kTop + 10 + 14 * static_cast<double>(i)},
             {left + kPanel - 30 - 5.8 * static_cast<double>(characters(lines[i].first)),
              kTop + 10 + 14 * static_cast<double>(i)},
             "c" + colour);
  }
}

}  // namespace

MaybePlot curves_plot(const ReportData& data, std::size_t experiment) {
  const TargetKind kind = data.table.experiments[experiment].kind;
  const std::string metric = headline_title(kind);
  const std::string drawn = std::string("validation_") + report_metrics(kind)[0].name;
  std::map<std::string, std::vector<const std::vector<float>*>> curves;
  std::map<std::int64_t, std::size_t> selected;
  std::size_t trials = 0, most = 0;
  for (std::size_t i = data.table.first[experiment]; i < data.table.first[experiment + 1]; ++i) {
    const Row& row = data.table.rows[i];
    if (!row.done() || row.curves.empty()) continue;
    for (const auto& curve : row.curves) {
      if (curve.name.ends_with("_loss") || curve.name == drawn) {
        curves[curve.name].push_back(&curve.values);
      }
    }
    ++trials;
    if (row.best_epoch >= 0) most = std::max(most, ++selected[row.best_epoch]);
  }
  std::map<std::string, Envelope> envelopes;
  std::size_t epochs = 0;
  for (const auto& [name, of_trials] : curves) {
    envelopes[name] = envelope_of(of_trials);
    epochs = std::max(epochs, envelopes[name].median.size());
  }
  if (epochs < 2) return {};
  Plot plot;
  plot.name = "curves";
  plot.title = "Learning curves";
  plot.caption =
      "Median and 10 to 90 % envelope over " + counted(trials, "trial") +
      ", as long as half of them run. Bars at the foot: how often an epoch was selected.";
  plot.table = {{"epoch"}};
  for (const auto& [name, envelope] : envelopes) plot.table[0].push_back(name + ", median");
  plot.table[0].emplace_back("selected");
  for (std::size_t e = 0; e < epochs; ++e) {
    plot.table.push_back({std::to_string(e + 1)});
    for (const auto& [name, envelope] : envelopes) {
      plot.table.back().push_back(e < envelope.median.size() ? score(envelope.median[e])
                                                             : std::string("-"));
    }
    const auto found = selected.find(static_cast<std::int64_t>(e));
    plot.table.back().push_back(std::to_string(found == selected.end() ? 0 : found->second));
  }
  std::vector<std::pair<std::string, const Envelope*>> losses, scores;
  for (const auto& [name, envelope] : envelopes) {
    (name.ends_with("_loss") ? losses : scores)
        .emplace_back(name == "train_loss"        ? "training"
                      : name == "validation_loss" ? "validation"
                                                  : "validation " + metric,
                      &envelope);
  }
  const int panels = !losses.empty() + !scores.empty();
  Svg svg(kLeft + panels * kPanel + (panels - 1) * kGap + 10, kTop + kHeight + 40);
  double left = kLeft;
  for (const auto* lines : {&losses, &scores}) {
    if (lines->empty()) continue;
    panel(svg, left, lines == &losses ? "loss" : metric + " of validation rows", epochs, *lines);
    const Scale x{1, std::max(2.0, static_cast<double>(epochs)), left, left + kPanel};
    for (const auto& [epoch, n] : selected) {
      if (static_cast<std::size_t>(epoch) >= epochs) continue;
      const double height = 26.0 * static_cast<double>(n) / static_cast<double>(most);
      svg.rect({x(static_cast<double>(epoch + 1)) - 1.5, kTop + kHeight - height}, 3, height,
               "plain",
               "epoch " + std::to_string(epoch + 1) + " selected by " + counted(n, "trial"));
    }
    left += kPanel + kGap;
  }
  plot.drawing = std::move(svg);
  return plot;
}

}  // namespace emosweep::results
