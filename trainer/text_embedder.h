// Embeddings of texts by a frozen encoder, for datasets with a modality of kind embeddings.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "data/text/embeddings.h"
#include "data/text/wordpiece.h"
#include "models/text_encoder.h"

namespace emosweep::trainer {

// Texts of equal token counts are encoded together, so that nothing is padded: the mean over the
// tokens, or the first one, of the last hidden state. Encoders stay loaded. Not thread-safe.
class EncoderEmbedder final : public data::TextEmbedder {
 public:
  std::int64_t width(const data::EmbeddingOptions& options) override;
  std::vector<float> embed(const data::EmbeddingOptions& options,
                           const std::vector<std::string>& texts) override;

 private:
  struct Loaded {
    data::WordPiece tokenizer;
    std::unique_ptr<models::TextEncoder> encoder;
  };
  const Loaded& loaded(const data::EmbeddingOptions& options);

  std::map<std::string, Loaded> loaded_;  // by folder
};

}  // namespace emosweep::trainer
