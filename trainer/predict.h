// Labels and probabilities for rows of a dataset from a saved model.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "trainer/evaluate.h"
#include "trainer/linear.h"
#include "trainer/model_file.h"

namespace emosweep::trainer {

struct Predictions {
  std::vector<std::int32_t> predicted;  // [n, o], as in Evaluation
  std::vector<float> probability;       // [n, w]
  std::vector<double> value;            // [n, o] of regression, which has neither
};

// Rows of `dataset`, whose modalities are looked up by name and their columns by name, in any order
// and among others; labels are not looked at. InputError lists the modalities and columns that are
// missing. The same bits as the record of the trial holds for its test rows, whatever other rows
// are asked for beside them. (Under normalise: group a row also depends on the other rows of its
// subject in this dataset.)
Predictions predict(const ModelFile& model, const data::Dataset& dataset,
                    std::span<const std::int32_t> rows, const std::string& file);

// Used by training too: the test rows of a linear model.
Evaluation evaluate_linear(const LinearModel& model, const data::FoldTensors& fold,
                           std::span<const std::int32_t> rows);

}  // namespace emosweep::trainer
