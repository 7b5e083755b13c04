#include "data/text/load_embeddings.h"

#include <chrono>
#include <cstdio>
#include <unordered_map>

#include "base/canonical.h"
#include "base/error.h"
#include "base/log.h"
#include "data/audio/clip_cache.h"
#include "data/description_reader.h"
#include "data/text/label_words.h"

namespace emosweep::data {
namespace {

namespace fs = std::filesystem;

struct Texts {
  std::vector<std::string> distinct;  // in the order of the rows
  std::vector<std::int64_t> of_cell;
};

Texts texts_of(const std::vector<MediaCell>& cells) {
  Texts texts;
  std::unordered_map<std::string, std::int64_t> known;
  for (const MediaCell& cell : cells) {
    const auto [place, fresh] = known.try_emplace(cell.text, std::ssize(texts.distinct));
    if (fresh) texts.distinct.push_back(cell.text);
    texts.of_cell.push_back(place->second);
  }
  return texts;
}

void encode(const fs::path& file, const Digest& key, const EmbeddingOptions& options,
            const std::vector<std::string>& texts, std::int64_t width, TextEmbedder& embedder) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  log::info("encoding " + std::to_string(texts.size()) + " texts with " + options.encoder.string() +
            ", once, into " + file.string());
  const std::vector<float> all = embedder.embed(options, texts);
  ClipStore::write(file, key, width, std::ssize(texts), [&](std::int64_t i) {
    ClipRows row;
    row.values.assign(all.begin() + i * width, all.begin() + (i + 1) * width);
    return row;
  });
  char took[64];
  std::snprintf(took, sizeof took, "encoded in %.1f s",
                std::chrono::duration<double>(Clock::now() - start).count());
  log::info(took);
}

void warn_of_label_words(const std::vector<MediaCell>& cells, const Modality& modality,
                         Dataset& dataset) {
  std::vector<const std::string*> texts;
  for (const std::int64_t row : dataset.row)
    texts.push_back(&cells[static_cast<std::size_t>(row)].text);
  const std::vector<std::string> told = label_words(dataset, texts);
  if (told.empty()) return;
  std::string all;
  for (const std::string& sentence : told) all += (all.empty() ? "" : "; ") + sentence;
  dataset.warnings.push_back("modality " + in_quotes(modality.name) +
                             ": does a column state the label? " + all);
}

}  // namespace

Digest encoder_digest(const fs::path& folder, HashCache* cache) {
  Sha256 hash;
  std::error_code code;
  std::vector<fs::path> files;
  for (const char* name : {"config.json", "tokenizer.json", "vocab.txt", "tokenizer_config.json"}) {
    if (fs::is_regular_file(folder / name, code)) files.push_back(folder / name);
  }
  if (fs::is_directory(folder, code)) {
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (entry.path().extension() == ".safetensors") files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) {
    hash.add_sized(file.filename().string());
    hash.add((cache != nullptr ? cache->of(file) : sha256_file(file)).bytes);
  }
  return hash.finish();
}

void load_texts(const std::vector<MediaCell>& cells, Labels labels, Dataset& dataset,
                Modality& modality, Sha256& hash) {
  hash.add_sized(modality.name);
  for (const MediaCell& cell : cells) hash.add_sized(cell.text);
  for (const std::int64_t row : dataset.row)
    modality.text.push_back(cells[static_cast<std::size_t>(row)].text);
  modality.present.assign(dataset.row.size(), 1);
  if (labels == Labels::needed) warn_of_label_words(cells, modality, dataset);
}

void load_embeddings(const std::vector<MediaCell>& cells, const EmbeddingOptions& options,
                     HashCache* cache, TextEmbedder& embedder, Labels labels, Dataset& dataset,
                     Modality& modality, Sha256& hash) {
  modality.width = embedder.width(options);
  Sha256 of_encoder;
  of_encoder.add("emosweep embeddings 1\n").add(encoder_digest(options.encoder, cache).bytes);
  of_encoder.add_sized(options.pooling).add_sized(number_text(options.max_length));
  const Digest encoder = of_encoder.finish();
  const std::string print = encoder.hex().substr(0, 6);
  for (std::int64_t i = 0; i < modality.width; ++i)
    modality.columns.push_back("e" + std::to_string(i) + "@" + print);

  const Texts texts = texts_of(cells);
  Sha256 of_texts;
  of_texts.add(encoder.bytes);
  for (const std::string& text : texts.distinct) of_texts.add_sized(text);
  const Digest key = of_texts.finish();
  hash.add_sized(modality.name).add(encoder.bytes);
  for (const MediaCell& cell : cells) hash.add_sized(cell.text);

  const fs::path folder =
      (cache != nullptr ? cache->file() : HashCache::default_file()).parent_path() / "embeddings";
  const fs::path file = folder / (key.hex() + ".emb");
  const auto store = open_or_build(
      file, key, [&] { encode(file, key, options, texts.distinct, modality.width, embedder); });
  for (const std::int64_t row : dataset.row) {
    const auto values = store->values(texts.of_cell[static_cast<std::size_t>(row)]);
    modality.values.insert(modality.values.end(), values.begin(), values.end());
  }
  modality.present.assign(dataset.row.size(), 1);
  if (labels == Labels::needed) warn_of_label_words(cells, modality, dataset);
}

}  // namespace emosweep::data
