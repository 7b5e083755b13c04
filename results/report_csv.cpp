// The report as CSV: one line an experiment, condition and metric, with every figure that the JSON
// has of it.
#include <cmath>
#include <cstdio>

#include "results/figures.h"
#include "results/report_parts.h"

namespace emosweep::results {
namespace {

std::string cell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

// As few digits as give the same number again; nothing where it is undefined.
std::string cell(const Figure& figure) {
  if (!std::isfinite(figure.value)) return "";
  if (figure.whole) return std::to_string(static_cast<std::int64_t>(figure.value));
  char text[40];
  for (const int digits : {15, 16, 17}) {
    std::snprintf(text, sizeof text, "%.*g", digits, figure.value);
    if (std::strtod(text, nullptr) == figure.value) break;
  }
  return text;
}

}  // namespace

std::string csv_report(const ReportData& data) {
  std::string csv = "experiment,condition,headline,metric,expected,done,failed,mean,sd";
  for (const auto& figure : figures_of(ReplicatedStatistics{})) csv += "," + figure.name;
  csv += "\n";
  const auto add = [&](const ExperimentStatistics& statistics, const ConditionStatistics& own) {
    const bool headline = headline_of(statistics) == &own;
    for (const MetricStatistics& metric : own.metrics) {
      const ReplicatedStatistics& replicated = metric.pooled;
      csv += cell(statistics.name) + "," + cell(own.label) + "," + (headline ? "1" : "0") + "," +
             metric.name + "," + std::to_string(own.expected) + "," + std::to_string(own.done) +
             "," + std::to_string(own.failed) + "," + cell(Figure{"", replicated.spread.mean}) +
             "," + cell(Figure{"", replicated.spread.sd});
      for (const auto& figure : figures_of(replicated)) csv += "," + cell(figure);
      csv += "\n";
    }
  };
  for (const auto& statistics : data.statistics) {
    if (statistics.nested.exists) add(statistics, statistics.nested.result);
    for (const auto& condition : statistics.conditions) add(statistics, condition);
  }
  return csv;
}

}  // namespace emosweep::results
