#include "launcher/prepare_vocabulary.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "data/dataset.h"
#include "data/hash_cache.h"
#include "data/text/wordpiece.h"
#include "trainer/text_embedder.h"

namespace emosweep::launcher {
namespace {

using Json = nlohmann::json;

const data::Modality& texts_of(const data::Dataset& dataset, const std::string& wanted) {
  const data::Modality* found = nullptr;
  std::string names;
  std::size_t count = 0;
  for (const data::Modality& modality : dataset.modalities) {
    if (modality.kind != "text") continue;
    names += (count++ == 0 ? "" : ", ") + modality.name;
    if (wanted.empty() || wanted == modality.name) found = &modality;
  }
  const std::string where = dataset.description.string() + ": ";
  if (count == 0) throw InputError(where + "it has no modality of kind text");
  if (found == nullptr || (wanted.empty() && count > 1))
    throw InputError(
        where +
        (wanted.empty() ? "--modality is needed: " : "--modality " + wanted + " is none of ") +
        names);
  return *found;
}

// Nothing is learned of rows that a protocol of the dataset's own keeps for later.
std::vector<std::string> training_texts(const data::Dataset& dataset,
                                        const data::Modality& modality) {
  if (dataset.split.empty()) return modality.text;
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < modality.text.size(); ++i) {
    if (dataset.split[i] == "train") texts.push_back(modality.text[i]);
  }
  return texts;
}

}  // namespace

void prepare_vocabulary(const VocabularyWish& wish, const std::filesystem::path& folder) {
  if (wish.heads < 1 || wish.layers < 1 || wish.hidden_size < 1 || wish.positions < 2 ||
      wish.hidden_size % wish.heads != 0)
    throw InputError(
        "emosweep prepare vocab: --heads does not divide --hidden-size, or a size is "
        "too small");
  trainer::EncoderEmbedder embedder;
  data::HashCache cache(data::HashCache::default_file());
  const data::Loaded loaded =
      data::load_dataset(wish.dataset, {}, &cache, {}, data::Labels::ignored, &embedder);
  const data::Modality& modality = texts_of(loaded.dataset, wish.modality);
  const std::vector<std::string> texts = training_texts(loaded.dataset, modality);
  const std::vector<std::string> pieces = data::train_vocabulary(texts, wish.options);
  std::string lines;
  for (const std::string& piece : pieces) lines += piece + "\n";

  const auto tokenizer = data::WordPiece::from_vocabulary(lines, wish.options.text, "vocab.txt");
  std::int64_t tokens = 0, unknown = 0;
  for (const std::string& text : texts) {
    for (const std::int32_t id : tokenizer.encode(text, 1 << 20)) {
      ++tokens;
      unknown += id == 1;
    }
  }
  make_folders(folder);
  commit_file(folder / "vocab.txt", lines, "prepare");
  const data::BertTextOptions& text = wish.options.text;
  commit_file(folder / "tokenizer_config.json",
              Json{{"do_lower_case", text.lowercase},
                   {"strip_accents", text.strip_accents},
                   {"tokenize_chinese_chars", text.chinese_characters}}
                      .dump(2) +
                  "\n",
              "prepare");
  commit_file(folder / "config.json",
              Json{{"model_type", "bert"},
                   {"vocab_size", pieces.size()},
                   {"hidden_size", wish.hidden_size},
                   {"num_hidden_layers", wish.layers},
                   {"num_attention_heads", wish.heads},
                   {"intermediate_size", 4 * wish.hidden_size},
                   {"max_position_embeddings", wish.positions},
                   {"type_vocab_size", 2},
                   {"hidden_act", "gelu"},
                   {"layer_norm_eps", 1e-12}}
                      .dump(2) +
                  "\n",
              "prepare");
  log::info(
      std::to_string(pieces.size()) + " pieces from " + std::to_string(texts.size()) + " texts (" +
      modality.name + (loaded.dataset.split.empty() ? "" : ", those of the training part") +
      "): " + std::to_string(tokens) + " tokens, " + std::to_string(unknown) + " of them unknown");
}

}  // namespace emosweep::launcher
