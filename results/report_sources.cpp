#include "results/report_sources.h"

#include "base/error.h"
#include "results/csv_source.h"
#include "results/derived_table.h"
#include "results/joined_table.h"
#include "results/summary_table.h"

namespace emosweep::results {
namespace {

Table table_of(const RunFolder& folder, const ReportSources& sources) {
  if (!sources.merges.empty() || !sources.ensembles.empty())
    return derived_table(folder, sources.merges, sources.ensembles);
  Table table = planned_table(folder);
  if (!fill_from_summary(folder, table)) fill_table(folder, table, nullptr);
  return table;
}

void refuse_doubles(const std::vector<std::filesystem::path>& paths) {
  for (std::size_t i = 0; i < paths.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      std::error_code none;
      if (std::filesystem::equivalent(paths[i], paths[j], none)) {
        throw InputError(paths[i].string() + " and " + paths[j].string() +
                         " are the same: a report takes each source once");
      }
    }
  }
}

Table loaded_table(const ReportSources& sources) {
  std::vector<std::filesystem::path> paths = sources.csv;
  for (const auto& folder : sources.folders) paths.push_back(folder.path());
  if (paths.empty()) throw InputError("a report of nothing: no run folder is given, and no CSV");
  if (paths.size() == 1 && sources.csv.empty()) return table_of(sources.folders.front(), sources);
  if (!sources.ensembles.empty() || !sources.merges.empty())
    throw InputError(
        "--merge and --ensemble make experiments of those of one run folder; several sources are "
        "given");
  refuse_doubles(paths);
  std::vector<SourceTable> tables;
  for (const auto& folder : sources.folders)
    tables.push_back({folder.path(), table_of(folder, ReportSources{})});
  for (const auto& file : sources.csv) tables.push_back({file, csv_table(file, sources.metric)});
  return joined_tables(std::move(tables));
}

}  // namespace

ReportData load_report(const ReportSources& sources) {
  ReportData data{loaded_table(sources), {}, {}};
  for (std::size_t e = 0; e < data.table.experiments.size(); ++e) {
    data.statistics.push_back(experiment_statistics(data.table, e));
  }
  data.comparisons = compare_experiments(data.table, data.statistics);
  return data;
}

}  // namespace emosweep::results
