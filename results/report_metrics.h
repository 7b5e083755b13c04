// Which metrics a report gives of each kind of target, in its order. Private to results/.
#pragma once

#include <span>
#include <string>

#include "results/statistics/pooled.h"

namespace emosweep::results {

struct ReportMetric {
  const char* name;  // as in records
  Metric value;
  bool lower_is_better = false;
};

// With intervals, the headline first: macro_f1 or, of regression, ccc.
std::span<const ReportMetric> report_metrics(TargetKind kind);
// Pooled values beside them.
std::span<const ReportMetric> further_metrics(TargetKind kind);
// What needs whole rows, so that folds have it and sums over folds do not: taken from the records.
std::span<const char* const> row_metrics(TargetKind kind);
// By subject, whose few rows lack most classes: "uar", "micro_f1" of labels; "" of regression.
std::string subject_metric(TargetKind kind);

bool lower_is_better(const std::string& metric);    // loss, mae, rmse
std::string metric_title(const std::string& name);  // "macro-F1", "UAR"
std::string headline_title(TargetKind kind);        // of report_metrics(kind)[0]

}  // namespace emosweep::results
