// A text encoder (BERT, DistilBERT) with a head, trained as a whole or above frozen layers.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "models/model.h"
#include "models/weights.h"

namespace emosweep::models {

// Post-norm transformer of Devlin et al. (2019): per layer x = norm(x + dropped(attention(x))), x =
// norm(x + dropped(down(gelu(up(x))))). The mean over tokens, or the first token, is the embedding;
// dropout (Step.dropout), head. Dropout within the encoder has the rate of options.text.
//
// Texts of a step stand one behind the other without padding, so that only real tokens cost; the
// batch's input is Input.x [1, b, T] int64 ids with Input.length [1, b]. In evaluation every text
// is computed by itself: its logits depend on nothing else. K = 1. Rows of weight 0 stand last and
// are not computed; they get logits of the head's bias. Initial weights are normal with standard
// deviation .02, biases 0. `options` have passed check_options.
std::unique_ptr<Model> make_text_network(const ModelOptions& options,
                                         std::span<const StreamKey> keys);
std::int64_t text_parameter_count(const ModelOptions& options);  // frozen ones included

// Multiply-and-add operations of the forward pass of one text of `tokens` tokens, times two; those
// of forward and backward; the numbers that training keeps of it.
struct TextWork {
  double forward = 0, step = 0, values = 0;
};
TextWork text_work(const ModelOptions& options, double tokens);

// Gives a network, or a part of one, the encoder's weights; the head stays. Tensors that a network
// does not have (poolers, heads of pretraining) are left out. InputError lists all tensors that are
// missing, of another shape or not finite.
void load_encoder(Model& network, const NamedTensors& weights, const std::string& file);

}  // namespace emosweep::models
