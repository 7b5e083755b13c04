#include "base/philox_lanes.h"

#if defined(__x86_64__)
// For this file alone: the caller has asked the processor.
#pragma GCC target("avx512f")
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // within GCC 12's own header
#include <immintrin.h>

namespace emosweep::lanes {

namespace {

constexpr std::size_t per_vector = 8;

// One of the counter's four words per 64-bit lane, for 8 blocks. Only the low halves count: the
// multiplication reads no more, so what the others hold is left there.
struct Words {
  __m512i c0, c1, c2, c3;

  Words(const Start& start, std::uint64_t block)
      : c0(_mm512_add_epi64(_mm512_set1_epi64(static_cast<long long>(block)),
                            _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0))),
        c1(_mm512_srli_epi64(c0, 32)),
        c2(_mm512_set1_epi64(static_cast<long long>(start.high))),
        c3(_mm512_srli_epi64(c2, 32)) {}

  void round(__m512i k0, __m512i k1) {
    const __m512i p0 = _mm512_mul_epu32(c0, _mm512_set1_epi32(static_cast<int>(multiplier_0)));
    const __m512i p1 = _mm512_mul_epu32(c2, _mm512_set1_epi32(static_cast<int>(multiplier_1)));
    c0 = _mm512_xor_si512(_mm512_xor_si512(_mm512_srli_epi64(p1, 32), c1), k0);
    c2 = _mm512_xor_si512(_mm512_xor_si512(_mm512_srli_epi64(p0, 32), c3), k1);
    c1 = p1;
    c3 = p0;
  }

  static __m512i paired(__m512i low, __m512i high) {
    return _mm512_mask_blend_epi32(0xAAAA, low, _mm512_slli_epi64(high, 32));
  }

  void store(std::uint32_t* out) const {
    auto* to = reinterpret_cast<__m512i*>(out);
    const __m512i left = paired(c0, c1), right = paired(c2, c3);
    // Lanes (c0, c1), (c2, c3) of each block, then the pairs of one block side by side.
    const __m512i first = _mm512_set_epi64(11, 3, 10, 2, 9, 1, 8, 0);
    const __m512i second = _mm512_set_epi64(15, 7, 14, 6, 13, 5, 12, 4);
    _mm512_storeu_si512(to, _mm512_permutex2var_epi64(left, first, right));
    _mm512_storeu_si512(to + 1, _mm512_permutex2var_epi64(left, second, right));
  }
};

}  // namespace

std::size_t fill_avx512(std::uint32_t* out, std::size_t blocks, const Start& start) {
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
      const __m512i key0 = _mm512_set1_epi32(static_cast<int>(k0));
      const __m512i key1 = _mm512_set1_epi32(static_cast<int>(k1));
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

std::size_t fill_avx512(std::uint32_t*, std::size_t, const Start&) { return 0; }

}  // namespace emosweep::lanes

#endif
