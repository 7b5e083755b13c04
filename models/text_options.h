// What a text encoder is, without its weights.
#pragma once

#include <cstdint>
#include <string>

namespace emosweep::models {

struct TextEncoderOptions {
  std::string family;  // bert | distilbert
  std::int64_t vocabulary = 0, positions = 0;
  std::int64_t types = 0;  // of tokens; 0 (distilbert) or at least 1, of which the first is used
  std::int64_t hidden_size = 0, layers = 0, heads = 0, intermediate_size = 0;
  double epsilon = 1e-12;           // of layer norms
  std::string activation = "gelu";  // gelu (with erf) | gelu_new (with tanh) | relu
};

// How an encoder is trained on texts of one modality: encoder, pooling, dropout, head.
struct TextModelOptions {
  TextEncoderOptions encoder;
  std::string pooling = "mean";  // mean: over all tokens; cls: the first one
  double dropout = 0.1;  // within the encoder: embeddings, attention weights, both residuals
  std::int64_t frozen =
      0;  // 0: none; n: the embeddings and the first n - 1 layers keep their weights
  // Learning rates: the head's is lr * head_lr, a layer's lr * layer_lr_decay^d with d = 1 for the
  // last layer, ..., layers + 1 for the embeddings.
  double layer_lr_decay = 1, head_lr = 1;
  double usual_tokens = 64;  // of a text, for estimates only
};

}  // namespace emosweep::models
