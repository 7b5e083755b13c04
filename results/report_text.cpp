#include <algorithm>
#include <cmath>
#include <cstdio>

#include "results/report_parts.h"
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
    text += ", " + std::to_string(experiment.classes.size()) + " classes";
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
          counted(statistics.seeds.size(), "seed") + ", " +
          std::to_string(experiment.classes.size()) + " classes\n";
  text += "   normalise " + normalise_text(experiment.normalise);
  if (!experiment.derived) text += ", " + selection;
  text += "\n";
  for (const auto& note : experiment.notes) text += wrapped("- " + note, "   ");
  return text;
}

std::string scores_table(const ExperimentStatistics& statistics) {
  std::vector<std::vector<std::string>> rows{{"condition", "cells", headline_metric(statistics)}};
  for (const auto& condition : statistics.conditions) {
    rows.push_back({condition.label, done_of(condition), score(condition.pooled_macro_f1.spread)});
  }
  return aligned(rows, "   ");
}

std::string conditions_table(const ExperimentStatistics& statistics) {
  std::vector<std::vector<std::string>> rows{
      {"condition", "cells", "macro-F1 pooled", "UAR pooled", "accuracy pooled"}};
  const auto add = [&](const std::string& label, const ConditionStatistics& condition) {
    rows.push_back({label, done_of(condition), score(condition.pooled_macro_f1.spread),
                    score(condition.pooled_uar.spread), score(condition.pooled_accuracy.spread)});
  };
  for (const auto& condition : statistics.conditions) add(condition.label, condition);
  if (statistics.nested.exists) add("nested selection (see below)", statistics.nested.result);
  const ConditionStatistics& any = shown_of(statistics);
  if (!std::isnan(any.majority_accuracy.spread.mean)) {  // else the training rows are not known
    rows.push_back({"baseline: majority class of training", "",
                    score(any.majority_macro_f1.spread.mean), "",
                    score(any.majority_accuracy.spread.mean)});
  }
  rows.push_back(
      {"baseline: chance (1/C)", "", "", score(statistics.chance), score(statistics.chance)});
  return aligned(rows, "   ");
}

std::string nested_text(const PlannedExperiment& experiment,
                        const ExperimentStatistics& statistics) {
  const NestedSelection& nested = statistics.nested;
  if (!nested.exists) return "   no nested selection: " + nested.absent_because + "\n";
  std::string text = "   " + nested.result.label +
                     ": each (seed, fold) takes the condition of\n   " +
                     std::string(nested.metric == "loss" ? "lowest" : "highest") + " validation " +
                     nested.metric + ", never of the best test score; chosen:\n";
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

std::string definitions_text() {
  std::string text = "Definitions\n";
  for (const char* name : {"macro_f1", "uar", "accuracy"}) {
    text += "  " + left(name, 10) + metric_definition(name) + "\n";
  }
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

std::string overview_text(const ReportData& data) {
  std::vector<std::vector<std::string>> rows{{"experiment", "cells", "macro-F1 pooled",
                                              "UAR pooled", "accuracy pooled", "majority",
                                              "chance"}};
  for (std::size_t e = 0; e < data.statistics.size(); ++e) {
    const ExperimentStatistics& statistics = data.statistics[e];
    std::string name = statistics.name;
    if (data.table.experiments[e].normalise == "group") name += " (transductive)";
    if (statistics.conditions.empty()) {
      rows.push_back({name, "0/0"});
      continue;
    }
    std::int64_t done = 0, expected = 0;
    for (const auto& condition : statistics.conditions) {
      done += condition.done;
      expected += condition.expected;
    }
    const std::string cells = std::to_string(done) + "/" + std::to_string(expected);
    if (statistics.conditions.size() > 1 && !statistics.nested.exists) {
      rows.push_back({name, cells, "see conditions"});
      continue;
    }
    const ConditionStatistics& shown = shown_of(statistics);
    if (!statistics.metric.empty()) {
      rows.push_back({name + " (" + headline_metric(statistics) + ")", cells,
                      score(shown.pooled_macro_f1.spread)});
      continue;
    }
    if (statistics.nested.exists) name += " (nested)";
    rows.push_back({name, cells, score(shown.pooled_macro_f1.spread),
                    score(shown.pooled_uar.spread), score(shown.pooled_accuracy.spread),
                    score(shown.majority_macro_f1.spread.mean), score(statistics.chance)});
  }
  return aligned(rows, "");
}

std::string text_report(const ReportData& data) {
  std::string text;
  for (const auto& paragraph : verdict(data)) text += wrapped(paragraph);
  text += "\n" + sources_text(data.table) +
          "Experiments (mean +- sd over seeds; majority: its macro-F1; chance: 1/C)\n" +
          overview_text(data) + "\n" + experiments_compared_text(data);
  for (std::size_t e = 0; e < data.statistics.size(); ++e) {
    text += experiment_text(data, e) + "\n";
  }
  text += definitions_text();
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
