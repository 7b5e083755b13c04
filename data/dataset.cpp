#include "data/dataset.h"

#include <algorithm>
#include <system_error>
#include <unordered_map>

#include "base/canonical.h"
#include "base/files.h"
#include "data/audio/load_clips.h"
#include "data/columns.h"
#include "data/description.h"
#include "data/description_reader.h"
#include "data/hash_cache.h"
#include "data/rows.h"
#include "data/table.h"
#include "data/text/load_embeddings.h"

namespace emosweep::data {
namespace {

namespace fs = std::filesystem;

struct OpenTable {
  const TableDescription* description;
  std::unique_ptr<TableReader> reader;
  Digest digest;
};

std::string joined(const std::vector<std::string>& parts) {
  std::string text;  // lengths first: names may hold anything
  for (const auto& part : parts) text += std::to_string(part.size()) + ":" + part + " ";
  return text;
}

// Single labels give the lines that they gave before there were other kinds.
void add_target(const TargetDescription& t, const TargetSpec& spec,
                std::map<std::string, std::string>& lines) {
  using Unlabelled = TargetDescription::Unlabelled;
  using Empty = TargetDescription::Empty;
  lines["label"] = t.column.text;
  lines["classes"] = joined(spec.classes);
  for (const auto& [from, to] : t.map) lines["map/" + from] = to;
  lines["unlabelled"] = t.unlabelled == Unlabelled::skip   ? "skip"
                        : t.unlabelled == Unlabelled::keep ? "keep"
                                                           : "error";
  if (t.by_index) lines["by"] = "index";
  if (t.kind == TargetKind::single) return;
  lines["kind"] = target_kind_name(t.kind);
  lines["outputs"] = joined(spec.outputs);
  if (!t.separator.empty()) lines["separator"] = t.separator;
  if (t.empty != Empty::error) lines["empty"] = t.empty == Empty::neutral ? "neutral" : "ignore";
  if (t.range) lines["range"] = number_text(t.range->first) + " " + number_text(t.range->second);
}

// What the description makes of its tables' bytes: no names, comments or paths.
std::string canonical(const Description& d, const Dataset& dataset, const RowSelection& selection) {
  std::map<std::string, std::string> lines;
  lines["header"] = joined(d.header);
  lines["quotes"] = d.quotes ? "double" : "none";
  lines["delimiter"] = d.delimiter == 0 ? "" : std::string(1, d.delimiter);
  lines["inf"] = d.inf_is_missing ? "missing" : "error";
  lines["id"] = d.id.text;
  add_target(d.target, dataset.target, lines);
  for (const auto& [name, column] : d.groups) lines["group/" + name] = column.text;
  std::vector<std::string> metadata, modalities, parts;
  for (const Written& name : d.metadata) metadata.push_back(name.text);
  lines["metadata"] = joined(metadata);
  lines["split"] = d.split.text;
  if (d.difficulty.given()) {
    std::vector<std::string> columns;
    for (const Written& name : d.difficulty.columns) columns.push_back(name.text);
    lines["difficulty"] = joined(columns);
    for (const auto& [name, values] : d.difficulty.expected) {
      std::vector<std::string> texts;
      for (const double value : values) texts.push_back(number_text(value));
      lines["difficulty/" + name] = joined(texts);
    }
  }
  for (const TableDescription& table : d.tables) parts.push_back(table.split);
  lines["parts"] = joined(parts);
  lines["validation/groups"] = number_text(d.validation.groups);
  lines["validation/fraction"] = number_text(d.validation.fraction);
  lines["duplicates"] =
      d.duplicates_given ? std::to_string(static_cast<int>(d.duplicates)) : "default";
  for (const Modality& modality : dataset.modalities) {
    modalities.push_back(modality.name);
    lines["modality/" + modality.name] = modality.kind + " " + joined(modality.columns);
  }
  lines["modalities"] = joined(modalities);
  const auto add = [&](const std::string& key,
                       const std::map<std::string, std::vector<std::string>>& wanted) {
    for (const auto& [name, values] : wanted) {
      std::vector<std::string> texts;
      for (const auto& value : values) texts.emplace_back(trimmed(value));
      std::sort(texts.begin(), texts.end());
      texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
      lines[key + "/" + name] = joined(texts);
    }
  };
  add("where", selection.where);
  add("exclude", selection.exclude);
  return canonical_text(lines);
}

Digest digest_of(const SampleTable& samples) {
  Sha256 hash;
  hash.add("emosweep samples 1\n");
  const auto add = [&](const std::string& name, const std::vector<std::string>& values) {
    hash.add_sized(name).add_sized(std::to_string(values.size()));
    for (const std::string& value : values) hash.add_sized(value);
  };
  add("id", samples.id);
  for (const Column& column : samples.groups) add("group " + column.name, column.values);
  for (const Column& column : samples.metadata) add("metadata " + column.name, column.values);
  return hash.finish();
}

fs::path description_file(const fs::path& given) {
  std::error_code code;
  const fs::path file = fs::is_directory(given, code) ? given / "dataset.yaml" : given;
  if (!fs::is_regular_file(file, code))
    throw InputError(given.string() +
                     ": there is no dataset here (a dataset is a folder with a "
                     "dataset.yaml)");
  return file.lexically_normal();
}

std::vector<OpenTable> open_tables(const Description& d, HashCache* cache,
                                   const TableLimits& limits, TableMistakes& mistakes) {
  std::vector<OpenTable> open;
  for (const TableDescription& table : d.tables) {
    if (table.path.empty()) continue;  // a mistake says why
    std::error_code code;
    const std::uint64_t bytes = fs::file_size(table.path, code);
    if (!code && bytes > limits.bytes) {
      mistakes.add({table.path.string(), 0, 0}, "the file holds " + std::to_string(bytes) +
                                                    " bytes; at most " +
                                                    std::to_string(limits.bytes) + " are allowed");
      continue;
    }
    std::string text = read_text(table.path, limits.bytes);
    const Digest digest = cache != nullptr ? cache->of(table.path) : sha256(text);
    auto reader = open_table(table.path, std::move(text), {d.delimiter, d.quotes, d.header},
                             table.file.place, limits, mistakes);
    if (reader != nullptr) open.push_back({&table, std::move(reader), digest});
  }
  return open;
}

// Fills the modalities that are media; `media`: their cells in all rows. Rows go where a policy
// says so.
void load_media(const Description& d, const std::vector<OpenTable>& tables,
                const std::vector<std::vector<MediaCell>>& media, HashCache* cache,
                TextEmbedder* embedder, Dataset& dataset, TableMistakes& mistakes, Sha256& hash) {
  std::vector<std::string> names;
  for (const OpenTable& table : tables) names.push_back(table.reader->file());
  std::vector<std::uint8_t> skip(dataset.id.size());
  std::size_t next = 0;
  for (std::size_t m = 0; m < d.modalities.size(); ++m) {
    if (!d.modalities[m].media()) continue;
    if (d.modalities[m].kind == "text") {
      load_texts(media[next++], d.labels, dataset, dataset.modalities[m], hash);
      continue;
    }
    if (d.modalities[m].embeddings()) {
      EMO_CHECK(embedder != nullptr, "whoever loads embeddings brings an embedder");
      load_embeddings(media[next++], d.modalities[m].embedding, cache, *embedder, d.labels, dataset,
                      dataset.modalities[m], hash);
      continue;
    }
    const MediaSource source{fs::canonical(d.root), d.modalities[m].columns[0].text, names,
                             media[next++]};
    load_clips(source, d.modalities[m].audio, cache, dataset, dataset.modalities[m], skip, mistakes,
               hash);
  }
  for (std::size_t i = 0; i < skip.size(); ++i) {
    const bool any =
        std::any_of(dataset.modalities.begin(), dataset.modalities.end(),
                    [i](const Modality& modality) { return modality.present[i] != 0; });
    if (any || skip[i] || mistakes.count() > 0) continue;
    const MediaCell& cell = media[0][static_cast<std::size_t>(dataset.row[i])];
    mistakes.add({names[static_cast<std::size_t>(cell.table)], cell.line, 0},
                 "the sample " + in_quotes(dataset.id[i]) +
                     " has no modality: its recordings cannot "
                     "be used (skip instead of missing leaves such samples out)");
  }
  if (std::find(skip.begin(), skip.end(), 1) == skip.end()) return;
  leave_out(dataset, skip);
  if (dataset.size() == 0)
    mistakes.add({names[0], 0, 0}, "no row is left: all their recordings are left out");
}

void throw_all(Mistakes& mistakes, const TableMistakes& tables) {
  tables.give_to(mistakes);
  mistakes.throw_if_any();
}

}  // namespace

const std::vector<std::string>* Dataset::group(const std::string& wanted) const {
  if (wanted == "id") return &id;
  for (const Column& column : groups)
    if (column.name == wanted) return &column.values;
  return nullptr;
}

const Modality* Dataset::modality(const std::string& wanted) const {
  for (const Modality& candidate : modalities)
    if (candidate.name == wanted) return &candidate;
  return nullptr;
}

Loaded load_dataset(const fs::path& description, const RowSelection& selection, HashCache* cache,
                    const TableLimits& limits, Labels labels, TextEmbedder* embedder) {
  const fs::path file = description_file(description);
  Mistakes mistakes;
  const Description d = read_description(file, mistakes, labels);
  TableMistakes wrong;
  std::vector<OpenTable> tables = open_tables(d, cache, limits, wrong);
  Layout layout;
  if (!tables.empty())
    layout = resolve_columns(d, selection, tables[0].reader->header(), tables[0].reader->file(),
                             mistakes);
  if (!mistakes.empty() || wrong.count() > 0) throw_all(mistakes, wrong);

  RowLoader loader(d, layout, tables[0].reader->header(), limits, wrong);
  for (OpenTable& table : tables) {
    const std::size_t before = wrong.count();
    const Layout own = same_columns(layout, tables[0].reader->header(), *table.reader, wrong);
    if (wrong.count() == before) loader.read(*table.reader, own, table.description->split);
  }
  Loaded loaded = loader.finish();
  throw_all(mistakes, wrong);

  Dataset& dataset = loaded.dataset;
  Sha256 media;
  if (!loader.media().empty())
    load_media(d, tables, loader.media(), cache, embedder, dataset, wrong, media);
  throw_all(mistakes, wrong);
  dataset.description = fs::absolute(file).lexically_normal();
  Sha256 hash;
  hash.add("emosweep dataset 1\n");
  for (const OpenTable& table : tables) {
    dataset.tables.push_back(fs::absolute(table.description->path).lexically_normal());
    hash.add(table.digest.bytes);
  }
  hash.add(canonical(d, dataset, selection));
  if (!loader.media().empty()) hash.add(media.finish().bytes);
  dataset.digest = hash.finish();
  loaded.samples.digest = dataset.samples_digest = digest_of(loaded.samples);
  return loaded;
}

}  // namespace emosweep::data
