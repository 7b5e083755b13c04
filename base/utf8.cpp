#include "base/utf8.h"

#include <cstdint>
#include <cstring>

namespace emosweep {

// Unicode 15, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF.
std::size_t first_bad_byte(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  for (std::size_t i = 0; i < text.size();) {
    if (i + 8 <= text.size()) {  // eight ASCII bytes, none NUL, at once
      std::uint64_t word;
      std::memcpy(&word, text.data() + i, 8);
      const std::uint64_t high = 0x8080808080808080ull;
      const bool has_nul = ((word - 0x0101010101010101ull) & ~word & high) != 0;
      if ((word & high) == 0 && !has_nul) {
        i += 8;
        continue;
      }
    }
    const unsigned char c = byte(i);
    if (c == 0) return i;
    std::size_t more = 0;
    unsigned char low = 0x80, top = 0xBF;  // of the second byte
    if (c < 0x80) {
      ++i;
      continue;
    } else if (c >= 0xC2 && c <= 0xDF) {
      more = 1;
    } else if (c >= 0xE0 && c <= 0xEF) {
      more = 2;
      if (c == 0xE0) low = 0xA0;
      if (c == 0xED) top = 0x9F;
    } else if (c >= 0xF0 && c <= 0xF4) {
      more = 3;
      if (c == 0xF0) low = 0x90;
      if (c == 0xF4) top = 0x8F;
    } else {
      return i;
    }
    if (i + more >= text.size()) return i;
    if (byte(i + 1) < low || byte(i + 1) > top) return i;
    for (std::size_t k = 2; k <= more; ++k)
      if ((byte(i + k) & 0xC0) != 0x80) return i;
    i += more + 1;
  }
  return std::string_view::npos;
}

}  // namespace emosweep
