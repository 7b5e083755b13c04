// Encoders over features and the fusions above them: the small models, written once over the trial
// axis.
#pragma once

#include <memory>
#include <span>

#include "models/model.h"
#include "models/parameters.h"

namespace emosweep::models {

// Every parameter of the model that `options` describes. Weights are [in, out].
Layout fusion_layout(const ModelOptions& options);

// Whether every product of the torch composition is that of one trial, so that nothing depends on
// the pack; rows: of a batch. Others are batched products, and a pack holds them only with a
// hidden_size that is a multiple of 16 (data/batch.h, kAlignedRows).
bool fusion_by_trial(const ModelOptions& options, std::int64_t rows);

// Per modality: linear, layer norm, ReLU, dropout -> z [H]; an absent modality's z is 0. Then
//   one input        head(z)
//   concat           two blocks of linear, layer norm, ReLU, dropout: M*H -> 2H -> H, head
//   gated            gates = softmax over the present modalities of linear(relu(linear(z of all))),
//   head(norm(sum gate * z));
//                    extra["gates"] [K,b,M]
//   cross_attention  tokens of each modality attend to those of the others: FusionModel::cross;
//   then a block M*H -> H, head
// `options` have passed check_options.
std::unique_ptr<Model> make_fusion_model(const ModelOptions& options,
                                         std::span<const StreamKey> keys);

}  // namespace emosweep::models
