// Intervals of a mean by Student's t, and the two that a report names:
//   re-run      what other seeds would give on the same subjects: t over the seeds' means
//   new-subject what other subjects would give: t over the subjects' means
// Pure, thread-safe. A mean of fewer than two values has no interval (NaN); without any spread it
// has width 0. Coverage under the normal additive model: bench/run statistics.
#pragma once

#include <cstdint>
#include <span>

#include "results/statistics/descriptive.h"
#include "results/statistics/score_table.h"

namespace emosweep::results {

inline constexpr double kLevel = 0.95;  // of the intervals that a report prints

struct MeanInterval {
  std::int64_t n = 0;  // what was averaged: seeds or subjects
  double mean = kUndefined, standard_error = kUndefined, df = kUndefined;
  double lower = kUndefined, upper = kUndefined;
};

// mean +- t_{(1 + level) / 2, df} standard_error. n as it should stand in the result.
MeanInterval t_interval(double mean, double standard_error, double df, std::int64_t n,
                        double level = kLevel);
// Of the values' mean: standard error sd / sqrt(n), df n - 1.
MeanInterval t_interval(std::span<const double> values, double level = kLevel);

MeanInterval rerun_interval(const ScoreTable& scores, double level = kLevel);
MeanInterval new_subject_interval(const ScoreTable& scores, double level = kLevel);

}  // namespace emosweep::results
