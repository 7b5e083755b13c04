#include "results/joined_table.h"

#include <algorithm>
#include <map>
#include <set>

namespace emosweep::results {
namespace {

struct Place {  // of an experiment before it is sorted
  std::size_t source, experiment;
  std::string name;
};

std::string last_part(const std::filesystem::path& path) {
  std::filesystem::path whole = std::filesystem::absolute(path).lexically_normal();
  if (!whole.has_filename()) whole = whole.parent_path();  // "runs/"
  return whole.filename().string();
}

std::vector<Place> named_places(const std::vector<SourceTable>& sources,
                                const std::vector<Source>& called) {
  std::map<std::string, int> uses;
  for (const auto& source : sources) {
    for (const auto& experiment : source.table.experiments) ++uses[experiment.name];
  }
  std::vector<Place> places;
  std::set<std::string> taken;
  for (const auto& [name, times] : uses) {
    if (times == 1) taken.insert(name);
  }
  for (std::size_t s = 0; s < sources.size(); ++s) {
    for (std::size_t e = 0; e < sources[s].table.experiments.size(); ++e) {
      std::string name = sources[s].table.experiments[e].name;
      if (uses[name] > 1) {
        name.insert(0, called[s].name + ": ");
        while (!taken.insert(name).second) name += "'";
      }
      places.push_back({s, e, std::move(name)});
    }
  }
  std::sort(places.begin(), places.end(),
            [](const Place& a, const Place& b) { return a.name < b.name; });
  return places;
}

// The same trial was trained elsewhere: its result is this cell's.
void take_result(Row& row, const Row& done) {
  const Cell cell = row.cell;
  row = done;
  row.cell = cell;
}

void take_from_another(Table& table) {
  std::map<Digest, std::vector<const Row*>> done;
  for (const Row& row : table.rows) {
    if (row.done()) done[row.cell.id].push_back(&row);
  }
  for (Row& row : table.rows) {
    if (row.done()) continue;
    const auto found = done.find(row.cell.id);
    if (found == done.end()) continue;
    TableExperiment& own = table.experiments[row.cell.experiment];
    for (const Row* other : found->second) {
      const TableExperiment& its = table.experiments[other->cell.experiment];
      if (own.source == its.source || own.samples != its.samples || own.classes != its.classes ||
          own.group != its.group || row.cell.group != other->cell.group) {
        continue;
      }
      take_result(row, *other);
      ++own.from_another;
      break;
    }
  }
}

}  // namespace

std::vector<std::string> source_names(const std::vector<std::filesystem::path>& paths) {
  std::vector<std::string> names;
  std::map<std::string, int> uses, given;
  for (const auto& path : paths) ++uses[last_part(path)];
  for (const auto& path : paths) {
    std::string name = last_part(path);
    if (uses[name] > 1) name += "#" + std::to_string(++given[name]);
    names.push_back(std::move(name));
  }
  return names;
}

Table joined_tables(std::vector<SourceTable> sources) {
  Table table;
  std::vector<std::filesystem::path> paths;
  paths.reserve(sources.size());
  for (const auto& source : sources) paths.push_back(source.path);
  const auto names = source_names(paths);
  std::set<std::string> revisions;
  for (std::size_t s = 0; s < sources.size(); ++s) {
    table.sources.push_back({names[s], paths[s].string()});
    const auto& own = sources[s].table.source_revisions;
    revisions.insert(own.begin(), own.end());
  }
  table.source_revisions.assign(revisions.begin(), revisions.end());
  for (const Place& place : named_places(sources, table.sources)) {
    Table& from = sources[place.source].table;
    TableExperiment& experiment =
        table.experiments.emplace_back(std::move(from.experiments[place.experiment]));
    experiment.name = place.name;
    experiment.source = place.source;
    table.slices.push_back(std::move(from.slices.at(place.experiment)));
    table.first.push_back(table.rows.size());
    for (std::size_t i = from.first[place.experiment]; i < from.first[place.experiment + 1]; ++i) {
      table.rows.push_back(std::move(from.rows[i]));
      table.rows.back().cell.experiment = static_cast<std::uint32_t>(table.experiments.size() - 1);
    }
  }
  table.first.push_back(table.rows.size());
  take_from_another(table);
  return table;
}

}  // namespace emosweep::results
