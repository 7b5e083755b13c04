// The bytes of a checkpoint: one safetensors file whose metadata names the trial and holds the
// SHA-256 of the whole file.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/hash.h"
#include "models/weights.h"

namespace emosweep::trainer {

// Of names and meaning of what the training loop archives: raise it where old files would be
// misunderstood.
inline constexpr int kCheckpointVersion = 1;

// Adds the metadata format, result_version, trial and sha256 (over the file with these 64 digits as
// '0').
std::vector<std::uint8_t> encode_checkpoint(const Digest& trial, models::NamedTensors contents);

// Nothing is interpreted before the digest is checked. InputError says what is wrong: truncated,
// damaged, no checkpoint, another trial's, another version's. `file` is for messages.
models::NamedTensors decode_checkpoint(std::span<const std::uint8_t> bytes, const std::string& file,
                                       const Digest& trial);

}  // namespace emosweep::trainer
