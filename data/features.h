// Imputation and scaling of feature tables, fitted on the training rows of one fold.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace emosweep::data {

enum class Normalise { train, group, none };

struct PrepareOptions {
  std::vector<std::string> modalities;  // the inputs, in order; all of them exist in the dataset
  Normalise normalise = Normalise::train;
  std::string group;  // the subject, for Normalise::group
  // Of texts: whose tokenizer (a folder as Hugging Face has it), and the most tokens of a text.
  std::filesystem::path encoder = {};
  std::int64_t max_length = 128;
  std::int64_t windows = 1;  // of recordings: that evaluation looks at (evaluation_start)
};

// What `train` learned of one modality. mean imputation: a missing cell of a present modality
// becomes the training mean (after scaling: 0). A column that is constant or all missing in
// training is multiplied by 0, with a warning.
struct Scaler {
  std::string modality;
  std::vector<std::string> columns;
  std::vector<double> mean, scale;  // [width]; y = (x - mean) * scale, 0 where x is missing; none:
                                    // scale 1, mean only imputes
};

struct FeatureMatrix {
  std::int64_t rows = 0, width = 0;
  std::vector<double> values;         // [rows, width], finite
  std::vector<std::uint8_t> present;  // [rows]; an absent modality's row is all 0
};

struct Fitted {
  std::vector<Scaler> scalers;  // one a modality
  std::vector<std::string> warnings;
};

// Normalise::group: z-scores of every subject by its own rows (population standard deviation; a
// column that is constant within a subject becomes 0), over all rows of the dataset, labels unused;
// then the training fit imputes and is otherwise the identity (mean 0 stays, scale 1; constant
// columns 0).
Fitted fit_scalers(const Dataset& dataset, std::span<const std::int32_t> train,
                   const PrepareOptions& options);
// All rows of the dataset through the fitted scalers, one matrix a modality.
std::vector<FeatureMatrix> apply_scalers(const Dataset& dataset, const Fitted& fitted,
                                         const PrepareOptions& options);

}  // namespace emosweep::data
