#include <algorithm>
#include <cmath>
#include <cstdio>

#include "results/counting.h"
#include "results/report_parts.h"
#include "results/report_tables.h"
#include "results/text_layout.h"
#include "results/training.h"
#include "results/verdict.h"

namespace emosweep::results {
namespace {

constexpr std::size_t kListed = 20;  // failures and missing cells that are named

std::string done_of(const ConditionStatistics& condition) {
  return std::to_string(condition.done) + "/" + std::to_string(condition.expected);
}

// With several conditions and no nested selection only what they share (baselines) is read of it.
const ConditionStatistics& shown_of(const ExperimentStatistics& experiment) {
  const ConditionStatistics* headline = headline_of(experiment);
  return headline ? *headline : experiment.conditions.front();
}

std::string normalise_text(const std::string& normalise) {
  if (normalise == "train") return "train (statistics of the fold's training rows)";
  if (normalise == "group") return "group (each group by its own rows: TRANSDUCTIVE)";
  return normalise;
}

// Closed-form models have no epochs to choose from.
std::string selection_text(const Table& table, std::size_t e) {
  const auto first = table.rows.begin() + static_cast<long>(table.first[e]);
  const auto last = table.rows.begin() + static_cast<long>(table.first[e + 1]);
  const bool done = std::any_of(first, last, [](const Row& row) { return row.done(); });
  const bool epochs = std::any_of(first, last, [](const Row& row) { return row.epochs > 0; });
  if (done && !epochs) return "fitted without epochs";
  const std::string& metric = table.experiments[e].selection_metric;
  return metric == "last" ? "the last epoch is kept" : "best epoch by validation " + metric;
}

// Which of several sources an experiment is from.
std::string source_text(const Table& table, const TableExperiment& experiment) {
  if (table.sources.empty()) return "";
  std::string text = "   from " + table.sources[experiment.source].name;
  if (experiment.from_another > 0) {
    text += "; " + counted(static_cast<std::size_t>(experiment.from_another), "cell") +
            " by trials that only another source holds";
  }
  return text + "\n";
}

std::string sources_text(const Table& table) {
  if (table.sources.empty()) return "";
  std::string text = "Sources\n";
  for (const Source& source : table.sources) text += "  " + source.name + ": " + source.path + "\n";
  return text + "\n";
}

// Of results of another program only the file and its own columns are known.
std::string external_text(const TableExperiment& experiment,
                          const ExperimentStatistics& statistics) {
  std::string text = "   results of another program, " + counted(statistics.folds.size(), "fold") +
                     ", " + counted(statistics.seeds.size(), "seed");
  if (experiment.metric.empty()) {
    text += ", " + target_text(experiment.target());
  }
  text += "\n";
  for (const auto& note : experiment.notes) text += wrapped("- " + note, "   ");
  return text;
}

std::string heading(const Table& table, const TableExperiment& experiment,
                    const ExperimentStatistics& statistics, const std::string& selection) {
  std::string text = "== " + experiment.name + "\n" + source_text(table, experiment);
  if (experiment.external) return text + external_text(experiment, statistics);
  text += "   dataset " + experiment.dataset + ", protocol " + experiment.protocol;
  if (!experiment.group.empty()) text += ", group " + experiment.group;
  text += ", " + counted(statistics.folds.size(), "fold") + ", " +
          counted(statistics.seeds.size(), "seed") + ", " + target_text(experiment.target()) + "\n";
  text += "   normalise " + normalise_text(experiment.normalise);
  if (!experiment.derived) text += ", " + selection;
  text += "\n";
  for (const auto& note : experiment.notes) text += wrapped("- " + note, "   ");
  return text;
}

std::string scores_table(const ExperimentStatistics& statistics) {
  std::vector<std::vector<std::string>> rows{{"condition", "cells", headline_metric(statistics)}};
  for (const auto& condition : statistics.conditions) {
    rows.push_back({condition.label, done_of(condition), score(condition.headline().spread)});
  }
  return aligned(rows, "   ");
}

std::vector<std::string> metric_header(TargetKind kind, std::vector<std::string> header) {
  for (const ReportMetric& metric : report_metrics(kind)) {
    header.push_back(metric_title(metric.name) + " pooled");
  }
  return header;
}

std::string baseline_name(const BaselineRow& row, TargetKind kind) {
  if (kind == TargetKind::single && row.name == "chance") return "baseline: chance (1/C)";
  return "baseline: " + baseline_title(row.name, kind);
}

std::string conditions_table(const ExperimentStatistics& statistics) {
  const TargetKind kind = statistics.target.kind;
  std::vector<std::vector<std::string>> rows{metric_header(kind, {"condition", "cells"})};
  const auto add = [&](const std::string& label, const ConditionStatistics& condition) {
    rows.push_back({label, done_of(condition)});
    for (const auto& metric : condition.metrics) {
      rows.back().push_back(score(metric.pooled.spread));
    }
  };
  for (const auto& condition : statistics.conditions) add(condition.label, condition);
  if (statistics.nested.exists) add("nested selection (see below)", statistics.nested.result);
  for (const BaselineRow& baseline : baseline_rows(statistics, shown_of(statistics))) {
    if (!baseline.known()) continue;  // the training rows are not known
    rows.push_back({baseline_name(baseline, kind), ""});
    for (const double value : baseline.values) {
      rows.back().push_back(std::isnan(value) ? "" : score(value));
    }
  }
  return aligned(rows, "   ");
}

std::string nested_text(const PlannedExperiment& experiment,
                        const ExperimentStatistics& statistics) {
  const NestedSelection& nested = statistics.nested;
  if (!nested.exists) return "   no nested selection: " + nested.absent_because + "\n";
  std::string text = "   " + nested.result.label +
                     ": each (seed, fold) takes the condition of\n   " +
                     std::string(lower_is_better(nested.metric) ? "lowest" : "highest") +
                     " validation " + nested.metric + ", never of the best test score; chosen:\n";
  for (std::size_t c = 0; c < nested.chosen.size(); ++c) {
    text += "      " + std::to_string(nested.chosen[c]) + " x " + experiment.conditions[c] + "\n";
  }
  text += wrapped(winner_text(experiment, statistics), "   ");
  if (!std::isnan(nested.optimism)) {
    text += wrapped(oracle_text(experiment, nested), "   ");
  }
  return text;
}

// The rows of one status, the first of them by name.
std::string listed(const Table& table, std::size_t first, std::size_t last,
                   const std::string& status, const std::string& title) {
  std::vector<const Row*> rows;
  for (std::size_t i = first; i < last; ++i) {
    if (table.rows[i].status == status) rows.push_back(&table.rows[i]);
  }
  if (rows.empty()) return "";
  std::string text = "   " + std::to_string(rows.size()) + " " + title + ":\n";
  for (std::size_t i = 0; i < std::min(rows.size(), kListed); ++i) {
    text += "      " + cell_name(table, *rows[i]);
    if (!rows[i]->reason.empty()) text += ": " + rows[i]->reason + ", " + rows[i]->message;
    text += "\n";
  }
  if (rows.size() > kListed) {
    text += "      ... and " + std::to_string(rows.size() - kListed) + " more\n";
  }
  return text;
}

// Labels, aspects or values of the headline, or of the first condition where nothing was chosen.
std::string outputs_text(const ExperimentStatistics& statistics, const ConditionStatistics& shown) {
  const TargetKind kind = statistics.target.kind;
  return "\n   " + shown.label + ":\n" + aligned(output_rows(statistics, shown, false), "      ") +
         wrapped(output_caption(kind), "      ") + wrapped(left_out_text(kind), "      ");
}

std::string experiment_text(const ReportData& data, std::size_t e) {
  const TableExperiment& experiment = data.table.experiments[e];
  const ExperimentStatistics& statistics = data.statistics[e];
  std::string text = heading(data.table, experiment, statistics, selection_text(data.table, e));
  if (statistics.conditions.empty()) return text + "   nothing is planned\n";
  std::int64_t lacking = 0;
  for (const auto& condition : statistics.conditions) {
    lacking += condition.expected - condition.done;
  }
  if (lacking > 0) {
    text += "   INCOMPLETE: " + std::to_string(lacking) +
            " cells are not done (listed below). Seeds that lack a fold are left out of\n"
            "   pooled scores.\n";
  }
  const bool scored = !experiment.metric.empty();
  text += "\n" + (scored ? scores_table(statistics) : conditions_table(statistics)) + "\n";
  if (statistics.conditions.size() > 1) {
    text += nested_text(experiment, statistics) + "\n";
  }
  text += intervals_text(statistics) + "\n";
  text += conditions_compared_text(statistics);
  for (const auto& condition : statistics.conditions) {
    text += scored ? score_details(condition, experiment.metric) : details(condition);
    const auto c = static_cast<std::size_t>(&condition - statistics.conditions.data());
    text += training_text(training_statistics(data.table, e, c));
  }
  if (statistics.nested.exists) text += details(statistics.nested.result);
  const ConditionStatistics& shown = shown_of(statistics);
  if (scored) {
    // nothing was predicted
  } else if (experiment.kind != TargetKind::single) {
    text += outputs_text(statistics, shown);
  } else if (statistics.nested.exists || statistics.conditions.size() == 1) {
    text += "\n   confusion (counts over all seeds and folds), " + shown.label + ":\n" +
            confusion_text(shown.confusion, experiment.classes);
  } else {
    for (const auto& condition : statistics.conditions) {
      text += "\n   confusion (counts over all seeds and folds), " + condition.label + ":\n" +
              confusion_text(condition.confusion, experiment.classes);
    }
  }
  const std::size_t first = data.table.first[e], last = data.table.first[e + 1];
  const std::string failed = listed(data.table, first, last, "failed", "failed");
  const std::string missing = listed(data.table, first, last, "missing", "missing");
  if (!failed.empty() || !missing.empty()) text += "\n" + failed + missing;
  return text;
}

// What stands in the column of that name.
std::string chance_text(const ReportData& data) {
  const auto kinds = kinds_of(data);
  if (kinds.empty() || kinds[0] != TargetKind::single) {
    return kinds.empty() ? "1/C" : "its macro-F1";
  }
  return kinds.size() == 1 ? "1/C" : "1/C, of other kinds its macro-F1";
}

// Of one kind; lines are broken where they do not fit.
std::string metrics_text(TargetKind kind) {
  if (kind == TargetKind::single) {
    std::string text;
    for (const ReportMetric& metric : report_metrics(kind)) {
      text += "  " + left(metric.name, 10) + metric_definition(metric.name) + "\n";
    }
    return text;
  }
  std::string text = "  of targets of kind " + std::string(target_kind_name(kind)) + ":\n";
  for (const ReportMetric& metric : report_metrics(kind)) {
    text += wrapped(std::string(metric.name) + ": " + metric_definition(metric.name, kind), "    ");
  }
  for (const char* name : row_metrics(kind)) {
    text += wrapped(std::string(name) + ": " + metric_definition(name, kind) +
                        "; of each cell, since it does not pool over folds",
                    "    ");
  }
  if (kind != TargetKind::regression) {
    text += wrapped(
        "chance: classes drawn by their shares of the fold's training rows, the score "
        "of the expected counts",
        "    ");
  }
  return text;
}

std::string definitions_text(const ReportData& data) {
  std::string text = "Definitions\n";
  for (const TargetKind kind : kinds_of(data)) text += metrics_text(kind);
  if (kinds_of(data).empty()) text += metrics_text(TargetKind::single);
  text +=
      "  pooled    of the confusion matrix summed over the folds of one seed, then mean +- sd "
      "(n-1)\n            over the seeds of which every fold is done\n";
  text +=
      "  sd cells  over all (seed, fold); sd seeds: over the means of complete seeds; sd folds: "
      "over\n            the means of complete folds\n";
  text +=
      "  majority  every fold predicts the most frequent class of its training rows, on the "
      "same test rows\n";
  return text + judgement_definitions();
}

}  // namespace

namespace {

// The line of one experiment.
std::vector<std::string> overview_row(const ReportData& data, std::size_t e) {
  const ExperimentStatistics& statistics = data.statistics[e];
  std::string name = statistics.name;
  if (data.table.experiments[e].normalise == "group") name += " (transductive)";
  if (statistics.conditions.empty()) return {name, "0/0"};
  std::int64_t done = 0, expected = 0;
  for (const auto& condition : statistics.conditions) {
    done += condition.done;
    expected += condition.expected;
  }
  const std::string cells = std::to_string(done) + "/" + std::to_string(expected);
  if (statistics.conditions.size() > 1 && !statistics.nested.exists) {
    return {name, cells, "see conditions"};
  }
  const ConditionStatistics& shown = shown_of(statistics);
  if (!statistics.metric.empty()) {
    return {name + " (" + headline_metric(statistics) + ")", cells, score(shown.headline().spread)};
  }
  if (statistics.nested.exists) name += " (nested)";
  std::vector<std::string> row{name, cells};
  for (const auto& metric : shown.metrics) row.push_back(score(metric.pooled.spread));
  const TargetKind kind = statistics.target.kind;
  if (kind == TargetKind::regression) return row;
  row.push_back(score(shown.baseline("majority", "macro_f1").spread.mean));
  row.push_back(score(kind == TargetKind::single
                          ? statistics.chance
                          : shown.baseline("chance", "macro_f1").spread.mean));
  return row;
}

}  // namespace

std::string overview_text(const ReportData& data) {
  std::string text;
  auto kinds = kinds_of(data);
  if (kinds.empty()) kinds.push_back(TargetKind::single);
  for (const TargetKind kind : kinds) {
    std::vector<std::vector<std::string>> rows{metric_header(kind, {"experiment", "cells"})};
    if (kind != TargetKind::regression) {
      rows[0].emplace_back("majority");
      rows[0].emplace_back("chance");
    }
    for (std::size_t e = 0; e < data.statistics.size(); ++e) {
      if (data.table.experiments[e].kind == kind) rows.push_back(overview_row(data, e));
    }
    if (kinds.size() > 1) text += (text.empty() ? "" : "\n") + kind_title(kind) + "\n";
    text += aligned(rows, "");
  }
  return text;
}

std::string text_report(const ReportData& data) {
  std::string text;
  for (const auto& paragraph : verdict(data)) text += wrapped(paragraph);
  text +=
      "\n" + sources_text(data.table) +
      "Experiments (mean +- sd over seeds; majority: its macro-F1; chance: " + chance_text(data) +
      ")\n" + overview_text(data) + "\n" + experiments_compared_text(data);
  for (std::size_t e = 0; e < data.statistics.size(); ++e) {
    text += experiment_text(data, e) + "\n";
  }
  text += definitions_text(data);
  const auto& experiments = data.table.experiments;
  const bool trained = std::any_of(experiments.begin(), experiments.end(),
                                   [](const auto& experiment) { return !experiment.external; });
  if (!trained && !experiments.empty()) return text;  // what it cost nobody says
  const Cost cost = cost_of(data.table, 0, data.table.rows.size());
  char line[160];
  std::snprintf(line, sizeof line,
                "\nCost: %lld trials, %.1f s of wall time in trials, %.1f CPU seconds\n",
                static_cast<long long>(cost.trials), cost.wall_seconds, cost.cpu_seconds);
  return text + line;
}

}  // namespace emosweep::results
