// BERT and DistilBERT (Devlin et al. 2019, Sanh et al. 2019) from a folder as Hugging Face has it.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "models/text_options.h"
#include "models/weights.h"

namespace emosweep::models {

// config.json. InputError names the file and what is missing, of another type or not supported.
TextEncoderOptions read_encoder_options(const std::filesystem::path& folder);

// The tensors of model.safetensors, or of the shards that model.safetensors.index.json names.
// InputError: neither is there (with the line that converts pytorch_model.bin), a damaged file.
NamedTensors read_encoder_weights(const std::filesystem::path& folder);

// Inference only, float32. Immutable after loading, thread-safe.
class TextEncoder {
 public:
  // Names may begin with "bert." or "distilbert."; heads and poolers are not read. InputError lists
  // all tensors that are missing, of another shape or not finite.
  TextEncoder(const TextEncoderOptions& options, const NamedTensors& weights,
              const std::string& file);
  static TextEncoder load(const std::filesystem::path& folder);

  const TextEncoderOptions& options() const { return options_; }
  // ids: [b, T] int64 of tokens, all of them real: texts of one length, no padding. T is at most
  // options().positions. The last hidden state [b, T, H], as transformers has it in evaluation.
  at::Tensor forward(const at::Tensor& ids) const;

 private:
  struct Linear {
    at::Tensor weight, bias;
    at::Tensor operator()(const at::Tensor& x) const;
  };
  struct Norm {
    at::Tensor weight, bias;
  };
  struct Layer {
    Linear query, key, value, out, up, down;
    Norm attention, output;
  };
  at::Tensor normalised(const at::Tensor& x, const Norm& norm) const;
  at::Tensor attention(const Layer& layer, const at::Tensor& x) const;

  TextEncoderOptions options_;
  at::Tensor words_, positions_, type_;  // type_ [H] or undefined
  Norm embeddings_;
  std::vector<Layer> layers_;
};

}  // namespace emosweep::models
