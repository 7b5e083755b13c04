// Weights in and out: the safetensors layout, with caps and checked sizes; no pickle.
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "models/model.h"

namespace emosweep::models {

struct NamedTensors {
  std::vector<std::pair<std::string, at::Tensor>> tensors;  // CPU, contiguous
  std::map<std::string, std::string> metadata;
};

struct SafetensorsLimits {
  std::size_t file = 4ull << 30;  // bytes
  std::size_t header = 16ull << 20;
  std::size_t tensors = 100'000;
};

// 8 bytes little-endian header size, header (JSON, keys sorted, padded with spaces to a multiple of
// 8), data without holes: tensors of 8-byte elements first, each kind sorted by name, so that every
// element is aligned. float64, int64, float32, float16 and bfloat16; the same tensors give the same
// bytes. EMO_CHECK: other dtypes, two tensors of one name, a tensor called __metadata__.
std::vector<std::uint8_t> write_safetensors(const NamedTensors& tensors);
// Untrusted input. InputError names the file, the tensor and what is wrong (truncated, overlapping,
// holes, unknown dtype, sizes that disagree, duplicate names, oversized header). Tensors come
// sorted by name and own their memory.
NamedTensors read_safetensors(const std::filesystem::path& file,
                              const SafetensorsLimits& limits = {});
// The same for bytes in memory; `file` is for messages.
NamedTensors parse_safetensors(std::span<const std::uint8_t> bytes, const std::string& file,
                               const SafetensorsLimits& limits = {});

// Trial k of a model's leaves and state as tensors without the trial axis, and back (missing, extra
// or wrong-shaped tensors are all listed in one InputError).
NamedTensors weights_of(Model& model, std::int64_t k);
void load_weights(Model& model, std::int64_t k, const NamedTensors& weights,
                  const std::string& file);

}  // namespace emosweep::models
