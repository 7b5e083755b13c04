// Weights in and out: the safetensors layout, with caps and checked sizes; no pickle.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "models/model.h"

namespace emosweep::models {

struct NamedTensors {
  std::vector<std::pair<std::string, at::Tensor>> tensors;  // CPU, contiguous
  std::map<std::string, std::string> metadata;
};

std::vector<std::uint8_t> write_safetensors(const NamedTensors& tensors);
// InputError names the file, the tensor and what is wrong (truncated, overlapping, unknown dtype,
// oversized header).
NamedTensors read_safetensors(const std::filesystem::path& file);

// Trial k of a model's leaves and state as tensors without the trial axis, and back (missing, extra
// or wrong-shaped tensors are all listed in one InputError).
NamedTensors weights_of(Model& model, std::int64_t k);
void load_weights(Model& model, std::int64_t k, const NamedTensors& weights,
                  const std::string& file);

}  // namespace emosweep::models
