// Two conditions on the same seeds and subjects: everything a report says of A against B.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "results/statistics/bootstrap.h"
#include "results/statistics/effects.h"
#include "results/statistics/interval.h"
#include "results/statistics/paired_tests.h"
#include "results/statistics/power.h"
#include "results/statistics/score_table.h"

namespace emosweep::results {

struct CompareOptions {
  double level = kLevel;  // of the intervals
  double rope = 0.01;     // differences up to this count as practically equal
  // Rows of a fold's test part over those of its training part; not given: 1 / (G - 1), as under
  // LOSO
  std::optional<double> test_over_train;
  BootstrapOptions bootstrap;
  PowerOptions power;
};

struct Comparison {
  std::int64_t seeds = 0, subjects = 0;
  std::vector<double> by_subject;  // [G] A - B, mean over seeds
  std::int64_t subjects_better = 0, subjects_worse = 0;

  // The default: the difference over seeds and subjects at once (crossed_interval of variance.h).
  // It asks whether A would beat B again with other seeds on other subjects.
  MeanInterval difference;
  TestResult crossed;

  MeanInterval new_subject, rerun;  // over subjects with these seeds; over seeds on these subjects
  TestResult paired, corrected, signed_rank, sign;  // of by_subject
  Posterior posterior;
  Improvement better;
  double d_z = kUndefined;           // of by_subject
  double cliffs_delta = kUndefined;  // of all cells, not paired

  // With which the paired t over seeds, or over subjects, would find a difference of this size; 0:
  // none do.
  std::int64_t seeds_needed = 0, subjects_needed = 0;
};

// Scores of the same shape, paired by place; for pooled metrics their pseudo-values. What needs two
// seeds or two subjects is undefined with fewer; of empty tables everything is. Pure, thread-safe.
Comparison compare(const ScoreTable& a, const ScoreTable& b, const CompareOptions& options);

}  // namespace emosweep::results
