// Scores of experiments, of conditions and of classes as rows of dots.
#include <algorithm>
#include <cmath>

#include "results/counting.h"
#include "results/plots/dot_rows.h"
#include "results/report_tables.h"
#include "results/text_layout.h"
#include "results/verdict.h"

namespace emosweep::results {
namespace {

constexpr std::size_t kMostClasses = 120;    // a row each
constexpr std::size_t kMostConditions = 40;  // drawn; the table holds them all

DotRow row_of(const std::string& name, const ReplicatedStatistics& statistics) {
  return {name,
          statistics.per_seed,
          statistics.spread.mean,
          {statistics.rerun.lower, statistics.rerun.upper},
          {statistics.new_subject.lower, statistics.new_subject.upper}};
}

TextTable table_of(const std::string& first, const std::vector<DotRow>& rows) {
  TextTable table{{first, "mean", "re-run 95 %", "new subjects 95 %", "seeds"}};
  for (const auto& row : rows) {
    std::string dots;
    for (const double dot : row.dots) dots += (dots.empty() ? "" : " ") + score(dot);
    table.push_back({row.name, score(row.mean), bracketed(row.narrow.lower, row.narrow.upper),
                     bracketed(row.wide.lower, row.wide.upper), dots});
  }
  return table;
}

DotRowsOptions options_of(const ExperimentStatistics& statistics,
                          const ConditionStatistics& shown) {
  const TargetKind kind = statistics.target.kind;
  DotRowsOptions options;
  options.axis = headline_title(kind) + ", pooled over folds";
  options.dot = "one seed";
  options.narrow = "re-run 95 %";
  options.wide = "new subjects 95 %";
  if (kind == TargetKind::regression) {  // nothing to refer to
    options.least = -1;
    return options;
  }
  options.references = {
      {"majority", shown.baseline("majority", "macro_f1").spread.mean},
      {"chance", kind == TargetKind::single ? statistics.chance
                                            : shown.baseline("chance", "macro_f1").spread.mean}};
  return options;
}

// Experiments of one kind.
MaybePlot scores_of_kind(const ReportData& data, const std::vector<Standing>& order) {
  if (order.empty()) return {};
  const ExperimentStatistics& first = data.statistics[order[0].experiment];
  const TargetKind kind = first.target.kind;
  std::vector<DotRow> rows;
  for (const auto& standing : order) {
    rows.push_back(row_of(short_name(data, standing.experiment), standing.headline->headline()));
  }
  const bool several = kinds_of(data).size() > 1;
  Plot plot;
  plot.name = several && kind != TargetKind::single
                  ? std::string("scores_") + target_kind_name(kind)
                  : "scores";
  plot.title = "Scores with both intervals" + (several ? ": " + kind_title(kind) : "");
  plot.caption =
      "Each dot is one seed. The dark bar is where the mean of other seeds would fall, the light "
      "one where other subjects would put it. ";
  if (kind != TargetKind::regression) {
    plot.caption += kind == TargetKind::multi
                        ? "Dotted: the labels that half of training has, and chance. "
                        : "Dotted: the most frequent class, and chance. ";
  }
  plot.caption += dagger_text(data);
  plot.drawing = dot_rows(rows, options_of(first, *order[0].headline));
  plot.table = table_of("experiment", rows);
  return plot;
}

}  // namespace

std::vector<Plot> scores_plots(const ReportData& data) {
  std::vector<Plot> plots;
  for (const TargetKind kind : kinds_of(data)) {
    auto plot = scores_of_kind(data, of_kind(data, standings(data), kind));
    if (plot) plots.push_back(std::move(*plot));
  }
  return plots;
}

MaybePlot conditions_plot(const ReportData& data, std::size_t experiment) {
  const ExperimentStatistics& statistics = data.statistics[experiment];
  if (statistics.conditions.size() < 2) return {};
  std::vector<DotRow> rows;
  for (const auto& condition : statistics.conditions) {
    if (!std::isnan(condition.headline().spread.mean)) {
      rows.push_back(row_of(condition.label, condition.headline()));
    }
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const DotRow& a, const DotRow& b) { return a.mean > b.mean; });
  const auto& nested = statistics.nested;
  if (nested.exists && !std::isnan(nested.result.headline().spread.mean)) {
    rows.insert(rows.begin(), row_of("nested selection", nested.result.headline()));
  }
  if (rows.empty()) return {};
  Plot plot;
  plot.name = "conditions";
  plot.title = "Conditions of the grid";
  plot.caption =
      "Sorted by test score, which nobody may choose by; the first row is what choosing on "
      "validation rows gave.";
  plot.table = table_of("condition", rows);
  if (rows.size() > kMostConditions) {
    plot.caption += " Drawn are the first " + std::to_string(kMostConditions) + " of " +
                    std::to_string(rows.size()) + "; the table has them all.";
    rows.resize(kMostConditions);
  }
  plot.drawing = dot_rows(rows, options_of(statistics, statistics.conditions.front()));
  return plot;
}

MaybePlot classes_plot(const ReportData& data, std::size_t experiment) {
  const ConditionStatistics* headline = headline_of(data.statistics[experiment]);
  if (!headline || std::isnan(headline->headline().spread.mean)) return {};
  const TargetSpec& target = data.statistics[experiment].target;
  const auto names = class_names_of(target);
  if (names.empty() || names.size() > kMostClasses) return {};
  const char* what = target.kind == TargetKind::multi ? "label" : "class";
  Plot plot;
  plot.name = "classes";
  plot.title =
      std::string("F1 of each ") + (target.kind == TargetKind::aspects ? "aspect and " : "") + what;
  plot.caption =
      "Of the matrices pooled by seed: a dot is one seed, the bar is where the mean of other seeds "
      "would fall.";
  plot.table = {{what, "rows", "precision", "recall", "F1", "re-run 95 %"}};
  std::vector<DotRow> rows;
  for (std::size_t k = 0; k < headline->classes.size(); ++k) {
    const ClassStatistics& own = headline->classes[k];
    rows.push_back(
        {names[k], own.f1.per_seed, own.f1.spread.mean, {own.rerun.lower, own.rerun.upper}, {}});
    plot.table.push_back({names[k], std::to_string(own.support), score(own.precision.mean, 3),
                          score(own.recall.mean, 3), score(own.f1.spread.mean, 3),
                          bracketed(own.rerun.lower, own.rerun.upper, 3)});
  }
  DotRowsOptions options;
  options.axis = "F1";
  options.dot = "one seed";
  options.narrow = "re-run 95 %";
  plot.drawing = dot_rows(rows, options);
  return plot;
}

}  // namespace emosweep::results
