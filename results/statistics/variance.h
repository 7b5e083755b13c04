// Where the spread of scores comes from: two-way random effects without replication (seeds crossed
// with subjects), by analysis of variance. Pure, thread-safe.
#pragma once

#include <cstdint>

#include "results/statistics/interval.h"
#include "results/statistics/score_table.h"

namespace emosweep::results {

// y[s][g] = mean + seed_s + subject_g + residual_sg, S seeds, G subjects:
//   ms_seed    = G sum_s (y_s. - y..)^2 / (S - 1)
//   ms_subject = S sum_g (y_.g - y..)^2 / (G - 1)
//   ms_error   = sum (y_sg - y_s. - y_.g + y..)^2 / ((S - 1)(G - 1))
//   residual = ms_error, seed = (ms_seed - ms_error) / G, subject = (ms_subject - ms_error) / S,
// below 0 counted as 0 and said so. All NaN where there are fewer than two seeds or two subjects:
// one of them cannot be told from the residual then.
struct VarianceComponents {
  std::int64_t seeds = 0, subjects = 0;
  double ms_seed = kUndefined, ms_subject = kUndefined, ms_error = kUndefined;
  double seed = kUndefined, subject = kUndefined, residual = kUndefined;  // variances
  bool seed_was_negative = false, subject_was_negative = false;
  // Of the three variances' sum; NaN where that is 0.
  double seed_share = kUndefined, subject_share = kUndefined, residual_share = kUndefined;
  double variance_of_mean = kUndefined;  // seed / S + subject / G + residual / (S G)
};
VarianceComponents variance_components(const ScoreTable& scores);

// The fewest replicates with which a t interval over them would be at most half as wide as with n
// of the same spread. 0 where n < 2.
std::int64_t replicates_to_halve(std::int64_t n, double level = kLevel);
// The fewest seeds with which the new-subject interval of the same subjects would be at most half
// as wide; 0 where no number of seeds is enough, because the subjects differ by more than that.
std::int64_t seeds_to_halve_new_subject(const VarianceComponents& components);

// The mean's interval over seeds and subjects at once: standard error^2 = (ms_subject + ms_seed -
// ms_error) / (S G), degrees of freedom after Satterthwaite (1946); ms_seed - ms_error below 0
// counts as 0, so the standard error is never below that of the subjects' means, which takes the
// seeds for the only ones there are; with one seed it is that. NaN for fewer than two subjects.
MeanInterval crossed_interval(const ScoreTable& scores, double level = kLevel);

}  // namespace emosweep::results
