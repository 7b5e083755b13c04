#include "results/report.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "results/page/page.h"
#include "results/plots/plot.h"
#include "results/report_parts.h"
#include "results/report_sources.h"

namespace emosweep::results {
namespace {

// Letters, digits, '-' and '_' of a name; the rest as '_'.
std::string file_name(const std::string& name) {
  std::string result;
  for (const char c : name.substr(0, 60)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    result += plain || c == '-' ? c : '_';
  }
  return result;
}

}  // namespace

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
    const TableExperiment& of = table.experiments[row.cell.experiment];
    if (of.external || of.derived) continue;
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

struct Report::Loaded {
  ReportData data;
};

Report::Report(const ReportSources& sources)
    : loaded_(std::make_unique<Loaded>(Loaded{load_report(sources)})) {}
Report::~Report() = default;

namespace {

// Pages, tables and figures are of predictions throughout.
void need_predictions(const ReportData& data, const std::string& what) {
  for (const auto& experiment : data.table.experiments) {
    if (experiment.metric.empty()) continue;
    throw InputError(what + " shows predictions, and experiment '" + experiment.name +
                     "' has scores only: ask for text or json");
  }
}

}  // namespace

std::string Report::in(const std::string& format) const {
  const ReportData& data = loaded_->data;
  if (format == "text") return text_report(data);
  if (format == "json") return json_report(data);
  if (format == "html" || format == "csv" || format == "latex") {
    need_predictions(data, "format " + format);
  }
  if (format == "html") return html_report(data);
  if (format == "csv") return csv_report(data);
  if (format == "latex") return latex_report(data);
  std::string known;
  for (const auto& name : report_formats()) known += (known.empty() ? "" : ", ") + name;
  throw InputError("no report format is called '" + format + "': " + known);
}

std::vector<ReportFigure> Report::figures() const {
  const ReportData& data = loaded_->data;
  need_predictions(data, "a figure");
  std::vector<ReportFigure> figures;
  const auto add = [&](const std::string& prefix, const std::vector<Plot>& plots) {
    for (const Plot& plot : plots) {
      figures.push_back({prefix + plot.name + ".svg", plot.drawing.file(plot.title, plot.caption)});
    }
  };
  add("", overview_plots(data));
  for (std::size_t e = 0; e < data.table.experiments.size(); ++e) {
    add(std::to_string(e + 1) + "_" + file_name(data.table.experiments[e].name) + "_",
        experiment_plots(data, e));
  }
  return figures;
}

const std::vector<std::string>& report_formats() {
  static const std::vector<std::string> formats{"text", "json", "html", "csv", "latex"};
  return formats;
}

std::string report(const RunFolder& folder, const std::string& format) {
  return Report(ReportSources{{folder}}).in(format);
}

std::string overview(const RunFolder& folder) { return overview_text(load_report({{folder}})); }

}  // namespace emosweep::results
