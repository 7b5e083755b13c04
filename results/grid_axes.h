// The axes of a grid, read back from its conditions' labels ("lr=0.001, dropout=0.3"). Private to
// results/.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace emosweep::results {

struct GridAxis {
  std::string name;
  std::vector<std::string> values;        // in order of first appearance, numbers ascending
  std::vector<std::size_t> of_condition;  // index into values
};
// Empty unless every label names the same keys; axes of a single value are left out.
std::vector<GridAxis> grid_axes(const std::vector<std::string>& labels);

}  // namespace emosweep::results
