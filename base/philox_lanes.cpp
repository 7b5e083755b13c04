#include "base/philox_lanes.h"

namespace emosweep::lanes {

namespace {

template <int Lanes>
[[gnu::always_inline]] inline void fill(std::uint32_t* out, std::size_t blocks, std::uint64_t key,
                                        std::uint64_t low, std::uint64_t high) {
  std::size_t done = 0;
  for (; done + Lanes <= blocks; done += Lanes) {
    philox_blocks<Lanes>(out + 4 * done, key, low + done, high);
  }
  for (; done < blocks; ++done) philox_blocks<1>(out + 4 * done, key, low + done, high);
}

void fill_plain(std::uint32_t* out, std::size_t blocks, std::uint64_t key, std::uint64_t low,
                std::uint64_t high) {
  fill<4>(out, blocks, key, low, high);
}

#if defined(__x86_64__)
[[gnu::target("avx2")]] void fill_avx2(std::uint32_t* out, std::size_t blocks, std::uint64_t key,
                                       std::uint64_t low, std::uint64_t high) {
  fill<8>(out, blocks, key, low, high);
}

[[gnu::target("avx512f,prefer-vector-width=512")]] void fill_avx512(std::uint32_t* out,
                                                                    std::size_t blocks,
                                                                    std::uint64_t key,
                                                                    std::uint64_t low,
                                                                    std::uint64_t high) {
  fill<16>(out, blocks, key, low, high);
}
#endif

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

void fill_blocks(Path path, std::uint32_t* out, std::size_t blocks, std::uint64_t key,
                 std::uint64_t low, std::uint64_t high) {
#if defined(__x86_64__)
  if (path == Path::avx2) return fill_avx2(out, blocks, key, low, high);
  if (path == Path::avx512) return fill_avx512(out, blocks, key, low, high);
#endif
  static_cast<void>(path);
  fill_plain(out, blocks, key, low, high);
}

}  // namespace emosweep::lanes
