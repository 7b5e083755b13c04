// The cells of one condition by seed and subject, whatever the folds were: what intervals for new
// subjects and paired comparisons need. Private to results/.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "results/statistics/pooled.h"
#include "results/table.h"
#include "results/tested_folds.h"

namespace emosweep::results {

struct SubjectTable {
  std::vector<std::uint64_t> seeds;   // of which every fold is done, ascending
  std::vector<std::string> subjects;  // in natural order; every seed tests all of them
  ConfusionTable counts;              // points into the rows and into `sums`
  std::deque<Confusion> sums;         // of subjects whose rows several folds hold
  std::vector<TestedFold> tested;     // of these seeds, by seed and fold (natural_less)
  std::string absent_because;         // why there is no table; "" where there is one
};
// rows: one condition's, in any order; they outlive the table.
SubjectTable subject_table(const std::vector<const Row*>& rows);

}  // namespace emosweep::results
