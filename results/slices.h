// Test rows by the values of metadata columns (gender, intensity). Private to results/.
#pragma once

#include <string>
#include <vector>

#include "results/record.h"
#include "results/summary.h"
#include "results/table.h"

namespace emosweep::results {

struct Sliced {
  std::vector<Slice> slices;
  // One a sliced column: of each sample the slice it stands in.
  std::vector<std::vector<std::uint16_t>> of_sample;
};
// Of metadata columns with 2 to kMostSliceValues values. An empty cell stands in the slice "".
Sliced slices_of(const Samples& samples);

// By slice, block, truth and prediction; nothing of regression. InputError, naming the file, for
// samples that do not exist.
std::vector<SliceCount> slice_counts(const Sliced& sliced, const TargetResult& target,
                                     const std::string& file);

}  // namespace emosweep::results
