// Philox4x32-10 for several blocks at once. Private to base/ and its tests: everybody else uses
// philox.h. All paths give the same words (integer arithmetic only).
#pragma once

#include <cstddef>
#include <cstdint>

namespace emosweep::lanes {

enum class Path { plain, avx2, avx512 };

bool available(Path path);  // on this machine
Path best_path();

// The counter's 64-bit halves of the first block, and the key.
struct Start {
  std::uint64_t key = 0, low = 0, high = 0;
};

// `blocks` blocks, those of low, low + 1, ...: 4 words each, the least significant first. Constants
// and the order of words: Random123 (Salmon et al., SC 2011). The path must be available.
void fill_blocks(Path path, std::uint32_t* out, std::size_t blocks, const Start& start);

// What the paths do; how many blocks they did: a multiple of what their vectors hold.
std::size_t fill_avx2(std::uint32_t* out, std::size_t blocks, const Start& start);
std::size_t fill_avx512(std::uint32_t* out, std::size_t blocks, const Start& start);

constexpr std::uint32_t multiplier_0 = 0xD2511F53, multiplier_1 = 0xCD9E8D57;
constexpr std::uint32_t weyl_0 = 0x9E3779B9, weyl_1 = 0xBB67AE85;
constexpr int rounds = 10;

}  // namespace emosweep::lanes
