#include "results/summary_table.h"

#include <algorithm>

#include "base/error.h"
#include "base/files.h"
#include "results/row_filler.h"
#include "results/summary_parts.h"
#include "results/summary_reader.h"
#include "results/user_block.h"

namespace emosweep::results {
namespace {

namespace fs = std::filesystem;

// Files are written before the times of their folders say so; where two files have the same time
// (some file systems count in milliseconds), nobody knows which is older.
bool newer_than_records(const RunFolder& folder, const fs::path& summary, const fs::path& timing) {
  const auto written = std::min(fs::last_write_time(summary), fs::last_write_time(timing));
  for (const auto& entry : fs::directory_iterator(folder.path() / "trials")) {
    if (entry.path().extension() == ".h5" && entry.last_write_time() >= written) return false;
  }
  return true;
}

// Are the rows that the summary calls done those whose records are there?
bool same_records(const SummaryReader& reader, const Table& table,
                  const std::vector<Digest>& committed) {
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const bool there =
        std::binary_search(committed.begin(), committed.end(), table.rows[i].cell.id);
    if (reader.done(i) != there) return false;
  }
  return true;
}

bool fill(const RunFolder& folder, Table& table) {
  const fs::path summary = folder.path() / "summary.h5", timing = folder.path() / "timing.csv";
  if (!fs::exists(summary) || !fs::exists(timing) || !newer_than_records(folder, summary, timing)) {
    return false;
  }
  const auto bytes = read_bytes(summary);
  if (!seal_problem(bytes, kSummaryLine).empty()) return false;
  const h5::Reader file(bytes);
  SummaryReader reader(file.root(), table);
  if (!reader.is_of_plan() || !same_records(reader, table, folder.committed())) return false;
  const auto costs = read_timing(timing);
  RowFiller filler(folder, table);
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    if (!reader.done(i)) {
      filler.not_done(i);
      continue;
    }
    TrialRecord record = reader.record(i);
    const auto cost = costs.find(record.id);
    if (cost == costs.end()) return false;
    record.cost = cost->second;
    filler.done(i, record, reader.result(i), summary.string());
  }
  table.source_revisions = reader.source_revisions();
  return true;
}

}  // namespace

bool fill_from_summary(const RunFolder& folder, Table& table) {
  Table filled = table;
  try {
    if (!fill(folder, filled)) return false;
  } catch (const Error&) {
    return false;  // the records say what is wrong, if anything is
  } catch (const fs::filesystem_error&) {
    return false;  // a run is just writing here
  }
  table = std::move(filled);
  return true;
}

}  // namespace emosweep::results
