#include "base/philox_lanes.h"

namespace emosweep::lanes {

namespace {

void fill_plain(std::uint32_t* out, std::size_t blocks, const Start& start) {
  for (std::size_t i = 0; i < blocks; ++i) {
    const std::uint64_t block = start.low + i;
    auto c0 = static_cast<std::uint32_t>(block), c1 = static_cast<std::uint32_t>(block >> 32);
    auto c2 = static_cast<std::uint32_t>(start.high);
    auto c3 = static_cast<std::uint32_t>(start.high >> 32);
    auto k0 = static_cast<std::uint32_t>(start.key);
    auto k1 = static_cast<std::uint32_t>(start.key >> 32);
    for (int round = 0; round < rounds; ++round) {
      const std::uint64_t p0 = std::uint64_t{multiplier_0} * c0;
      const std::uint64_t p1 = std::uint64_t{multiplier_1} * c2;
      c0 = static_cast<std::uint32_t>(p1 >> 32) ^ c1 ^ k0;
      c2 = static_cast<std::uint32_t>(p0 >> 32) ^ c3 ^ k1;
      c1 = static_cast<std::uint32_t>(p1);
      c3 = static_cast<std::uint32_t>(p0);
      k0 += weyl_0;
      k1 += weyl_1;
    }
    out[4 * i] = c0;
    out[4 * i + 1] = c1;
    out[4 * i + 2] = c2;
    out[4 * i + 3] = c3;
  }
}

}  // namespace

bool available(Path path) {
#if defined(__x86_64__)
  if (path == Path::avx2) return __builtin_cpu_supports("avx2");
  if (path == Path::avx512) return __builtin_cpu_supports("avx512f");
#endif
  return path == Path::plain;
}

Path best_path() {
  if (available(Path::avx512)) return Path::avx512;
  return available(Path::avx2) ? Path::avx2 : Path::plain;
}

void fill_blocks(Path path, std::uint32_t* out, std::size_t blocks, const Start& start) {
  std::size_t done = 0;
  if (path == Path::avx2) done = fill_avx2(out, blocks, start);
  if (path == Path::avx512) done = fill_avx512(out, blocks, start);
  fill_plain(out + 4 * done, blocks - done, {start.key, start.low + done, start.high});
}

}  // namespace emosweep::lanes
