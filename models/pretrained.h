// Weights of another training as the start of this one.
#pragma once

#include <string>
#include <vector>

#include "models/weights.h"

namespace emosweep::models {

// Copies `weights` into trial k of an image network, by the model's own (torchvision's) names:
// other dtypes are converted; a first convolution over several channels is summed to the model's
// one, which gives what it gave for an image with equal channels; a head ("fc.", "head.") of other
// classes is left as it was drawn, `*.num_batches_tracked` is not read. Returns what was not taken
// over, one sentence each. InputError lists all tensors that are missing, too many, of another
// shape, or not finite; the model is then unchanged. Not thread-safe.
std::vector<std::string> load_pretrained(Model& model, std::int64_t k, const NamedTensors& weights,
                                         const std::string& file);

}  // namespace emosweep::models
