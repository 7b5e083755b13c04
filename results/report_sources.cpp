#include "results/report_sources.h"

namespace emosweep::results {

ReportData load_report(const RunFolder& folder) {
  ReportData data{planned_table(folder), {}, {}};
  fill_table(folder, data.table, nullptr);
  for (std::size_t e = 0; e < data.table.experiments.size(); ++e) {
    data.statistics.push_back(experiment_statistics(data.table, e));
  }
  data.comparisons = compare_experiments(data.table, data.statistics);
  return data;
}

}  // namespace emosweep::results
