// samples/<digest>.json: the sample tables that predictions index, with a hash of their own
// content.
#include "results/json_file.h"
#include "results/summary.h"

namespace emosweep::results {
namespace {

using Columns = std::vector<std::pair<std::string, std::vector<std::string>>>;

Digest content_digest(const Samples& samples) {
  Sha256 hash;
  const auto list = [&](const std::string& name, const std::vector<std::string>& values) {
    hash.add_sized(name).add_sized(std::to_string(values.size()));
    for (const auto& value : values) hash.add_sized(value);
  };
  hash.add_sized(samples.dataset).add_sized(samples.digest.hex());
  list("id", samples.id);
  for (const auto* columns : {&samples.groups, &samples.metadata}) {
    hash.add_sized(std::to_string(columns->size()));
    for (const auto& [name, values] : *columns) list(name, values);
  }
  return hash.finish();
}

Json columns_json(const Columns& columns) {
  Json json = Json::array();
  for (const auto& [name, values] : columns) {
    Json column;
    column["name"] = name;
    column["values"] = values;
    json.push_back(std::move(column));
  }
  return json;
}

Columns columns_of(const Json& json, const char* key, std::size_t rows) {
  Columns columns;
  for (const auto& column : json.at(key).get_ref<const Json::array_t&>()) {
    columns.emplace_back(text_of(column, "name"), texts_of(column, "values"));
    if (columns.back().second.size() != rows) {
      throw InputError("column '" + columns.back().first + "' has another length than 'id'");
    }
  }
  return columns;
}

}  // namespace

void commit_samples(const RunFolder& folder, const Samples& samples) {
  const auto path = folder.samples(samples.digest);
  if (std::filesystem::exists(path)) return;
  Json json;
  json["format"] = "emosweep-samples";
  json["version"] = 1;
  json["dataset"] = samples.dataset;
  json["digest"] = samples.digest.hex();
  json["content_sha256"] = content_digest(samples).hex();
  json["id"] = samples.id;
  json["groups"] = columns_json(samples.groups);
  json["metadata"] = columns_json(samples.metadata);
  commit_file(path, dumped(json) + "\n", "samples");
}

Samples read_samples(const RunFolder& folder, const Digest& digest) {
  return read_json(folder.samples(digest), "emosweep-samples", [&](const Json& json) {
    Samples samples;
    samples.dataset = text_of(json, "dataset");
    samples.digest = Digest::from_hex(text_of(json, "digest"));
    samples.id = texts_of(json, "id");
    samples.groups = columns_of(json, "groups", samples.id.size());
    samples.metadata = columns_of(json, "metadata", samples.id.size());
    if (samples.digest != digest) throw InputError("holds samples " + samples.digest.hex());
    if (content_digest(samples).hex() != text_of(json, "content_sha256")) {
      throw InputError("is damaged: its content does not have the hash that it names");
    }
    return samples;
  });
}

}  // namespace emosweep::results
