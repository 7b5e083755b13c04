#include "results/report.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "results/report_parts.h"
#include "results/report_sources.h"

namespace emosweep::results {

std::string cell_name(const Table& table, const Row& row) {
  const PlannedExperiment& experiment = table.experiments[row.cell.experiment];
  return experiment.name + " / " + experiment.conditions[row.cell.condition] + " / seed " +
         std::to_string(row.cell.seed) + " / fold " + row.cell.fold;
}

Cost cost_of(const Table& table, std::size_t first, std::size_t last) {
  Cost cost;
  std::set<Digest> seen;
  for (std::size_t i = first; i < last; ++i) {
    const Row& row = table.rows[i];
    if (!row.done() || !seen.insert(row.cell.id).second) continue;
    ++cost.trials;
    cost.wall_seconds += row.cost.wall_seconds;
    cost.cpu_seconds += row.cost.cpu_seconds;
    cost.steps += row.cost.steps;
    cost.restarts += row.cost.restarts;
    cost.peak_memory_bytes = std::max(cost.peak_memory_bytes, row.cost.peak_memory_bytes);
  }
  return cost;
}

std::string report(const ReportSources& sources, const ReportOptions& options) {
  if (options.format != "text" && options.format != "json") {
    throw InputError("no report format is called '" + options.format + "': text or json");
  }
  const ReportData data = load_report(sources);
  return options.format == "json" ? json_report(data) : text_report(data);
}

std::string report(const RunFolder& folder, const ReportOptions& options) {
  return report(ReportSources{{folder}}, options);
}

std::string overview(const RunFolder& folder) { return overview_text(load_report({{folder}})); }

}  // namespace emosweep::results
