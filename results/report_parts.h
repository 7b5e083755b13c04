// What the formats of the report share. Private to results/.
#pragma once

#include <string>
#include <vector>

#include "results/statistics.h"
#include "results/table.h"

namespace emosweep::results {

struct ReportData {
  Table table;
  std::vector<ExperimentStatistics> statistics;  // in the order of table.experiments
  ComparisonFamily comparisons;                  // of the experiments
};

std::string text_report(const ReportData& data);
std::string overview_text(const ReportData& data);
std::string json_report(const ReportData& data);
std::string csv_report(const ReportData& data);
std::string latex_report(const ReportData& data);

// One condition in the text report: its scores in detail, and a confusion matrix.
std::string details(const ConditionStatistics& condition);
std::string score_details(const ConditionStatistics& condition, const std::string& metric);
std::string confusion_text(const Confusion& confusion, const std::vector<std::string>& classes);
// Parts of the text report, whole lines: intervals and variance components of an experiment's
// conditions, their comparisons, those of the experiments, and what these words mean.
std::string intervals_text(const ExperimentStatistics& statistics);
std::string conditions_compared_text(const ExperimentStatistics& statistics);
std::string experiments_compared_text(const ReportData& data);
std::string judgement_definitions();

// By how much a pair differs: "1.2 points", of other programs' scores, which may be of any scale,
// "0.0120".
std::string amount_of(const PairComparison& pair);

// "experiment / condition / seed / fold" of a row.
std::string cell_name(const Table& table, const Row& row);

struct Cost {  // of the distinct trials that are done, without those of other programs
  std::int64_t trials = 0, steps = 0, restarts = 0;
  double wall_seconds = 0, cpu_seconds = 0;
  std::int64_t peak_memory_bytes = 0;  // of the largest
};
Cost cost_of(const Table& table, std::size_t first, std::size_t last);

}  // namespace emosweep::results
