// A register of 32 bytes as GCC's vector extension, for loops that the compiler does not vectorise
// by itself. Private to models/.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "base/wide.h"

namespace emosweep::models {

template <typename T>
struct Lanes {
  static constexpr std::int64_t kBytes = 32;
  static constexpr std::int64_t count = kBytes / sizeof(T);
  using Int = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
  typedef T Vector __attribute__((vector_size(kBytes)));
  typedef Int Mask __attribute__((vector_size(kBytes)));  // of comparisons: 0 or -1
  typedef std::uint8_t Bytes __attribute__((vector_size(kBytes / sizeof(T))));

  // By reference: passing vectors by value has another ABI in functions of a wider target.
  static EMO_BODY void load(const T* from, Vector& v) { std::memcpy(&v, from, sizeof(v)); }
  static EMO_BODY void store(const Vector& v, T* to) { std::memcpy(to, &v, sizeof(v)); }
  // Small numbers, a byte each.
  static EMO_BODY void load(const std::uint8_t* from, Mask& v) {
    Bytes bytes;
    std::memcpy(&bytes, from, sizeof(bytes));
    v = __builtin_convertvector(bytes, Mask);
  }
  static EMO_BODY void store(const Mask& v, std::uint8_t* to) {
    const Bytes bytes = __builtin_convertvector(v, Bytes);
    std::memcpy(to, &bytes, sizeof(bytes));
  }
};

}  // namespace emosweep::models
