// Philox4x32-10 for several blocks at once. Private to base/ and its tests: everybody else uses
// philox.h. All paths give the same words (integer arithmetic only).
#pragma once

#include <cstddef>
#include <cstdint>

namespace emosweep::lanes {

// Lanes consecutive blocks: words 4l .. 4l+3 of `out` are block (low + l, high), both 64-bit halves
// of the counter, least significant word first. Constants and the order of words: Random123 (Salmon
// et al., SC 2011).
template <int Lanes>
[[gnu::always_inline]] inline void philox_blocks(std::uint32_t* out, std::uint64_t key,
                                                 std::uint64_t low, std::uint64_t high) {
  std::uint32_t c0[Lanes], c1[Lanes], c2[Lanes], c3[Lanes];
  for (int l = 0; l < Lanes; ++l) {
    const std::uint64_t block = low + static_cast<std::uint64_t>(l);
    c0[l] = static_cast<std::uint32_t>(block);
    c1[l] = static_cast<std::uint32_t>(block >> 32);
    c2[l] = static_cast<std::uint32_t>(high);
    c3[l] = static_cast<std::uint32_t>(high >> 32);
  }
  auto k0 = static_cast<std::uint32_t>(key), k1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    for (int l = 0; l < Lanes; ++l) {
      const std::uint64_t p0 = std::uint64_t{0xD2511F53} * c0[l];
      const std::uint64_t p1 = std::uint64_t{0xCD9E8D57} * c2[l];
      c0[l] = static_cast<std::uint32_t>(p1 >> 32) ^ c1[l] ^ k0;
      c2[l] = static_cast<std::uint32_t>(p0 >> 32) ^ c3[l] ^ k1;
      c1[l] = static_cast<std::uint32_t>(p1);
      c3[l] = static_cast<std::uint32_t>(p0);
    }
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  for (int l = 0; l < Lanes; ++l) {
    out[4 * l] = c0[l];
    out[4 * l + 1] = c1[l];
    out[4 * l + 2] = c2[l];
    out[4 * l + 3] = c3[l];
  }
}

enum class Path { plain, avx2, avx512 };

bool available(Path path);  // on this machine
Path best_path();
// `blocks` blocks from (low, high) on; 4 * blocks words of out are written.
void fill_blocks(Path path, std::uint32_t* out, std::size_t blocks, std::uint64_t key,
                 std::uint64_t low, std::uint64_t high);

}  // namespace emosweep::lanes
