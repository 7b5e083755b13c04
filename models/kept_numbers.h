// Dropout masks of text_attention.h where they are used: on a GPU they are drawn there. Private to
// models/.
#pragma once

#include <ATen/core/Tensor.h>

#include "models/text_attention.h"

namespace emosweep::models {

// [rows, width] of `dtype`: drop.keep() where number j of a row is kept, 0 where it is dropped. The
// numbers of row r are the half-words of block first[r] on; first: [rows] int64, on any device.
at::Tensor kept_shares(const at::Tensor& first, std::int64_t width, const TextDrop& drop,
                       at::ScalarType dtype);

}  // namespace emosweep::models
