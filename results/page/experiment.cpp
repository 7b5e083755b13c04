// The section of one experiment.
#include <algorithm>
#include <cmath>

#include "results/counting.h"
#include "results/page/html.h"
#include "results/page/page.h"
#include "results/report_tables.h"
#include "results/text_layout.h"
#include "results/training.h"
#include "results/verdict.h"

namespace emosweep::results {
namespace {

constexpr std::size_t kSentences = 6;  // comparisons that are written out

std::string done_of(const ConditionStatistics& condition) {
  return std::to_string(condition.done) + " / " + std::to_string(condition.expected);
}

// Of the metrics behind the headline, and of a single label weighted F1.
std::string scores_html(const ExperimentStatistics& statistics) {
  const TargetKind kind = statistics.target.kind;
  const bool single = kind == TargetKind::single;
  const auto metrics = report_metrics(kind);
  TextTable table{{"condition", metric_title(metrics[0].name), "re-run 95 %", "new subjects 95 %"}};
  for (const ReportMetric& metric : metrics.subspan(1)) {
    table[0].push_back(metric_title(metric.name));
  }
  if (single) table[0].emplace_back("weighted F1");
  table[0].emplace_back("cells");
  const auto weighted = [](const ConditionStatistics& condition) {
    for (const auto& [name, pooled] : condition.further) {
      if (name == "weighted_f1") return with_sd(pooled.spread);
    }
    return std::string("-");
  };
  const auto add = [&](const std::string& name, const ConditionStatistics& own) {
    const ReplicatedStatistics& headline = own.headline();
    table.push_back({name, with_sd(headline.spread),
                     bracketed(headline.rerun.lower, headline.rerun.upper, 3),
                     bracketed(headline.new_subject.lower, headline.new_subject.upper, 3)});
    for (const ReportMetric& metric : metrics.subspan(1)) {
      table.back().push_back(with_sd(own.pooled(metric.name).spread));
    }
    if (single) table.back().push_back(weighted(own));
    table.back().push_back(done_of(own));
  };
  if (statistics.nested.exists) add("nested selection", statistics.nested.result);
  for (const auto& condition : statistics.conditions) add(condition.label, condition);
  const std::size_t foot = table.size();
  add_baselines(table, statistics, statistics.conditions.front(), "");
  return html_table(table, "scores of conditions", foot);
}

// Labels, aspects or values by themselves.
std::string outputs_html(const ExperimentStatistics& statistics,
                         const ConditionStatistics& headline) {
  const TargetKind kind = statistics.target.kind;
  if (kind == TargetKind::single) return "";
  return "<h3>" + kind_title(kind) + "</h3>\n" + paragraph(output_caption(kind), "quiet") +
         html_table(output_rows(statistics, headline, true), "each by itself") +
         paragraph(left_out_text(kind), "quiet");
}

std::string nested_html(const PlannedExperiment& experiment,
                        const ExperimentStatistics& statistics) {
  const NestedSelection& nested = statistics.nested;
  if (!nested.exists) return paragraph("No nested selection: " + nested.absent_because + ".");
  std::string html =
      paragraph("Nested selection: each seed and fold takes the condition with the " +
                std::string(lower_is_better(nested.metric) ? "lowest" : "highest") +
                " validation " + nested.metric +
                ", so no test row chooses. That is the clean score of the grid; a single "
                "condition picked afterwards has seen all subjects.");
  if (!std::isnan(nested.optimism)) {
    html += paragraph(oracle_text(experiment, nested));
  }
  TextTable table{{"chosen condition", "times"}};
  for (std::size_t c = 0; c < nested.chosen.size(); ++c) {
    if (nested.chosen[c] > 0) {
      table.push_back({experiment.conditions[c], std::to_string(nested.chosen[c])});
    }
  }
  return html + html_table(table, "conditions chosen on validation");
}

std::string comparisons_html(const ExperimentStatistics& statistics) {
  const ComparisonFamily& family = statistics.comparisons;
  if (family.pairs.empty()) return "";
  TextTable table{{"condition", "difference", "95 %", "p (Holm)", "subjects ahead : behind",
                   "P(better)", "it is"}};
  for (const auto& pair : family.pairs) {
    if (!pair.absent_because.empty()) continue;
    const Comparison& own = pair.result;
    table.push_back(
        {pair.a, with_sign(own.difference.mean),
         bracketed(own.difference.lower, own.difference.upper, 3), p_text(pair.p_holm),
         std::to_string(own.subjects_better) + " : " + std::to_string(own.subjects_worse),
         score(own.better.probability, 2), conclusion_of(pair)});
  }
  if (table.size() == 1) return "";
  std::string html = "<h3>Compared with " +
                     escape(statistics.conditions[statistics.reference].label) + "</h3>\n" +
                     html_table(table, "comparisons of conditions");
  for (std::size_t i = 0; i < std::min(kSentences, family.pairs.size()); ++i) {
    html += paragraph(comparison_sentence(family.pairs[i]), "quiet");
  }
  return html;
}

std::string slices_html(const ConditionStatistics& headline) {
  if (headline.slices.empty()) return "";
  TextTable table{{"slice", "rows", "macro-F1", "re-run 95 %",
                   metric_title(headline.slices[0].metric), "accuracy", "classes without a row"}};
  for (const auto& slice : headline.slices) {
    table.push_back({slice.column + " = " + (slice.value.empty() ? "(empty)" : slice.value),
                     std::to_string(slice.rows), with_sd(slice.macro_f1.spread),
                     bracketed(slice.rerun.lower, slice.rerun.upper, 3),
                     with_sd(slice.score.spread), with_sd(slice.accuracy.spread),
                     std::to_string(slice.absent)});
  }
  return "<h3>Slices</h3>\n" +
         paragraph(
             "The same predictions by metadata. Macro-F1 counts a class without a row in the "
             "slice as 0; UAR leaves it out. The intervals are over seeds: whether other "
             "people of a slice would do as well they do not say.",
             "quiet") +
         html_table(table, "slices by metadata");
}

// Every condition by cells: the distribution behind its mean.
std::string details_html(const ExperimentStatistics& statistics) {
  TextTable table{{"condition", "metric", "cells", "mean", "sd", "median", "MAD", "quartiles",
                   "IQM", "least", "most", "sd of seeds", "sd of folds"}};
  const auto add = [&](const std::string& label, const std::string& metric,
                       const CellStatistics& own) {
    const Description& cells = own.cells;
    table.push_back({label, metric, std::to_string(cells.spread.n), score(cells.spread.mean, 3),
                     score(cells.spread.sd, 3), score(cells.median, 3), score(cells.mad, 3),
                     score(cells.lower_quartile, 3) + " to " + score(cells.upper_quartile, 3),
                     score(cells.interquartile_mean, 3), score(cells.minimum, 3),
                     score(cells.maximum, 3), score(own.seeds.sd, 3), score(own.folds.sd, 3)});
  };
  const auto add_all = [&](const std::string& label, const ConditionStatistics& own) {
    for (const auto& metric : own.metrics) add(label, metric_title(metric.name), metric.cells);
    for (const auto& [name, cells] : own.row_scores) add(label, metric_title(name), cells);
  };
  if (statistics.nested.exists) add_all("nested selection", statistics.nested.result);
  for (const auto& condition : statistics.conditions) add_all(condition.label, condition);
  std::string text = "The metric of each (seed, fold) on its own test rows.";
  if (statistics.target.kind != TargetKind::regression) {
    text +=
        " A fold's macro-F1 counts classes that its subject does not show as 0, so it is below the "
        "pooled one.";
  }
  return "<details><summary>Every cell by itself</summary>\n" + paragraph(text, "quiet") +
         html_table(table, "distribution over cells") + "</details>\n";
}

std::string further_html(const ConditionStatistics& headline) {
  std::string text = "Of the headline also:";
  for (const auto& [name, pooled] : headline.further) {
    text += " " + name + " " + score(pooled.spread.mean, 3) + ",";
  }
  text.back() = '.';
  if (headline.further.empty()) text = "Of the headline:";
  if (headline.calibration.rows() > 0) {
    text += " Calibration: expected error " +
            score(expected_calibration_error(headline.calibration), 3) + " (15 bins), Brier " +
            score(brier_score(headline.calibration), 3) + ".";
  }
  if (!headline.headline().expected_best.empty()) {
    text += " Picking the best of " + counted(headline.headline().expected_best.size(), "seed") +
            " would print " + score(headline.headline().expected_best.back(), 3) + ".";
  }
  if (!std::isnan(headline.resampled.two_way.lower)) {
    text += " Bootstrap 95 %: other seeds " +
            bracketed(headline.resampled.stratified.lower, headline.resampled.stratified.upper, 3) +
            ", other seeds and subjects " +
            bracketed(headline.resampled.two_way.lower, headline.resampled.two_way.upper, 3) +
            " (narrow below 20 of either).";
  }
  return paragraph(text, "quiet");
}

// What selection kept and what the last epochs lost; who stood in which part.
std::string training_html(const ReportData& data, std::size_t e) {
  std::string html;
  if (const TextTable rows = training_rows(data.table, e); !rows.empty()) {
    html += "<h3>Training</h3>\n" +
            paragraph(
                "Of the epoch that validation selected: its median (least to most), then means "
                "and sd over cells. What the last epoch had lost by then is overfitting that "
                "selection kept out.",
                "quiet") +
            html_table(rows, "selected and last epochs");
  }
  if (const TextTable rows = term_rows(data.table, e); !rows.empty()) {
    html += "<h4>Terms of the loss</h4>\n" +
            paragraph(
                "At the selected epoch, means over cells. Share: of the sum of the terms, each "
                "times its weight where the records tell it.",
                "quiet") +
            html_table(rows, "terms of the loss");
  }
  const TableExperiment& experiment = data.table.experiments[e];
  if (const TextTable rows = fold_rows(experiment); !rows.empty()) {
    std::string classes;
    for (const std::string& name : class_names_of(experiment.target()))
      classes += (classes.empty() ? "" : " / ") + name;
    html += "<details><summary>Who is in which part of every fold</summary>\n" +
            (classes.empty() ? "" : paragraph("Classes, in order: " + classes + ".", "quiet")) +
            html_table(rows, "folds") + "</details>\n";
  }
  return html;
}

}  // namespace

std::string experiment_section(const ReportData& data, std::size_t e, const std::string& id) {
  const TableExperiment& experiment = data.table.experiments[e];
  const ExperimentStatistics& statistics = data.statistics[e];
  std::string html = "<section aria-labelledby=\"" + id + "\">\n<h2 id=\"" + id + "\">" +
                     escape(display_name(data, e)) + "</h2>\n" +
                     paragraph(protocol_text(data, e), "facts");
  if (statistics.conditions.empty())
    return html + paragraph("Nothing is planned.") + "</section>\n";
  html += scores_html(statistics);
  if (statistics.conditions.size() > 1) html += nested_html(experiment, statistics);
  const ConditionStatistics* headline = headline_of(statistics);
  if (headline) {
    html += further_html(*headline);
    const std::string& absent = headline->subject_scores.absent_because;
    if (!absent.empty())
      html += paragraph("No interval for new subjects: " + absent + ".", "quiet");
  }
  if (headline) html += outputs_html(statistics, *headline);
  html += details_html(statistics) + comparisons_html(statistics);
  for (const Plot& plot : experiment_plots(data, e)) {
    html += html_figure(plot, id + "-" + plot.name);
  }
  if (headline) html += slices_html(*headline);
  html += training_html(data, e);
  if (!experiment.resolved.empty()) {
    html += "<details><summary>Experiment with every default filled in</summary><pre><code>" +
            escape(experiment.resolved) + "</code></pre></details>\n";
  }
  return html + "</section>\n";
}

}  // namespace emosweep::results
