// A trained model as one safetensors file: the weights, and in its metadata under "emosweep" the
// JSON of all that prediction needs. No pickle, nothing executable.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/features.h"
#include "models/model.h"
#include "models/weights.h"

namespace emosweep::trainer {

struct ModelFile {
  std::string id, canonical;    // of the trial that trained it
  std::string dataset, target;  // names
  TargetKind kind = TargetKind::single;
  std::vector<std::string> outputs, classes;  // as in TargetSpec
  std::vector<double> thresholds;             // of several labels, one a label
  // model.model may be linear (then "weight" [C,D] and "bias" [C], float64).
  models::ModelOptions model;
  data::PrepareOptions prepare;
  std::vector<data::Scaler> scalers;  // one an input, in the order of prepare.modalities
  double temperature = 1;             // divides logits before they become probabilities
  std::string tokenizer;              // of transformer: WordPiece::json()
  models::NamedTensors weights;       // metadata: filled by encode_model

  TargetSpec target_spec() const { return {target, kind, outputs, classes}; }
};

// The same bytes for the same model.
std::vector<std::uint8_t> encode_model(const ModelFile& model);
// InputError names the file and what is wrong: not such a file, a field missing or of the wrong
// type, sizes that do not fit.
ModelFile read_model(const std::filesystem::path& file);

}  // namespace emosweep::trainer
