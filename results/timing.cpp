#include <charconv>
#include <set>

#include "base/canonical.h"
#include "base/error.h"
#include "results/csv_reader.h"
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

namespace {

constexpr std::string_view kHeader =
    "id,experiment,condition,seed,fold,start_unix,wall_seconds,cpu_seconds,steps,"
    "peak_memory_bytes,restarts,rank,ranks,pack,host,device,source_revision,libraries";

template <class T>
T number(const CsvReader& reader, std::size_t column) {
  const std::string_view cell = reader.cell(column);
  T value{};
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (error != std::errc() || end != cell.data() + cell.size()) {
    throw InputError(Place{reader.file(), static_cast<int>(reader.line()), 0},
                     "column '" + reader.header()[column] + "' holds no number");
  }
  return value;
}

}  // namespace

std::map<Digest, Provenance> read_timing(const std::filesystem::path& file) {
  CsvReader reader(file);
  std::string header;
  for (const auto& name : reader.header()) header += (header.empty() ? "" : ",") + name;
  if (header != kHeader) throw InputError(file.string() + " has other columns");
  std::map<Digest, Provenance> costs;
  while (reader.next()) {
    Provenance cost;
    cost.start_unix = number<double>(reader, 5);
    cost.wall_seconds = number<double>(reader, 6);
    cost.cpu_seconds = number<double>(reader, 7);
    cost.steps = number<std::int64_t>(reader, 8);
    cost.peak_memory_bytes = number<std::int64_t>(reader, 9);
    cost.restarts = number<std::int64_t>(reader, 10);
    cost.rank = number<std::int32_t>(reader, 11);
    cost.ranks = number<std::int32_t>(reader, 12);
    cost.pack = reader.cell(13).empty() ? 0 : number<std::int32_t>(reader, 13);
    cost.host = reader.cell(14);
    cost.device = reader.cell(15);
    cost.source_revision = reader.cell(16);
    cost.libraries = reader.cell(17);
    costs.emplace(Digest::from_hex(reader.cell(0)), std::move(cost));
  }
  return costs;
}

std::string timing_csv(const Table& table) {
  std::string text = std::string(kHeader) + "\n";
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
