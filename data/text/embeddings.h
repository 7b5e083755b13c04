// Columns of text as features of fixed width: what a frozen encoder makes of them (kind:
// embeddings).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/hash.h"

namespace emosweep::data {

struct EmbeddingOptions {
  std::filesystem::path encoder;  // a folder as Hugging Face has it, absolute
  std::string pooling = "mean";   // mean: over all tokens; cls: the first one
  std::int64_t max_length = 128;  // tokens of a text, the first and last ones included
};

// Encodes texts; models are not data's to know, so the program hands one to load_dataset.
class TextEmbedder {
 public:
  virtual ~TextEmbedder() = default;
  // Numbers a text becomes. InputError: the folder holds no encoder that can be read, or one with
  // fewer positions than max_length.
  virtual std::int64_t width(const EmbeddingOptions& options) = 0;
  // [n, width]. On all cores that the process may use. InputError as above, and of weights.
  virtual std::vector<float> embed(const EmbeddingOptions& options,
                                   const std::vector<std::string>& texts) = 0;
};

// Of the files that an encoder's results follow from: configuration, tokenizer, weights. cache:
// nullptr: always read.
class HashCache;
Digest encoder_digest(const std::filesystem::path& folder, HashCache* cache);

}  // namespace emosweep::data
