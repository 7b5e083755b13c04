// Tests of paired differences, one a subject: does A score other than B? All p-values are
// two-sided. Pure, thread-safe. No NaN among the differences.
#pragma once

#include <span>

#include "results/statistics/descriptive.h"

namespace emosweep::results {

struct TestResult {
  double statistic = kUndefined, df = kUndefined, p = kUndefined;
};

// t = statistic / error with df. Without any error: t = 0, p = 1 for a statistic of 0, else an
// infinite t and p = 0. NaN in, NaN out.
TestResult t_test(double statistic, double standard_error, double df);

// Student's t of the mean: d. / (sd / sqrt(n)), df n - 1. NaN for fewer than two.
TestResult paired_t(std::span<const double> differences);
// Corrected for training rows that folds share (Nadeau and Bengio 2003): d. / sqrt(sd^2 (1 / n +
// test_over_train)), df n - 1, n the number of differences. test_over_train: rows of a fold's test
// part over those of its training part, 1 / (n - 1) under LOSO.
TestResult corrected_t(std::span<const double> differences, double test_over_train);

// The mean difference's posterior (Corani and Benavoli 2015): Student's t about d. with the scale
// and df of corrected_t, and its mass below -rope, within and above +rope. Without any spread all
// mass is in one place.
struct Posterior {
  double mean = kUndefined, scale = kUndefined, df = kUndefined;
  double below = kUndefined, within = kUndefined, above = kUndefined;
};
Posterior correlated_posterior(std::span<const double> differences, double test_over_train,
                               double rope);

// Wilcoxon's signed ranks: statistic min(W+, W-), zero differences left out, midranks for ties. Up
// to 100 differences p is exact given the ranks (all 2^n signs are counted); beyond, normal with
// the variance corrected for ties. p = 1 where all differences are 0.
TestResult wilcoxon(std::span<const double> differences);
// Exact sign test; statistic: differences above 0, ties left out. p = 1 where nothing is left.
TestResult sign_test(std::span<const double> differences);

}  // namespace emosweep::results
