// How large a difference is, beside whether there is one. Pure, thread-safe.
#pragma once

#include <span>
#include <string>

#include "results/statistics/bootstrap.h"
#include "results/statistics/score_table.h"

namespace emosweep::results {

// Cohen's d of paired differences: mean / sd (n - 1). NaN for fewer than two; 0 / 0 counts as 0.
double cohen_dz(std::span<const double> differences);

// P(a > b) - P(a < b) over all pairs of a value of a and one of b. NaN where one is empty.
double cliffs_delta(std::span<const double> a, std::span<const double> b);

// P(A > B): the share of (seed, subject) in which A scores higher than B, ties counted half, with
// the percentile interval of the two-way bootstrap: both for other seeds and other subjects.
enum class Verdict { no_evidence, not_meaningful, meaningful };
struct Improvement {
  double probability = kUndefined;
  Interval interval;
  Verdict verdict = Verdict::no_evidence;
};
// differences: A - B by seed and subject; options.resampling is not read.
Improvement improvement(const ScoreTable& differences, double level, BootstrapOptions options);

// Bouthillier et al. (2021), gamma = .75: lower <= .5 no_evidence; else upper <= .75
// not_meaningful; else meaningful.
Verdict verdict_of(const Interval& interval);
std::string verdict_text(Verdict verdict);  // "no evidence", "real, not meaningful", ...

}  // namespace emosweep::results
