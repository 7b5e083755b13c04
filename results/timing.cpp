#include <algorithm>
#include <set>

#include "base/canonical.h"
#include "results/summary_parts.h"

namespace emosweep::results {
namespace {

// A cell of a CSV file: quoted where it must be.
std::string csv(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

}  // namespace

std::string timing_csv(const Table& table) {
  std::string text =
      "id,experiment,condition,seed,fold,start_unix,wall_seconds,cpu_seconds,steps,"
      "peak_memory_bytes,restarts,rank,ranks,pack,host,device,source_revision,libraries\n";
  std::set<Digest> seen;
  for (const Row& row : table.rows) {
    if (!row.done() || !seen.insert(row.cell.id).second) continue;
    const PlannedExperiment& experiment = table.experiments[row.cell.experiment];
    const Provenance& cost = row.cost;
    for (const auto& cell :
         {row.cell.id.hex(), csv(experiment.name), csv(experiment.conditions[row.cell.condition]),
          std::to_string(row.cell.seed), csv(row.cell.fold), number_text(cost.start_unix),
          number_text(cost.wall_seconds), number_text(cost.cpu_seconds), number_text(cost.steps),
          number_text(cost.peak_memory_bytes), number_text(cost.restarts),
          std::to_string(cost.rank), std::to_string(cost.ranks),
          cost.pack > 0 ? std::to_string(cost.pack) : "", csv(cost.host), csv(cost.device),
          csv(cost.source_revision)}) {
      text += cell + ",";
    }
    text += csv(cost.libraries) + "\n";
  }
  return text;
}

}  // namespace emosweep::results
