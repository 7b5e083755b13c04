// How often rows have each class of a target. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace emosweep::data {

// [target_blocks, block_classes] (base/target.h) of these rows; unknown aspects are not counted.
// Empty for regression.
std::vector<std::int64_t> target_counts(const Dataset& dataset, std::span<const std::int32_t> rows);
// [outputs] of regression: the mean of these rows; 0 of none.
std::vector<double> target_means(const Dataset& dataset, std::span<const std::int32_t> rows);
std::vector<std::int32_t> all_rows(const Dataset& dataset);  // 0, 1, ...

// What plans and logs show of them: every class (single), label that is there (multi), class of
// every aspect, "Battery/Positive"; nothing for regression.
struct ClassMix {
  std::vector<std::string> names;
  std::vector<std::int64_t> counts;
};
ClassMix class_mix(const Dataset& dataset, std::span<const std::int32_t> rows);

}  // namespace emosweep::data
