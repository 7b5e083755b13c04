// The JSON header of a safetensors file: strictly what the format knows, every number checked. No
// tensors here.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace emosweep::models {

struct TensorEntry {
  std::string dtype;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0, end = 0;  // bytes from the start of the data
};

struct SafetensorsHeader {
  std::map<std::string, TensorEntry> tensors;
  std::map<std::string, std::string> metadata;
};

// InputError: not JSON, another structure, a name or key twice, negative or non-integer numbers,
// more than `most` tensors.
SafetensorsHeader parse_safetensors_header(std::string_view json, const std::string& file,
                                           std::size_t most);
// Keys sorted, no spaces, padded with spaces to a multiple of 8 bytes.
std::string safetensors_header_text(const SafetensorsHeader& header);

}  // namespace emosweep::models
