// Where the parameters of each part of a fusion model stand in a trial's row. Declaring and finding
// them is one code path, so the two cannot disagree.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/model.h"
#include "models/parameters.h"

namespace emosweep::models {

struct LinearAt {
  std::int64_t weight = 0, bias = 0, in = 0, out = 0;  // weight [in, out]
};
struct NormAt {
  std::int64_t gamma = 0, beta = 0, width = 0;
};
struct AttentionAt {  // of M modalities side by side
  std::int64_t expand = 0, embedding = 0, kqv = 0, bias = 0, out = 0;
  NormAt norm;
};

struct Parts {
  Layout layout;
  std::vector<LinearAt> encoders;
  NormAt encoder_norm;  // of all modalities side by side: [M, H]
  std::vector<LinearAt> fusion;
  std::vector<NormAt> fusion_norm;
  AttentionAt attention;
  LinearAt head;
};

// `options` have passed check_options.
Parts parts_of(const ModelOptions& options);

// Names of the dropout layers, which key their masks.
std::vector<std::string> encoder_layers(const ModelOptions& options);
std::string fusion_layer(std::size_t i);

}  // namespace emosweep::models
