// A register of 32 bytes as GCC's vector extension, for loops that the compiler does not vectorise
// by itself. Private to models/.
#pragma once

#include <cstdint>
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

  // By reference: passing vectors by value has another ABI in functions of a wider target. Through
  // these types and not by memcpy, which GCC splits into halves that a load then waits for.
  static EMO_BODY void load(const T* from, Vector& v) {
    v = *reinterpret_cast<const LooseVector*>(from);
  }
  static EMO_BODY void store(const Vector& v, T* to) { *reinterpret_cast<LooseVector*>(to) = v; }
  static EMO_BODY void load(const Int* from, Mask& v) {
    v = *reinterpret_cast<const LooseMask*>(from);
  }
  static EMO_BODY void store(const Mask& v, Int* to) { *reinterpret_cast<LooseMask*>(to) = v; }

 private:
  typedef T LooseVector __attribute__((vector_size(kBytes), aligned(alignof(T)), may_alias));
  typedef Int LooseMask __attribute__((vector_size(kBytes), aligned(alignof(Int)), may_alias));
};

}  // namespace emosweep::models
