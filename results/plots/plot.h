// The report's plots, one a function, each with its numbers as a table. Private to results/.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "results/plots/svg.h"
#include "results/report_parts.h"

namespace emosweep::results {

using TextTable = std::vector<std::vector<std::string>>;  // the first row is the header

struct Plot {
  std::string name;  // of a file, without its ending: [a-z0-9_]
  std::string title;
  std::string caption;  // how it is read
  Svg drawing{0, 0};
  TextTable table;
};

// Nothing where there is nothing to draw.
using MaybePlot = std::optional<Plot>;

// Of the experiments.
std::vector<Plot> scores_plots(const ReportData& data);  // seeds, means, both intervals; one a kind
MaybePlot probability_plot(const ReportData& data);      // P(A > B) of pairs
MaybePlot differences_plot(const ReportData& data);      // leader against next best, by subject
MaybePlot components_plot(const ReportData& data);       // shares of variance
MaybePlot profile_plot(const ReportData& data);          // share of (seed, subject) above a score
MaybePlot timeline_plot(const ReportData& data);         // trials by rank, with failures

// Of one experiment; where a condition is needed, of its headline.
MaybePlot conditions_plot(const ReportData& data, std::size_t experiment);
MaybePlot grid_plot(const ReportData& data, std::size_t experiment);
MaybePlot subjects_plot(const ReportData& data, std::size_t experiment);
MaybePlot confusion_plot(const ReportData& data, std::size_t experiment);
MaybePlot classes_plot(const ReportData& data, std::size_t experiment);
MaybePlot curves_plot(const ReportData& data, std::size_t experiment);

std::vector<Plot> overview_plots(const ReportData& data);
std::vector<Plot> experiment_plots(const ReportData& data, std::size_t experiment);

}  // namespace emosweep::results
