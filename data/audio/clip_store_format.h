// The bytes of a clip store: header, values, entries, texts. Little endian, as all machines that
// this program runs on. Internal to data/audio/.
#pragma once

#include <array>
#include <cstdint>

namespace emosweep::data {

inline constexpr std::array<char, 16> kClipMagic{'e', 'm', 'o', 's', 'w', 'e', 'e', 'p',
                                                 ' ', 'c', 'l', 'i', 'p', 's', ' ', '1'};
inline constexpr std::uint64_t kClipValuesAt = 128;  // where the values begin

struct ClipHeader {
  std::array<char, 16> magic = kClipMagic;
  std::array<std::uint8_t, 32> key{};    // hash of all that the content follows from
  std::array<std::uint8_t, 32> table{};  // SHA-256 of the fields below, the entries and the texts
  std::uint64_t width = 0, clips = 0, values = 0, text_bytes = 0;
};
static_assert(sizeof(ClipHeader) <= kClipValuesAt);

struct ClipEntry {
  std::uint64_t first = 0;  // of its values, counted in values
  std::uint64_t rows = 0;
  std::array<std::uint8_t, 16> digest{};  // the first half of the SHA-256 of its values
  double seconds = 0, peak = 0;
  std::int32_t rate = 0, channels = 0;
  std::uint32_t cut = 0, text_size = 0;  // the problem's text: all texts stand one after another
};
static_assert(sizeof(ClipEntry) == 64);

}  // namespace emosweep::data
