#include "results/report_metrics.h"

#include <utility>

namespace emosweep::results {
namespace {

constexpr ReportMetric kSingle[] = {
    {"macro_f1", [](const Confusion& c) { return scores(c).macro_f1; }},
    {"uar", [](const Confusion& c) { return scores(c).uar; }},
    {"accuracy", [](const Confusion& c) { return scores(c).accuracy; }},
};
constexpr ReportMetric kSingleFurther[] = {
    {"macro_f1_occurring", [](const Confusion& c) { return scores(c).macro_f1_occurring; }},
    {"f1_of_means", [](const Confusion& c) { return scores(c).f1_of_means; }},
    {"weighted_f1", [](const Confusion& c) { return scores(c).weighted_f1; }},
    {"mcc", [](const Confusion& c) { return scores(c).mcc; }},
    {"kappa", [](const Confusion& c) { return scores(c).kappa; }},
};
constexpr ReportMetric kMulti[] = {
    {"macro_f1", [](const Confusion& c) { return kind_scores(c).macro_f1; }},
    {"micro_f1", [](const Confusion& c) { return kind_scores(c).micro_f1; }},
    {"weighted_f1", [](const Confusion& c) { return kind_scores(c).weighted_f1; }},
    {"accuracy", [](const Confusion& c) { return kind_scores(c).accuracy; }},
};
constexpr ReportMetric kAspects[] = {
    {"macro_f1", [](const Confusion& c) { return kind_scores(c).macro_f1; }},
    {"weighted_f1", [](const Confusion& c) { return kind_scores(c).weighted_f1; }},
    {"uar", [](const Confusion& c) { return kind_scores(c).uar; }},
    {"accuracy", [](const Confusion& c) { return kind_scores(c).accuracy; }},
};
constexpr ReportMetric kRegression[] = {
    {"ccc", [](const Confusion& c) { return regression_scores(c).ccc; }},
    {"pearson", [](const Confusion& c) { return regression_scores(c).pearson; }},
    {"mae", [](const Confusion& c) { return regression_scores(c).mae; }, true},
    {"rmse", [](const Confusion& c) { return regression_scores(c).rmse; }, true},
};
constexpr const char* kMultiRows[] = {"subset_accuracy", "jaccard"};

constexpr std::pair<const char*, const char*> kTitles[] = {
    {"macro_f1", "macro-F1"}, {"micro_f1", "micro-F1"}, {"weighted_f1", "weighted F1"},
    {"uar", "UAR"},           {"ccc", "CCC"},           {"pearson", "Pearson"},
    {"mae", "MAE"},           {"rmse", "RMSE"},         {"subset_accuracy", "subset accuracy"},
    {"jaccard", "Jaccard"}};

}  // namespace

std::span<const ReportMetric> report_metrics(TargetKind kind) {
  if (kind == TargetKind::multi) return kMulti;
  if (kind == TargetKind::aspects) return kAspects;
  if (kind == TargetKind::regression) return kRegression;
  return kSingle;
}

std::span<const ReportMetric> further_metrics(TargetKind kind) {
  if (kind == TargetKind::single) return kSingleFurther;
  return {};
}

std::span<const char* const> row_metrics(TargetKind kind) {
  if (kind == TargetKind::multi) return kMultiRows;
  return {};
}

std::string subject_metric(TargetKind kind) {
  if (kind == TargetKind::regression) return "";
  return kind == TargetKind::multi ? "micro_f1" : "uar";
}

bool lower_is_better(const std::string& metric) {
  return metric == "loss" || metric == "mae" || metric == "rmse";
}

std::string metric_title(const std::string& name) {
  for (const auto& [known, title] : kTitles) {
    if (name == known) return title;
  }
  return name;
}

std::string headline_title(TargetKind kind) { return metric_title(report_metrics(kind)[0].name); }

}  // namespace emosweep::results
