#include <cmath>

#include "results/counting.h"
#include "results/figures.h"
#include "results/json_file.h"
#include "results/report_parts.h"
#include "results/report_tables.h"

namespace emosweep::results {
namespace {

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

void add_figures(Json& json, const Figures& figures) {
  for (const auto& figure : figures) {
    if (figure.whole) {
      json[figure.name] = static_cast<std::int64_t>(figure.value);
    } else {
      json[figure.name] = number(figure.value);
    }
  }
}

Json spread_json(const Spread& spread) {
  Json json;
  json["n"] = spread.n;
  json["mean"] = number(spread.mean);
  json["sd"] = number(spread.sd);
  return json;
}

Json cells_json(const CellStatistics& cells) {
  Json json = spread_json(cells.cells.spread);
  add_figures(json, figures_of(cells.cells));
  json["seeds"] = spread_json(cells.seeds);
  json["folds"] = spread_json(cells.folds);
  return json;
}

Json numbers_json(const std::vector<double>& values) {
  Json json = Json::array();
  for (const double value : values) json.push_back(number(value));
  return json;
}

Json pooled_json(const PooledStatistics& pooled) {
  Json json = spread_json(pooled.spread);
  json["per_seed"] = numbers_json(pooled.per_seed);
  return json;
}

Json replicated_json(const ReplicatedStatistics& statistics) {
  Json json = pooled_json(statistics);
  add_figures(json, figures_of(statistics));
  json["expected_best"] = numbers_json(statistics.expected_best);
  return json;
}

Json family_json(const ComparisonFamily& family) {
  Json json;
  if (!family.absent_because.empty()) json["absent_because"] = family.absent_because;
  json["pairs"] = Json::array();
  for (const auto& pair : family.pairs) {
    Json one;
    one["a"] = pair.a;
    one["b"] = pair.b;
    one["conclusion"] = conclusion_of(pair);
    one["absent_because"] = pair.absent_because;
    one["probability_verdict"] = verdict_text(pair.result.better.verdict);
    add_figures(one, figures_of(pair));
    json["pairs"].push_back(std::move(one));
  }
  json["mean_ranks"] = family.ranks.mean_ranks;
  add_figures(json, figures_of(family.ranks));
  return json;
}

Json confusion_json(const Confusion& confusion) {
  Json rows = Json::array();
  if (confusion.kind != TargetKind::single) {  // one a label or aspect
    for (std::int64_t b = 0; b < confusion.blocks; ++b) {
      rows.push_back(confusion_json(confusion.block(b)));
    }
    return rows;
  }
  const auto c = static_cast<std::size_t>(confusion.classes);
  for (std::size_t t = 0; t < c; ++t) {
    const auto first = confusion.counts.begin() + static_cast<long>(t * c);
    rows.push_back(std::vector<std::int64_t>(first, first + static_cast<long>(c)));
  }
  return rows;
}

template <class T>
Json figures_json(const T& of) {
  Json json = Json::object();
  add_figures(json, figures_of(of));
  return json;
}

Json classes_json(const ConditionStatistics& condition, const std::vector<std::string>& names) {
  Json classes = Json::array();
  for (std::size_t k = 0; k < condition.classes.size(); ++k) {
    Json one;
    one["class"] = names[k];
    add_figures(one, figures_of(condition.classes[k]));
    classes.push_back(std::move(one));
  }
  return classes;
}

// What is computed of a headline only.
Json headline_json(const ConditionStatistics& headline) {
  Json json;
  json["condition"] = headline.label;
  json["bootstrap"] = figures_json(headline.resampled);
  json["profile"] = Json::array();
  for (const auto& point : headline.resampled.profile) {
    json["profile"].push_back(figures_json(point));
  }
  json["subjects"] = Json::array();
  for (const auto& subject : headline.subjects) {
    Json one = figures_json(subject);
    one["subject"] = subject.subject;
    one["support"] = subject.support;
    one[subject.metric + "_per_seed"] = numbers_json(subject.score);
    json["subjects"].push_back(std::move(one));
  }
  json["slices"] = Json::array();
  for (const auto& slice : headline.slices) {
    Json one = figures_json(slice);
    one["column"] = slice.column;
    one["value"] = slice.value;
    json["slices"].push_back(std::move(one));
  }
  return json;
}

Json outputs_json(const ConditionStatistics& condition) {
  Json outputs = Json::array();
  for (const auto& output : condition.outputs) {
    Json one;
    one["output"] = output.name;
    add_figures(one, figures_of(output));
    outputs.push_back(std::move(one));
  }
  return outputs;
}

Json condition_json(const ConditionStatistics& condition, const TargetSpec& target) {
  Json json;
  json["condition"] = condition.label;
  json["expected"] = condition.expected;
  json["done"] = condition.done;
  json["failed"] = condition.failed;
  json["missing"] = condition.missing;
  json["trials"] = condition.trials;
  for (const auto& metric : condition.metrics) {
    json["pooled_" + metric.name] = replicated_json(metric.pooled);
  }
  for (const auto& baseline : condition.baselines) {
    for (const auto& [metric, statistics] : baseline.metrics) {
      json[baseline.name + "_" + metric] = pooled_json(statistics);
    }
  }
  for (const auto& [name, statistics] : condition.further) {
    json["pooled_" + name] = pooled_json(statistics);
  }
  if (target.kind == TargetKind::single || target.kind == TargetKind::multi) {
    json["undefined_f1"] = condition.undefined_f1;
  }
  json["calibration"] = Json::object();
  add_figures(json["calibration"], figures_of(condition.calibration));
  json["no_subjects_because"] = condition.subject_scores.absent_because;
  for (const auto& metric : condition.metrics) json[metric.name] = cells_json(metric.cells);
  for (const auto& [name, cells] : condition.row_scores) json[name] = cells_json(cells);
  if (target.kind != TargetKind::regression) {
    json["confusion"] = confusion_json(condition.confusion);
    json["classes"] = classes_json(condition, class_names_of(target));
  }
  if (target.kind != TargetKind::single) json["outputs"] = outputs_json(condition);
  return json;
}

// Of scores in place of predictions: what can be said of them.
Json scored_json(const ConditionStatistics& condition) {
  Json json;
  json["condition"] = condition.label;
  json["expected"] = condition.expected;
  json["done"] = condition.done;
  json["missing"] = condition.missing;
  json["mean_score"] = replicated_json(condition.headline());
  json["no_subjects_because"] = condition.subject_scores.absent_because;
  json["score"] = cells_json(condition.metrics.front().cells);
  return json;
}

Json row_json(const PlannedExperiment& experiment, const Row& row) {
  Json json;
  json["id"] = row.cell.id.hex();
  json["condition"] = experiment.conditions[row.cell.condition];
  json["seed"] = row.cell.seed;
  json["fold"] = row.cell.fold;
  if (row.status == "failed") {
    json["reason"] = row.reason;
    json["message"] = row.message;
  }
  return json;
}

Json experiment_json(const ReportData& data, std::size_t e) {
  const TableExperiment& experiment = data.table.experiments[e];
  const ExperimentStatistics& statistics = data.statistics[e];
  Json json;
  json["name"] = experiment.name;
  if (!data.table.sources.empty()) {
    json["source"] = data.table.sources[experiment.source].name;
    json["cells_from_another_source"] = experiment.from_another;
  }
  if (experiment.external) {
    json["external"] = true;
    json["metric"] = headline_metric(statistics);
    json["notes"] = experiment.notes;
  }
  if (experiment.derived) {
    json["ensemble"] = true;
    json["notes"] = experiment.notes;
  }
  json["dataset"] = experiment.dataset;
  json["protocol"] = experiment.protocol;
  json["group"] = experiment.group;
  json["normalise"] = experiment.normalise;
  json["transductive"] = experiment.normalise == "group";
  json["selection_metric"] = experiment.selection_metric;
  if (experiment.kind != TargetKind::single) {
    json["target"] = target_kind_name(experiment.kind);
    json["outputs"] = experiment.outputs;
  }
  json["classes"] = experiment.classes;
  json["chance"] = number(statistics.chance);
  json["seeds"] = statistics.seeds;
  json["folds"] = statistics.folds;
  json["conditions"] = Json::array();
  bool complete = true;
  for (const auto& condition : statistics.conditions) {
    json["conditions"].push_back(experiment.metric.empty()
                                     ? condition_json(condition, experiment.target())
                                     : scored_json(condition));
    complete = complete && condition.done == condition.expected;
  }
  json["complete"] = complete;
  if (statistics.nested.exists) {
    Json nested = condition_json(statistics.nested.result, experiment.target());
    nested["selected_by"] = "validation " + statistics.nested.metric;
    nested["chosen"] = statistics.nested.chosen;
    nested["overall_winner"] = experiment.conditions[statistics.reference];  // all subjects seen
    nested["oracle"] = experiment.conditions[statistics.nested.oracle];
    nested["optimism"] = number(statistics.nested.optimism);
    json["nested"] = nested;
  } else if (statistics.conditions.size() > 1) {
    json["nested"] = nullptr;
    json["nested_absent_because"] = statistics.nested.absent_because;
  }
  const ConditionStatistics* headline = headline_of(statistics);
  if (headline && experiment.metric.empty()) {
    json["headline"] = headline_json(*headline);
  }
  if (!statistics.comparisons.pairs.empty()) {
    json["comparisons"] = family_json(statistics.comparisons);
  }
  json["failures"] = Json::array();
  json["missing"] = Json::array();
  for (std::size_t i = data.table.first[e]; i < data.table.first[e + 1]; ++i) {
    const Row& row = data.table.rows[i];
    if (row.done()) continue;
    json[row.status == "failed" ? "failures" : "missing"].push_back(row_json(experiment, row));
  }
  return json;
}

Json cost_json(const Cost& cost) {
  Json json;
  json["trials"] = cost.trials;
  json["wall_seconds"] = cost.wall_seconds;
  json["cpu_seconds"] = cost.cpu_seconds;
  json["steps"] = cost.steps;
  json["restarts"] = cost.restarts;
  json["peak_memory_bytes"] = cost.peak_memory_bytes;
  return json;
}

// What its metrics and its own names mean.
Json kind_definitions(TargetKind kind) {
  Json json;
  for (const ReportMetric& metric : report_metrics(kind)) {
    json[metric.name] = metric_definition(metric.name, kind);
  }
  for (const char* name : row_metrics(kind)) {
    json[name] = metric_definition(name, kind) +
                 "; as records have it: of each cell, and not pooled over folds";
  }
  json["outputs"] = output_caption(kind);
  if (kind == TargetKind::regression) return json;
  json["majority"] = kind == TargetKind::multi
                         ? "every fold predicts the labels that half of its training rows have"
                         : "every fold predicts the most frequent class of its training rows, by "
                           "aspect";
  if (kind == TargetKind::multi) json["present"] = "every label is predicted of every row";
  json["chance"] =
      "classes drawn by their shares of the fold's training rows: the scores of the "
      "expected counts";
  json["calibration"] =
      kind == TargetKind::multi
          ? "of the probability of presence over all (row, label) cells: gap to the share that has "
            "the label in 15 bins, and mean squared error (brier_score)"
          : "as of single labels, over the known cells of all aspects";
  return json;
}

}  // namespace

std::string json_report(const ReportData& data) {
  Json json, definitions;
  for (const char* metric : {"macro_f1", "macro_f1_occurring", "f1_of_means", "weighted_f1", "uar",
                             "accuracy", "mcc", "kappa"}) {
    definitions[metric] = metric_definition(metric);
  }
  for (const TargetKind kind : kinds_of(data)) {
    if (kind != TargetKind::single) definitions[target_kind_name(kind)] = kind_definitions(kind);
  }
  definitions["pooled"] =
      "of the confusion matrix summed over the folds of one seed; mean and sd "
      "(n-1) over the seeds of which every fold is done";
  definitions["undefined_f1"] =
      "classes that pooled macro-F1 counts as 0 because they are neither true nor predicted; per "
      "seed, -1 for an incomplete one";
  definitions["expected_best"] =
      "of 1, 2, ... of the complete seeds, drawn without replacement: what picking the best would "
      "score";
  definitions["calibration"] =
      "of the predicted class's probability in 15 bins (expected_calibration_error), and the mean "
      "over rows of the squared errors of all classes' probabilities, summed (brier_score)";
  definitions["overall_winner"] =
      "the condition that validation chose most often: all subjects seen, so its score is not "
      "clean";
  definitions["oracle"] =
      "the condition with the best pooled macro-F1 on the test rows, which is no result; optimism: "
      "by how much it is above the nested selection";
  definitions["seeds"] = "over the means of the seeds of which every fold is done";
  definitions["folds"] = "over the means of the folds that are done for every seed";
  definitions["rerun"] =
      "95 % interval of what other seeds would give on the same subjects: t over the complete "
      "seeds";
  definitions["new_subject"] =
      "95 % interval of what other subjects would give with the same seeds: t over the subjects' "
      "pseudo-values (delete-one-subject jackknife of the pooled score)";
  definitions["variance"] =
      "seed, subject and residual variance of the pseudo-values by seed and subject (two-way "
      "analysis of variance), a negative estimate counted as 0; share: of their sum";
  definitions["comparisons"] =
      "of pooled macro-F1, a - b, paired on seed and subject; difference, t and p over seeds and "
      "subjects at once (two-way random effects, Satterthwaite); p_holm: adjusted over the pairs; "
      "conclusion: better or worse (p_holm < .05), equal (95 % of the posterior within +-.01), "
      "else "
      "undecided";
  definitions["classes"] =
      "of the matrices pooled by seed: means over the complete seeds; rerun: 95 % interval of F1 "
      "by "
      "t over them";
  definitions["subjects"] =
      "the headline's rows of one subject: UAR over the classes that the subject has, mean and sd "
      "over the complete seeds";
  definitions["slices"] =
      "the headline's rows with one value of a metadata column, pooled by seed; absent_classes "
      "have "
      "no such row, and macro-F1 counts them as 0";
  definitions["bootstrap"] =
      "95 % percentile intervals of the headline from 2,000 resampled tables of pseudo-values: "
      "stratified draws other seeds for each subject, two_way seeds and subjects; narrow for fewer "
      "than 20 of them";
  definitions["profile"] =
      "share of (seed, subject) with a UAR above the threshold, with a pointwise 95 % band by the "
      "two-way bootstrap";
  definitions["majority"] = "every fold predicts the most frequent class of its training rows";
  definitions["chance"] = "1 / number of classes";
  json["statistics"]["definitions"] = definitions;
  json["statistics"]["source_revisions"] = data.table.source_revisions;
  for (const Source& source : data.table.sources) {
    json["statistics"]["sources"].push_back({{"name", source.name}, {"path", source.path}});
  }
  json["statistics"]["experiments"] = Json::array();
  if (!data.comparisons.pairs.empty() || !data.comparisons.absent_because.empty()) {
    json["statistics"]["comparisons"] = family_json(data.comparisons);
  }
  json["cost"] = cost_json(cost_of(data.table, 0, data.table.rows.size()));
  json["cost"]["experiments"] = Json::array();
  for (std::size_t e = 0; e < data.table.experiments.size(); ++e) {
    json["statistics"]["experiments"].push_back(experiment_json(data, e));
    Json cost = cost_json(cost_of(data.table, data.table.first[e], data.table.first[e + 1]));
    cost["name"] = data.table.experiments[e].name;
    json["cost"]["experiments"].push_back(cost);
  }
  return json_text(json);
}

}  // namespace emosweep::results
