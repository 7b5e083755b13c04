// `prepare vocab`: a tokenizer learned from a dataset's texts, as an encoder's folder without
// weights.
#pragma once

#include <filesystem>
#include <string>

#include "data/text/train_vocabulary.h"

namespace emosweep::launcher {

struct VocabularyWish {
  std::filesystem::path dataset;  // a dataset.yaml or its folder
  std::string modality;           // of kind text; "": the only one
  data::VocabularyOptions options;
  // Of the encoder that config.json describes, for encoder_weights: random.
  std::int64_t hidden_size = 128, layers = 2, heads = 2, positions = 256;
};

// Writes vocab.txt, tokenizer_config.json and config.json into `folder`, which is made. Texts of
// validation and test parts are not read where the dataset has its own splits. InputError: a
// dataset that cannot be loaded, no such modality, sizes that do not fit each other.
void prepare_vocabulary(const VocabularyWish& wish, const std::filesystem::path& folder);

}  // namespace emosweep::launcher
