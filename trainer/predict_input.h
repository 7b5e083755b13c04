// What a saved model reads of a dataset: its modalities by name, prepared as in training.
#pragma once

#include <cstdint>

#include "data/batch.h"
#include "data/dataset.h"
#include "data/window_images.h"
#include "trainer/model_file.h"

namespace emosweep::trainer {

// Immutable. The model outlives it, and it stays where it is made: images point into it.
class PredictInput {
 public:
  // InputError lists what of the model's modalities and columns the dataset lacks. The dataset's
  // labels are not looked at.
  PredictInput(const ModelFile& model, const data::Dataset& dataset);
  PredictInput(const PredictInput&) = delete;
  PredictInput& operator=(const PredictInput&) = delete;

  const data::FoldTensors& fold() const { return fold_; }
  // Both of image models only.
  data::WindowImages windows() const;
  const data::Clips& clips() const { return *dataset_.modalities[0].clips; }
  // Whether the row has any of the model's modalities.
  bool present(std::int64_t row) const;

 private:
  data::Dataset dataset_;  // with the model's modalities and columns only
  const data::Scaler& fitted_;
  const data::PrepareOptions& prepare_;
  data::FoldTensors fold_;
};

}  // namespace emosweep::trainer
