// The report as one self-contained HTML file. Private to results/.
#pragma once

#include <string>

#include "results/plots/plot.h"
#include "results/report_parts.h"

namespace emosweep::results {

std::string html_report(const ReportData& data);

// One experiment's section; `id` is unique in the page.
std::string experiment_section(const ReportData& data, std::size_t experiment,
                               const std::string& id);

// Parts of the text report that the page prints too: how it was split, scaled and selected.
std::string protocol_text(const ReportData& data, std::size_t experiment);

// Rows at the foot of a table whose columns are name, headline, two intervals, further metrics;
// `of` stands behind the names.
void add_baselines(TextTable& table, const ExperimentStatistics& statistics,
                   const ConditionStatistics& headline, const std::string& of);

}  // namespace emosweep::results
