// The parts of the text report that describe one condition.
#include <algorithm>

#include "results/report_parts.h"
#include "results/text_layout.h"

namespace emosweep::results {
namespace {

// One value, or nothing to add when there is a line of numbers: "0.71 0.72 0.70".
std::string list_of(const std::vector<double>& values) {
  std::string text;
  for (const double value : values) text += (text.empty() ? "" : " ") + score(value);
  return text;
}

std::string further_text(const ConditionStatistics& condition) {
  std::string list;
  for (const auto& [name, statistics] : condition.further) {
    list += (list.empty() ? "also pooled: " : ", ") + name + " " + score(statistics.spread.mean);
  }
  std::string text = list.empty() ? "" : wrapped(list, "      ");
  const auto& undefined = condition.undefined_f1;
  const auto most = std::max_element(undefined.begin(), undefined.end());
  if (most != undefined.end() && *most > 0) {
    text += "      " + std::to_string(*most) +
            (condition.outputs.empty() ? " classes" : " labels") +
            " are neither true nor predicted: pooled macro-F1 counts them as 0\n";
  }
  if (condition.calibration.rows() > 0) {
    text += "      calibration: expected error " +
            score(expected_calibration_error(condition.calibration)) + " (15 bins), Brier " +
            score(brier_score(condition.calibration)) + "\n";
  }
  return text;
}

}  // namespace

std::string details(const ConditionStatistics& condition) {
  std::vector<std::vector<std::string>> rows{
      {"", "mean", "median", "IQM", "sd cells", "sd seeds", "sd folds"}};
  const auto add = [&](const std::string& name, const CellStatistics& cells) {
    rows.push_back({name, score(cells.cells.spread.mean), score(cells.cells.median),
                    score(cells.cells.interquartile_mean), score(cells.cells.spread.sd),
                    score(cells.seeds.sd), score(cells.folds.sd)});
  };
  for (const auto& metric : condition.metrics) add(metric_title(metric.name), metric.cells);
  for (const auto& [name, cells] : condition.row_scores) add(metric_title(name), cells);
  std::string text = "   -- " + condition.label + "\n";
  const std::string headline = metric_title(condition.metrics.front().name);
  text +=
      "      pooled " + headline + " per seed: " + list_of(condition.headline().per_seed) + "\n";
  if (condition.trials < condition.expected) {
    text += "      " + std::to_string(condition.expected) + " cells share " +
            std::to_string(condition.trials) +
            " trials, because these do not read the seed: no sd over seeds to speak of\n";
  }
  text += further_text(condition);
  text += "      per fold (metric of each cell's own test rows, then averaged):\n";
  return text + aligned(rows, "        ");
}

std::string score_details(const ConditionStatistics& condition, const std::string& metric) {
  std::string text = "   -- " + condition.label + "\n";
  text += "      mean over folds per seed: " + list_of(condition.headline().per_seed) + "\n";
  const CellStatistics& cells = condition.metrics.front().cells;
  return text + aligned({{"", "mean", "median", "IQM", "sd cells", "sd seeds", "sd folds"},
                         {metric, score(cells.cells.spread.mean), score(cells.cells.median),
                          score(cells.cells.interquartile_mean), score(cells.cells.spread.sd),
                          score(cells.seeds.sd), score(cells.folds.sd)}},
                        "        ");
}

std::string confusion_text(const Confusion& confusion, const std::vector<std::string>& classes) {
  const auto c = static_cast<std::size_t>(confusion.classes);
  std::vector<std::vector<std::string>> rows{{"true \\ predicted"}};
  // Long names would make the columns wide; the rows say which number is which class.
  for (std::size_t k = 0; k < c; ++k) rows[0].push_back("[" + std::to_string(k) + "]");
  for (const char* column : {"n", "recall", "F1"}) rows[0].emplace_back(column);
  const auto scores_of = class_scores(confusion);
  for (std::size_t t = 0; t < c; ++t) {
    rows.push_back({"[" + std::to_string(t) + "] " + classes[t]});
    for (std::size_t p = 0; p < c; ++p) {
      rows.back().push_back(std::to_string(confusion.counts[t * c + p]));
    }
    rows.back().push_back(std::to_string(scores_of[t].support));
    rows.back().push_back(score(scores_of[t].recall, 3));
    rows.back().push_back(score(scores_of[t].f1, 3));
  }
  return aligned(rows, "      ");
}

}  // namespace emosweep::results
