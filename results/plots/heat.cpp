// Heat maps: seeds by subjects, and the confusion matrix.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "results/counting.h"
#include "results/plots/axis.h"
#include "results/plots/plot.h"
#include "results/text_layout.h"

namespace emosweep::results {
namespace {

constexpr double kDark = 0.75;  // from here on the ground is nearer to the heat colour
constexpr std::size_t kMostSubjects = 120, kMostSeeds = 60, kMostClasses = 40;

void heat_cell(Svg& svg, Point corner, double width, double height, double value,
               const std::string& text, const std::string& tip) {
  if (std::isnan(value)) {
    svg.rect(corner, width - 1, height - 1, "empty", tip);
    return;
  }
  // Faint values stay visible as cells; text changes colour where the ground gets dark.
  svg.rect(corner, width - 1, height - 1, "heat", tip, 0.04 + 0.96 * std::clamp(value, 0.0, 1.0));
  if (!text.empty()) {
    svg.text({corner.x + (width - 1) / 2, corner.y + height / 2 + 3.5}, text,
             value > kDark ? "on" : "off", Anchor::middle);
  }
}

std::string mix_of(const SubjectStatistics& subject, const std::vector<std::string>& classes) {
  std::string text;
  for (std::size_t k = 0; k < subject.support.size(); ++k) {
    text += (k == 0 ? "" : ", ") + classes[k] + " " + std::to_string(subject.support[k]);
  }
  return text;
}

}  // namespace

MaybePlot subjects_plot(const ReportData& data, std::size_t experiment) {
  const ConditionStatistics* headline = headline_of(data.statistics[experiment]);
  if (!headline || headline->subjects.empty()) return {};
  const auto classes = class_names_of(data.statistics[experiment].target);
  const auto& subjects = headline->subjects;
  const std::string metric = metric_title(subjects[0].metric);
  std::vector<std::size_t> order(subjects.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return subjects[a].score_spread.mean < subjects[b].score_spread.mean;
  });
  Plot plot;
  plot.name = "subjects";
  plot.title = "Subjects by difficulty";
  plot.caption =
      metric +
      " of each subject's rows by seed, the hardest subject to the left. A column that is pale "
      "throughout is a hard subject; a striped one depends on the seed.";
  plot.table = {{"subject", "rows", metric, "sd over seeds", "accuracy", "class mix"}};
  for (const std::size_t g : order) {
    const auto& own = subjects[g];
    const auto rows = std::accumulate(own.support.begin(), own.support.end(), std::int64_t{0});
    plot.table.push_back({own.subject, std::to_string(rows), score(own.score_spread.mean, 3),
                          score(own.score_spread.sd, 3), score(own.accuracy.mean, 3),
                          mix_of(own, classes)});
  }
  if (order.size() > kMostSubjects) {
    plot.caption += " Drawn are the " + std::to_string(kMostSubjects) + " hardest.";
    order.resize(kMostSubjects);
  }
  const std::size_t seeds = std::min(subjects[0].score.size(), kMostSeeds);
  const auto& all_seeds = headline->subject_scores.seeds;
  const double left = 64,
               cell_width = std::clamp(660.0 / static_cast<double>(order.size()), 7.0, 46.0);
  const double cell = 22, top = 8;
  const double bottom = top + cell * static_cast<double>(seeds + 1) + 6;
  std::size_t longest = 1;
  for (const std::size_t g : order) {
    longest = std::max(longest, std::min<std::size_t>(characters(subjects[g].subject), 14));
  }
  Svg svg(left + cell_width * static_cast<double>(order.size()) + 8,
          bottom + 22 + 4.6 * static_cast<double>(longest));
  const bool numbers = cell_width >= 25;
  const auto text_of = [&](double value) {
    return numbers ? score(100 * value, 0) : std::string();
  };
  svg.text({left - 8, top + 15}, "mean", "strong", Anchor::end);
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto& own = subjects[order[i]];
    const double at = left + cell_width * static_cast<double>(i);
    heat_cell(svg, {at, top}, cell_width, cell, own.score_spread.mean,
              text_of(own.score_spread.mean),
              "subject " + own.subject + ", mean " + score(own.score_spread.mean, 3));
    for (std::size_t s = 0; s < seeds; ++s) {
      const double y = top + 6 + cell * static_cast<double>(s + 1);
      if (i == 0) {
        svg.text({left - 8, y + 15}, "seed " + std::to_string(all_seeds[s]), "quiet", Anchor::end);
      }
      heat_cell(svg, {at, y}, cell_width, cell, own.score[s], text_of(own.score[s]),
                "subject " + own.subject + ", seed " + std::to_string(all_seeds[s]) + ": " +
                    score(own.score[s], 3));
    }
    if (cell_width >= 11) {
      svg.slanted({at + cell_width / 2 + 3, bottom + 12}, shortened(own.subject, 14), "small");
    }
  }
  plot.drawing = std::move(svg);
  return plot;
}

MaybePlot confusion_plot(const ReportData& data, std::size_t experiment) {
  const ConditionStatistics* headline = headline_of(data.statistics[experiment]);
  if (!headline || headline->confusion.total() == 0) return {};
  if (data.statistics[experiment].target.kind != TargetKind::single) return {};
  const auto& classes = data.table.experiments[experiment].classes;
  const std::size_t c = classes.size();
  if (c > kMostClasses) return {};
  Plot plot;
  plot.name = "confusion";
  plot.title = "Confusion matrix";
  plot.caption =
      "Rows: true class; columns: predicted. Colour and first number: percent of the row; below: "
      "its sd over seeds. The table has the counts, summed over all seeds and folds.";
  std::vector<std::vector<double>> shares(c * c);  // over the complete seeds
  for (const auto& confusion : headline->per_seed) {
    for (std::size_t t = 0; t < c; ++t) {
      const auto row = confusion.counts.begin() + static_cast<long>(t * c);
      const auto sum = std::accumulate(row, row + static_cast<long>(c), std::int64_t{0});
      for (std::size_t p = 0; p < c; ++p) {
        shares[t * c + p].push_back(sum == 0 ? kUndefined
                                             : static_cast<double>(row[static_cast<long>(p)]) /
                                                   static_cast<double>(sum));
      }
    }
  }
  plot.table.push_back({"true \\ predicted"});
  for (const auto& name : classes) plot.table[0].push_back(name);
  const double left = name_width(classes);
  const double cell = c <= 10 ? 54 : c <= 20 ? 36 : 22;
  const double height = c <= 10 ? 40 : c <= 20 ? 30 : 20;
  std::size_t longest = 1;
  for (const auto& name : classes)
    longest = std::max(longest, std::min<std::size_t>(characters(name), 20));
  const double bottom = 24 + height * static_cast<double>(c);
  Svg svg(left + std::max(300.0, cell * static_cast<double>(c) + 10),
          bottom + 18 + 4.8 * static_cast<double>(longest));
  svg.text({left, 15}, "predicted below, true to the left; percent of the row", "small");
  for (std::size_t t = 0; t < c; ++t) {
    const double y = 24 + height * static_cast<double>(t);
    svg.text({left - 8, y + height / 2 + 4}, shortened(classes[t], kLongestName), "", Anchor::end,
             classes[t]);
    svg.slanted({left + cell * (static_cast<double>(t) + 0.5) + 4, bottom + 13},
                shortened(classes[t], 20), "quiet");
    plot.table.push_back({classes[t]});
    for (std::size_t p = 0; p < c; ++p) {
      const Spread share = spread_of(shares[t * c + p]);
      const std::int64_t count = headline->confusion.counts[t * c + p];
      const Point corner{left + cell * static_cast<double>(p), y};
      const std::string tip = classes[t] + " taken for " + classes[p] + ": " +
                              score(100 * share.mean, 1) + " % (sd " + score(100 * share.sd, 1) +
                              "), " + std::to_string(count) + " in all";
      heat_cell(svg, corner, cell, height, share.mean, "", tip);
      if (c <= 20 && !std::isnan(share.mean)) {
        const char* style = share.mean > kDark ? "on" : "off";
        const bool with_sd = c <= 10 && !std::isnan(share.sd);
        svg.text({corner.x + cell / 2, corner.y + height / 2 + (with_sd ? -1 : 4)},
                 score(100 * share.mean, 0), style, Anchor::middle);
        if (with_sd) {
          svg.text({corner.x + cell / 2, corner.y + height / 2 + 12},
                   "±" + score(100 * share.sd, 0), style, Anchor::middle);
        }
      }
      plot.table.back().push_back(std::to_string(count));
    }
  }
  plot.drawing = std::move(svg);
  return plot;
}

}  // namespace emosweep::results
