// Max pooling 2x2 behind a ReLU, a register of channels at a time. Private to models/.
#pragma once

#include <c10/core/ScalarType.h>

#include "models/lanes.h"

namespace emosweep::models {

// As wide as a value: GCC makes bytes of a register one by one.
template <typename T>
using Place = typename Lanes<T>::Int;
template <typename T>
inline constexpr at::ScalarType kPlaceType = sizeof(T) == 4 ? at::kInt : at::kLong;
// Of which of the four places a pooled value is, row by row; this where the ReLU let none through.
inline constexpr int kNoPlace = 4;

// max(0, a[0..3]) and where it stands: the first of equals, as ATen's. NaN stays NaN.
template <typename T>
EMO_BODY void relu_max(const typename Lanes<T>::Vector (&a)[4], typename Lanes<T>::Vector& best,
                       typename Lanes<T>::Mask& place) {
  using Mask = typename Lanes<T>::Mask;
  best = a[0];
  place = Mask{};
#pragma GCC unroll 3
  for (int k = 1; k < 4; ++k) {
    const Mask more = (a[k] > best) | (a[k] != a[k]);
    best = more ? a[k] : best;
    place = more ? Mask{} + k : place;
  }
  const Mask dead = best <= T(0);
  best = dead ? typename Lanes<T>::Vector{} : best;
  place = dead ? Mask{} + kNoPlace : place;
}

}  // namespace emosweep::models
