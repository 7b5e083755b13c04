// Where the parameters of a trained text encoder stand. Private to models/.
#pragma once

#include <string>
#include <vector>

#include "models/parameters.h"
#include "models/text_options.h"

namespace emosweep::models {

// In the storage of what is trained, or in that of what keeps its values.
struct TextAt {
  bool frozen = false;
  std::int64_t offset = 0;
};
struct TextLinearAt {
  TextAt weight, bias;  // [out, in], [out]
  std::int64_t in = 0, out = 0;
};
struct TextNormAt {
  TextAt weight, bias;
};
struct TextLayerAt {
  TextLinearAt query_key_value;  // one product: [3H, H]
  TextLinearAt out, up, down;
  TextNormAt attention_norm, output_norm;
};

// Names are Hugging Face's, so that its weights can be loaded; the head's are head.weight and
// head.bias.
struct TextParts {
  Layout trained, frozen;
  TextAt words, positions, types;
  TextNormAt norm;
  std::vector<TextLayerAt> layers;
  TextLinearAt head;
  // What of `trained` learns at another rate: [begin, end) in elements, and the factor.
  std::vector<RateRange> rates;
};

TextParts text_parts(const TextModelOptions& options, std::int64_t classes);

}  // namespace emosweep::models
