// Saved models that answer together: the weighted mean of their probabilities, or of their values.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "trainer/model_file.h"

namespace emosweep::trainer {

// How much each model counts: all the same, as these numbers say (divided by their sum), or as the
// validation rows choose.
struct MemberWeights {
  bool from_validation = false;
  std::vector<double> given = {};  // of each model; empty: all the same
};

struct SavedModel {
  std::string file;
  ModelFile model;
};

struct PredictEnsemble {
  std::vector<SavedModel> members;  // at least one
  std::vector<double> weights;      // of each, sum 1
  std::vector<double> thresholds;   // of each label (multi), else empty

  const ModelFile& first() const { return members.front().model; }
  // [n, width] of every member -> the mixture's, and what it predicts, [n, outputs]. Of one member
  // the same floats.
  std::vector<float> mixture(std::span<const std::span<const float>> probability) const;
  std::vector<double> mean(const std::vector<std::vector<double>>& values) const;
  std::vector<std::int32_t> predicted(std::span<const float> probability) const;
};

// from_validation: a model lies where a run kept it, DIR/models/ID.safetensors, and its record
// DIR/trials/ID.h5 holds validation predictions; all have the same validation rows of the same
// samples, on which weights (results/mixture.h) and thresholds are chosen. Otherwise thresholds are
// the weighted means of the models'. InputError names what does not fit: models of other classes or
// targets, a weight that is no number of at least 0, records that are missing or hold other rows,
// values, whose records keep no validation rows.
PredictEnsemble read_ensemble(std::span<const std::filesystem::path> files,
                              const MemberWeights& weights);

}  // namespace emosweep::trainer
