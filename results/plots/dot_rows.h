// Rows of scores: every seed as a dot, the mean as a line, intervals as bars. Private to results/.
#pragma once

#include <string>
#include <vector>

#include "results/plots/axis.h"
#include "results/plots/plot.h"
#include "results/plots/svg.h"

namespace emosweep::results {

struct DotRow {
  std::string name;
  std::vector<double> dots;  // NaN: none
  double mean = kUndefined;
  Interval narrow, wide;  // NaN: none
};
struct ReferenceLine {
  std::string name;
  double value = kUndefined;
};
struct DotRowsOptions {
  double least = 0;                       // that a score can be
  std::string axis;                       // its title
  std::string dot, narrow, wide;          // legend; "" leaves one out
  std::vector<ReferenceLine> references;  // dotted lines; NaN: none
};
Svg dot_rows(const std::vector<DotRow>& rows, const DotRowsOptions& options);

}  // namespace emosweep::results
