#include "base/philox_lanes.h"

#if defined(__x86_64__)
// For this file alone: the caller has asked the processor.
#pragma GCC target("avx2")
#include <immintrin.h>

namespace emosweep::lanes {

namespace {

constexpr std::size_t per_vector = 4;

// One of the counter's four words per 64-bit lane, for 4 blocks. Only the low halves count: the
// multiplication reads no more, so what the others hold is left there.
struct Words {
  __m256i c0, c1, c2, c3;

  Words(const Start& start, std::uint64_t block)
      : c0(_mm256_add_epi64(_mm256_set1_epi64x(static_cast<long long>(block)),
                            _mm256_set_epi64x(3, 2, 1, 0))),
        c1(_mm256_srli_epi64(c0, 32)),
        c2(_mm256_set1_epi64x(static_cast<long long>(start.high))),
        c3(_mm256_srli_epi64(c2, 32)) {}

  void round(__m256i k0, __m256i k1) {
    const __m256i p0 = _mm256_mul_epu32(c0, _mm256_set1_epi32(static_cast<int>(multiplier_0)));
    const __m256i p1 = _mm256_mul_epu32(c2, _mm256_set1_epi32(static_cast<int>(multiplier_1)));
    c0 = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(p1, 32), c1), k0);
    c2 = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(p0, 32), c3), k1);
    c1 = p1;
    c3 = p0;
  }

  static __m256i paired(__m256i low, __m256i high) {
    return _mm256_blend_epi32(low, _mm256_slli_epi64(high, 32), 0xAA);
  }

  void store(std::uint32_t* out) const {
    auto* to = reinterpret_cast<__m256i*>(out);
    const __m256i left = paired(c0, c1), right = paired(c2, c3);
    // Lanes (c0, c1), (c2, c3) of each block, then the pairs of one block side by side.
    const __m256i even = _mm256_unpacklo_epi64(left, right),
                  odd = _mm256_unpackhi_epi64(left, right);
    _mm256_storeu_si256(to, _mm256_permute2x128_si256(even, odd, 0x20));
    _mm256_storeu_si256(to + 1, _mm256_permute2x128_si256(even, odd, 0x31));
  }
};

}  // namespace

std::size_t fill_avx2(std::uint32_t* out, std::size_t blocks, const Start& start) {
  std::size_t done = 0;
  // Four vectors at a time: a multiplication takes several cycles, and their rounds do not wait for
  // each other.
  for (; done + 4 * per_vector <= blocks; done += 4 * per_vector) {
    const std::uint64_t block = start.low + done;
    Words a(start, block), b(start, block + per_vector), c(start, block + 2 * per_vector),
        d(start, block + 3 * per_vector);
    auto k0 = static_cast<std::uint32_t>(start.key),
         k1 = static_cast<std::uint32_t>(start.key >> 32);
    for (int round = 0; round < rounds; ++round) {
      const __m256i key0 = _mm256_set1_epi32(static_cast<int>(k0));
      const __m256i key1 = _mm256_set1_epi32(static_cast<int>(k1));
      a.round(key0, key1);
      b.round(key0, key1);
      c.round(key0, key1);
      d.round(key0, key1);
      k0 += weyl_0;
      k1 += weyl_1;
    }
    std::uint32_t* to = out + 4 * done;
    a.store(to);
    b.store(to + 4 * per_vector);
    c.store(to + 8 * per_vector);
    d.store(to + 12 * per_vector);
  }
  return done;
}

}  // namespace emosweep::lanes

#else

namespace emosweep::lanes {

std::size_t fill_avx2(std::uint32_t*, std::size_t, const Start&) { return 0; }

}  // namespace emosweep::lanes

#endif
