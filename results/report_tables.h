// Tables whose columns depend on the kind of target, the same in text and on the page. Private to
// results/.
#pragma once

#include <string>
#include <vector>

#include "results/plots/plot.h"
#include "results/report_parts.h"

namespace emosweep::results {

// The kinds of the experiments that stand in the report, each once, single labels first.
std::vector<TargetKind> kinds_of(const ReportData& data);
// "Single labels", "Labels", "Aspects", "Values": above a table of one of several kinds.
std::string kind_title(TargetKind kind);
// That experiments of different kinds are not compared; "" where all are of one.
std::string kinds_text(const ReportData& data);

// A value for each of report_metrics(kind), NaN where the baseline has none.
struct BaselineRow {
  std::string name;  // of BaselineStatistics; of a single label also "chance", 1 / C
  std::vector<double> values;
  bool known() const;  // does it have a value?
};
std::vector<BaselineRow> baseline_rows(const ExperimentStatistics& statistics,
                                       const ConditionStatistics& condition);
// "majority class of training", "chance (1 / classes)".
std::string baseline_title(const std::string& name, TargetKind kind);

// Labels, aspects or values of a condition; empty of a single label. rerun: with intervals.
TextTable output_rows(const ExperimentStatistics& statistics, const ConditionStatistics& condition,
                      bool rerun);
// What its columns mean, in a sentence, and what a report of this kind leaves out.
std::string output_caption(TargetKind kind);
std::string left_out_text(TargetKind kind);

}  // namespace emosweep::results
