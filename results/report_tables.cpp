#include "results/report_tables.h"

#include <algorithm>
#include <cmath>

#include "results/text_layout.h"

namespace emosweep::results {
namespace {

constexpr TargetKind kOrder[] = {TargetKind::single, TargetKind::multi, TargetKind::aspects,
                                 TargetKind::regression};

double mean_of(const std::vector<std::pair<std::string, PooledStatistics>>& scores,
               const std::string& name) {
  for (const auto& [of, statistics] : scores) {
    if (of == name) return statistics.spread.mean;
  }
  return kUndefined;
}

std::string threshold_text(const Spread& threshold) {
  if (threshold.n < 2 || std::isnan(threshold.sd)) return score(threshold.mean, 3);
  return score(threshold.mean, 3) + " +- " + score(threshold.sd, 3);
}

TextTable label_rows(const ConditionStatistics& condition, bool rerun) {
  TextTable table{{"label", "rows", "precision", "recall", "F1"}};
  if (rerun) table[0].emplace_back("re-run 95 %");
  for (const char* column : {"F1 of majority", "threshold", "of training rows"}) {
    table[0].emplace_back(column);
  }
  for (std::size_t k = 0; k < condition.outputs.size(); ++k) {
    const OutputStatistics& own = condition.outputs[k];
    const ClassStatistics& present = condition.classes[k];
    table.push_back({own.name, std::to_string(present.support), score(present.precision.mean, 3),
                     score(present.recall.mean, 3), score(present.f1.spread.mean, 3)});
    if (rerun) {
      table.back().push_back(bracketed(present.rerun.lower, present.rerun.upper, 3));
    }
    table.back().push_back(score(mean_of(own.majority, "f1"), 3));
    table.back().push_back(threshold_text(own.threshold));
    table.back().push_back(std::isnan(own.train_share) ? "-"
                                                       : score(100 * own.train_share, 1) + " %");
  }
  return table;
}

TextTable aspect_rows(const ConditionStatistics& condition,
                      const std::vector<std::string>& classes) {
  TextTable table{{"aspect", "known rows", "macro-F1", "majority", "weighted F1", "majority", "UAR",
                   "accuracy"}};
  for (const auto& name : classes) table[0].push_back("F1 " + name);
  for (std::size_t a = 0; a < condition.outputs.size(); ++a) {
    const OutputStatistics& own = condition.outputs[a];
    table.push_back(
        {own.name, std::to_string(own.rows), score(mean_of(own.scores, "macro_f1"), 3),
         score(mean_of(own.majority, "macro_f1"), 3), score(mean_of(own.scores, "weighted_f1"), 3),
         score(mean_of(own.majority, "weighted_f1"), 3), score(mean_of(own.scores, "uar"), 3),
         score(mean_of(own.scores, "accuracy"), 3)});
    for (std::size_t k = 0; k < classes.size(); ++k) {
      const ClassStatistics& of_class = condition.classes[a * classes.size() + k];
      table.back().push_back(own.rows > 0 ? score(of_class.f1.spread.mean, 3) : "-");
    }
  }
  return table;
}

TextTable value_rows(const ConditionStatistics& condition) {
  TextTable table{{"value", "rows", "CCC", "Pearson", "MAE", "RMSE"}};
  for (const OutputStatistics& own : condition.outputs) {
    table.push_back({own.name, std::to_string(own.rows)});
    for (const char* metric : {"ccc", "pearson", "mae", "rmse"}) {
      table.back().push_back(score(mean_of(own.scores, metric), 3));
    }
  }
  return table;
}

}  // namespace

std::vector<TargetKind> kinds_of(const ReportData& data) {
  std::vector<TargetKind> kinds;
  for (const TargetKind kind : kOrder) {
    const auto& all = data.table.experiments;
    if (std::any_of(all.begin(), all.end(), [&](const auto& e) { return e.kind == kind; })) {
      kinds.push_back(kind);
    }
  }
  return kinds;
}

std::string kind_title(TargetKind kind) {
  switch (kind) {
    case TargetKind::multi:
      return "Labels";
    case TargetKind::aspects:
      return "Aspects";
    case TargetKind::regression:
      return "Values";
    case TargetKind::single:
      break;
  }
  return "Single labels";
}

std::string kinds_text(const ReportData& data) {
  const auto kinds = kinds_of(data);
  if (kinds.size() < 2) return "";
  std::string names;
  for (const TargetKind kind : kinds) {
    names += (names.empty() ? "" : ", ") + std::string(target_kind_name(kind));
  }
  return "The experiments predict targets of different kinds (" + names +
         "): those of different kinds are never compared with each other.";
}

bool BaselineRow::known() const {
  return std::any_of(values.begin(), values.end(), [](double v) { return !std::isnan(v); });
}

std::vector<BaselineRow> baseline_rows(const ExperimentStatistics& statistics,
                                       const ConditionStatistics& condition) {
  const TargetKind kind = statistics.target.kind;
  std::vector<BaselineRow> rows;
  for (const BaselineStatistics& baseline : condition.baselines) {
    rows.push_back({baseline.name, {}});
    for (const ReportMetric& metric : report_metrics(kind)) {
      rows.back().values.push_back(condition.baseline(baseline.name, metric.name).spread.mean);
    }
    // Older records do not know the means.
    if (kind == TargetKind::regression && !rows.back().known()) rows.pop_back();
  }
  if (kind == TargetKind::single) {
    rows.push_back({"chance", {kUndefined, statistics.chance, statistics.chance}});
  }
  return rows;
}

std::string baseline_title(const std::string& name, TargetKind kind) {
  if (name == "present") return "every label present";
  if (name == "train_mean") return "mean of the training rows";
  if (name == "chance") {
    return kind == TargetKind::single ? "chance (1 / classes)" : "chance (by shares of training)";
  }
  return kind == TargetKind::multi ? "labels that half of training has"
                                   : "majority class of training";
}

TextTable output_rows(const ExperimentStatistics& statistics, const ConditionStatistics& condition,
                      bool rerun) {
  switch (statistics.target.kind) {
    case TargetKind::multi:
      return label_rows(condition, rerun);
    case TargetKind::aspects:
      return aspect_rows(condition, statistics.target.classes);
    case TargetKind::regression:
      return value_rows(condition);
    case TargetKind::single:
      break;
  }
  return {};
}

std::string output_caption(TargetKind kind) {
  if (kind == TargetKind::multi) {
    return "Of the counts pooled by seed, means over seeds. Majority: a label that half of the "
           "fold's training rows have is predicted everywhere, any other nowhere. Thresholds were "
           "chosen on validation rows: mean and sd over cells.";
  }
  if (kind == TargetKind::aspects) {
    return "Of the known cells pooled by seed, means over seeds. Majority: the most frequent class "
           "of the fold's training rows, by aspect.";
  }
  return "Of the rows pooled by seed, means over seeds.";
}

std::string left_out_text(TargetKind kind) {
  if (kind == TargetKind::multi) {
    return "Labels are no alternatives, so there is no confusion matrix over them: the counts of "
           "each label are in the JSON report.";
  }
  if (kind == TargetKind::aspects) {
    return "The confusion matrix of each aspect is in the JSON report.";
  }
  if (kind == TargetKind::regression) {
    return "Values have no classes: confusion, calibration, slices, subjects by difficulty and the "
           "baseline of chance do not exist for them.";
  }
  return "";
}

}  // namespace emosweep::results
