// An epoch in which all classes are equally likely.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/philox.h"

namespace emosweep::data {

// As many draws as rows, with replacement: a class that the rows have, uniformly, then one of its
// rows. Draw i follows from (key, epoch, i) alone. labels: of all rows of the dataset.
std::vector<std::int64_t> balanced_order(std::span<const std::int32_t> rows,
                                         std::span<const std::int64_t> labels, const StreamKey& key,
                                         std::int64_t epoch);

}  // namespace emosweep::data
