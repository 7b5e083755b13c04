// Statistics as named figures: one list, from which both the JSON report and /statistics of the
// summary are written, so that they are equal. Private to results/.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "results/comparisons.h"
#include "results/statistics.h"

namespace emosweep::results {

struct Figure {
  std::string name;
  double value = kUndefined;
  bool whole = false;  // a count
};
using Figures = std::vector<Figure>;

Figures figures_of(const Description& description);  // all but n, mean and sd
Figures figures_of(const Calibration& calibration);
Figures figures_of(const ReplicatedStatistics& statistics);
Figures figures_of(const ClassStatistics& of_class);
Figures figures_of(const OutputStatistics& output);    // all but name
Figures figures_of(const SubjectStatistics& subject);  // all but name, support and score by seed
Figures figures_of(const SliceStatistics& slice);      // all but names
Figures figures_of(const ResampledStatistics& resampled);  // all but the profile
Figures figures_of(const ProfilePoint& point);
Figures figures_of(const PairComparison& pair);  // all but names and verdict
Figures figures_of(const RankTest& ranks);       // all but mean_ranks

}  // namespace emosweep::results
