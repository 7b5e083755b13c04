// Loops that the compiler vectorises for AVX2 where the processor has it: write the body once as
// EMO_BODY, call it from a function marked EMO_WIDE, and choose by wide(). A body is inlined into
// the function of the wider target, and is vectorised there. Compile such files with -O3
// -ffp-contract=off: without contraction to fma (and with a fixed number of partial sums) both give
// the same bits.
#pragma once

#define EMO_BODY inline __attribute__((always_inline))
#if defined(__x86_64__)
#define EMO_WIDE __attribute__((target("avx2")))
#else
#define EMO_WIDE
#endif

namespace emosweep {

inline bool wide() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2");
#else
  return false;
#endif
}

}  // namespace emosweep

// name<T>(const T*, ...), which runs name_body<T> with or without AVX2.
#define EMO_BOTH(name)                                                        \
  template <typename T, typename... Rest>                                     \
  EMO_WIDE void name##_wide(const T* first, Rest... rest) {                   \
    name##_body<T>(first, rest...);                                           \
  }                                                                           \
  template <typename T, typename... Rest>                                     \
  void name(const T* first, Rest... rest) {                                   \
    wide() ? name##_wide<T>(first, rest...) : name##_body<T>(first, rest...); \
  }
