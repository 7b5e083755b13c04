// What the references do not show: degenerate inputs, and properties that hold for all.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "results/calibration.h"
#include "results/regression.h"
#include "results/statistics/compare.h"
#include "results/statistics/distributions.h"
#include "results/statistics/pooled.h"
#include "results/statistics/ranks.h"
#include "results/statistics/variance.h"

namespace emosweep::results {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(Descriptive, NothingOneAndMissing) {
  EXPECT_EQ(describe({}).spread.n, 0);
  EXPECT_TRUE(std::isnan(describe({}).median));
  const Description one = describe(std::vector<double>{kUndefined, 0.5});
  EXPECT_EQ(one.spread.n, 1);
  EXPECT_EQ(one.spread.mean, 0.5);
  EXPECT_TRUE(std::isnan(one.spread.sd));
  EXPECT_EQ(one.lower_quartile, 0.5);
  EXPECT_EQ(one.interquartile_mean, 0.5);
  EXPECT_EQ(one.mad, 0);
  EXPECT_TRUE(std::isnan(quantile({}, 0.5)));
  EXPECT_ANY_THROW(quantile(std::vector<double>{1}, 1.1));
}

TEST(ScoreTables, KnowTheirShape) {
  const ScoreTable table(2, 3, {1, 2, 3, 5, 6, 7});
  EXPECT_EQ(table.mean(), 4);
  EXPECT_EQ(table.seed_means(), (std::vector<double>{2, 6}));
  EXPECT_EQ(table.subject_means(), (std::vector<double>{3, 4, 5}));
  EXPECT_EQ(difference(table, table).mean(), 0);
  EXPECT_TRUE(std::isnan(ScoreTable().mean()));
  EXPECT_ANY_THROW(ScoreTable(2, 2, {1, 2, 3}));
  EXPECT_ANY_THROW(ScoreTable(1, 2, {1, kUndefined}));
  EXPECT_ANY_THROW(difference(table, ScoreTable(3, 2, {1, 2, 3, 5, 6, 7})));
}

TEST(Intervals, OfOneValueAndWithoutSpread) {
  const MeanInterval one = t_interval(std::vector<double>{0.5});
  EXPECT_EQ(one.mean, 0.5);
  EXPECT_TRUE(std::isnan(one.lower));
  const MeanInterval equal = t_interval(std::vector<double>{0.5, 0.5, 0.5});
  EXPECT_EQ(equal.lower, 0.5);
  EXPECT_EQ(equal.upper, 0.5);
  EXPECT_TRUE(std::isnan(t_interval(std::vector<double>{}).mean));
  // A level of .5 with one degree of freedom: t_{.75, 1} = 1.
  const MeanInterval half = t_interval(std::vector<double>{0, 2}, 0.5);
  EXPECT_NEAR(half.lower, 0, 1e-14);
  EXPECT_NEAR(half.upper, 2, 1e-14);
}

TEST(Variance, WithoutSeedsOrSubjectsThereAreNoComponents) {
  EXPECT_TRUE(std::isnan(variance_components({1, 3, {1, 2, 3}}).residual));
  EXPECT_TRUE(std::isnan(variance_components({3, 1, {1, 2, 3}}).residual));
  EXPECT_TRUE(std::isnan(variance_components({}).variance_of_mean));
  const VarianceComponents flat = variance_components({2, 2, {1, 1, 1, 1}});
  EXPECT_EQ(flat.residual, 0);
  EXPECT_TRUE(std::isnan(flat.seed_share));
}

TEST(Variance, SharesAndNegativeEstimates) {
  // Only subjects differ.
  const VarianceComponents subjects = variance_components({2, 3, {1, 2, 3, 1, 2, 3}});
  EXPECT_DOUBLE_EQ(subjects.subject, 1);
  EXPECT_DOUBLE_EQ(subjects.subject_share, 1);
  EXPECT_EQ(subjects.seed_share, 0);
  EXPECT_FALSE(subjects.subject_was_negative);
  // Seed and subject means are all equal: both estimates are below 0.
  const VarianceComponents mixed = variance_components({2, 2, {1, 2, 2, 1}});
  EXPECT_TRUE(mixed.seed_was_negative);
  EXPECT_TRUE(mixed.subject_was_negative);
  EXPECT_EQ(mixed.seed, 0);
  EXPECT_EQ(mixed.residual_share, 1);
}

TEST(Variance, WhatWouldHalveAnInterval) {
  for (const std::int64_t n : {2, 3, 5, 10, 24, 100}) {
    const auto width = [](std::int64_t of) {
      return student_quantile(0.975, static_cast<double>(of - 1)) /
             std::sqrt(static_cast<double>(of));
    };
    const std::int64_t enough = replicates_to_halve(n);
    EXPECT_LE(width(enough), width(n) / 2);
    EXPECT_GT(width(enough - 1), width(n) / 2);
  }
  EXPECT_EQ(replicates_to_halve(1), 0);
  VarianceComponents parts;
  parts.seeds = 2;
  parts.subject = 1;
  parts.residual = 8;  // now 1 + 8/2 = 5; a quarter, 1.25, is reached with 8/32
  EXPECT_EQ(seeds_to_halve_new_subject(parts), 32);
  parts.subject = 2;  // now 6; a quarter is 1.5 < 2
  EXPECT_EQ(seeds_to_halve_new_subject(parts), 0);
  EXPECT_EQ(seeds_to_halve_new_subject({}), 0);
}

TEST(Crossed, AddsTheSeedsToTheSubjects) {
  const ScoreTable table(2, 3, {0.50, 0.61, 0.69, 0.58, 0.70, 0.80});
  const VarianceComponents parts = variance_components(table);
  ASSERT_GT(parts.ms_seed, parts.ms_error);
  const double sum = parts.ms_seed + parts.ms_subject - parts.ms_error;
  const MeanInterval own = crossed_interval(table);
  EXPECT_DOUBLE_EQ(own.standard_error, std::sqrt(sum / 6));
  EXPECT_DOUBLE_EQ(
      own.df, sum * sum /
                  (parts.ms_seed * parts.ms_seed / 1 + parts.ms_subject * parts.ms_subject / 2 +
                   parts.ms_error * parts.ms_error / 2));
  EXPECT_GT(own.standard_error, new_subject_interval(table).standard_error);
  EXPECT_DOUBLE_EQ(own.mean, table.mean());
  // Seeds that differ less than chance would have it, and a single one, add nothing.
  for (const ScoreTable& other : {ScoreTable(2, 3, {1, 2, 4, 2, 1, 4}), ScoreTable(1, 2, {1, 2})}) {
    EXPECT_EQ(crossed_interval(other).upper, new_subject_interval(other).upper);
  }
  EXPECT_TRUE(std::isnan(crossed_interval({3, 1, {1, 2, 3}}).lower));
}

double accuracy(const Confusion& confusion) { return scores(confusion).accuracy; }

TEST(Pooled, PseudoValuesOfAMeanAreItsParts) {
  std::vector<Confusion> cells(6, Confusion(2));
  ConfusionTable table{2, 3, {}};
  std::vector<double> accuracies;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const auto right = static_cast<std::int64_t>(i * 3 % 7);
    cells[i].add(0, 0, right);
    cells[i].add(1, 0, 8 - right);
    accuracies.push_back(static_cast<double>(right) / 8);
    table.cells.push_back(&cells[i]);
  }
  const ScoreTable pseudo = pseudo_values(table, accuracy);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(pseudo.values()[i], accuracies[i], 1e-15);
  EXPECT_NEAR(pooled_scores(table, accuracy)[1], ScoreTable(2, 3, accuracies).seed_means()[1],
              1e-15);
  // One subject, and a seed without a score.
  EXPECT_EQ(pseudo_values({2, 1, {&cells[0], &cells[1]}}, accuracy).seeds(), 0u);
  const Confusion nothing(2);
  EXPECT_EQ(pseudo_values({1, 2, {&nothing, &nothing}}, accuracy).seeds(), 0u);
  EXPECT_TRUE(std::isnan(pooled_scores({1, 2, {&nothing, &nothing}}, accuracy)[0]));
}

TEST(PairedTests, DegenerateDifferences) {
  const std::vector<double> zeros{0, 0, 0}, equal{0.5, 0.5, 0.5}, one{0.5};
  EXPECT_EQ(paired_t(zeros).p, 1);
  EXPECT_EQ(paired_t(zeros).statistic, 0);
  EXPECT_EQ(paired_t(equal).statistic, kInfinity);
  EXPECT_EQ(paired_t(equal).p, 0);
  EXPECT_TRUE(std::isnan(paired_t(one).p));
  EXPECT_EQ(wilcoxon(zeros).p, 1);
  EXPECT_EQ(wilcoxon(equal).p, 0.25);  // 2 / 2^3
  EXPECT_EQ(sign_test(zeros).p, 1);
  EXPECT_EQ(sign_test(equal).p, 0.25);
  EXPECT_EQ(sign_test(one).p, 1);
  EXPECT_EQ(correlated_posterior(zeros, 0.5, 0.01).within, 1);
  EXPECT_EQ(correlated_posterior(equal, 0.5, 0.01).above, 1);
  EXPECT_TRUE(std::isnan(correlated_posterior(one, 0.5, 0.01).within));
}

TEST(Ranks, TiesAndDegenerateTables) {
  EXPECT_EQ(midranks(std::vector<double>{3, 1, 3, 2}), (std::vector<double>{3.5, 1, 3.5, 2}));
  EXPECT_TRUE(midranks({}).empty());
  EXPECT_TRUE(std::isnan(rank_test(std::vector<double>{1, 2}, 2).chi2));  // one subject
  const RankTest tied = rank_test(std::vector<double>{1, 1, 1, 1}, 2);
  EXPECT_EQ(tied.chi2, 0);
  EXPECT_EQ(tied.chi2_p, 1);
  EXPECT_EQ(tied.f_p, 1);
  const RankTest alike = rank_test(std::vector<double>{1, 2, 3, 4, 5, 6}, 2);
  EXPECT_EQ(alike.mean_ranks, (std::vector<double>{2, 1}));
  EXPECT_EQ(alike.f, kInfinity);
  EXPECT_EQ(alike.f_p, 0);
  EXPECT_ANY_THROW(rank_test(std::vector<double>{1, 2, 3}, 2));
  const auto adjusted = holm(std::vector<double>{0.01, kUndefined, 0.03});
  EXPECT_DOUBLE_EQ(adjusted[0], 0.02);
  EXPECT_TRUE(std::isnan(adjusted[1]));
  EXPECT_DOUBLE_EQ(adjusted[2], 0.03);
}

TEST(Power, GrowsWithDifferencesAndEffect) {
  EXPECT_EQ(pairs_needed(0), 0);
  EXPECT_EQ(pairs_needed(kUndefined), 0);
  EXPECT_EQ(pairs_needed(1e-9), 0);
  EXPECT_EQ(pairs_needed(kInfinity), 2);
  EXPECT_EQ(pairs_needed_for_probability(0.5), 0);
  EXPECT_TRUE(std::isnan(paired_t_power(1, 1, 0.05)));
  EXPECT_NEAR(paired_t_power(0, 10, 0.05), 0.05, 1e-12);
  for (const double d : {0.02, 0.3, 1.7}) {
    const std::int64_t n = pairs_needed(d);
    EXPECT_GE(paired_t_power(d, n, 0.05), 0.8);
    EXPECT_LT(paired_t_power(d, n - 1, 0.05), 0.8);
  }
}

TEST(Distributions, WhatHasNoValueIsNaN) {
  for (const double value :
       {student_cdf(1, 0), student_cdf(kUndefined, 3), student_quantile(1.5, 3),
        normal_cdf(kUndefined), normal_quantile(-0.1), chi_squared_tail(1, -1), f_tail(1, 0, 3),
        f_tail(kUndefined, 1, 3), noncentral_t_cdf(1, 3, kInfinity), fair_coin_cdf(1, -1)}) {
    EXPECT_TRUE(std::isnan(value));
  }
  EXPECT_EQ(student_quantile(1, 4), kInfinity);
  EXPECT_EQ(normal_quantile(0), -kInfinity);
  EXPECT_EQ(student_two_sided(-kInfinity, 4), 0);
  EXPECT_EQ(f_tail(kInfinity, 1, 3), 0);
  EXPECT_EQ(chi_squared_tail(-1, 3), 1);
  EXPECT_EQ(noncentral_t_cdf(kInfinity, 3, 1), 1);
  EXPECT_EQ(fair_coin_cdf(-1, 3), 0);
  EXPECT_EQ(fair_coin_cdf(3, 3), 1);
}

TEST(Comparing, SwappingTurnsEverythingRound) {
  const ScoreTable a(2, 4, {0.6, 0.7, 0.5, 0.8, 0.61, 0.72, 0.5, 0.79});
  const ScoreTable b(2, 4, {0.5, 0.65, 0.52, 0.7, 0.55, 0.66, 0.51, 0.71});
  const Comparison one = compare(a, b, {}), other = compare(b, a, {});
  EXPECT_DOUBLE_EQ(one.difference.mean, a.mean() - b.mean());
  EXPECT_DOUBLE_EQ(one.difference.mean, -other.difference.mean);
  EXPECT_DOUBLE_EQ(one.crossed.p, other.crossed.p);
  EXPECT_DOUBLE_EQ(one.signed_rank.p, other.signed_rank.p);
  EXPECT_DOUBLE_EQ(one.better.probability, 1 - other.better.probability);
  EXPECT_DOUBLE_EQ(one.posterior.above, other.posterior.below);
  EXPECT_EQ(one.subjects_better, other.subjects_worse);
  EXPECT_EQ(one.subjects_needed, other.subjects_needed);
  EXPECT_DOUBLE_EQ(one.cliffs_delta, -other.cliffs_delta);
  const Comparison same = compare(a, a, {});
  EXPECT_EQ(same.crossed.p, 1);
  EXPECT_EQ(same.subjects_better + same.subjects_worse, 0);
  EXPECT_EQ(same.seeds_needed, 0);
  EXPECT_TRUE(std::isnan(compare({}, {}, {}).difference.mean));
  EXPECT_TRUE(std::isnan(compare({1, 1, {1}}, {1, 1, {2}}, {}).crossed.p));
}

TEST(RegressionSums, DegenerateAndFarFromZero) {
  EXPECT_TRUE(std::isnan(scores(RegressionSums()).mae));
  RegressionSums constant = regression_sums(std::vector<double>{1, 1}, std::vector<double>{2, 2});
  EXPECT_TRUE(std::isnan(scores(constant).pearson));
  EXPECT_EQ(scores(constant).ccc, 0);
  EXPECT_TRUE(
      std::isnan(scores(regression_sums(std::vector<double>{1}, std::vector<double>{1})).ccc));
  const std::vector<double> truth{1e9, 1e9 + 1, 1e9 + 2}, predicted{1e9, 1e9 + 1, 1e9 + 4};
  EXPECT_NEAR(scores(regression_sums(truth, predicted)).pearson, 4 / std::sqrt(2 * 26.0 / 3), 1e-9);
  EXPECT_ANY_THROW(regression_sums(truth, std::vector<double>{1}));
}

TEST(Calibration, BinsAndChecks) {
  Calibration calibration;
  EXPECT_TRUE(std::isnan(expected_calibration_error(calibration)));
  EXPECT_TRUE(std::isnan(brier_score(calibration)));
  const std::vector<std::int32_t> truth{0, 1}, predicted{0, 0};
  calibration.add(truth, predicted, std::vector<float>{1, 0, 1, 0}, 2);
  EXPECT_EQ(calibration.bins[14].rows, 2);
  EXPECT_EQ(calibration.bins[14].right, 1);
  EXPECT_DOUBLE_EQ(expected_calibration_error(calibration), 0.5);
  EXPECT_DOUBLE_EQ(brier_score(calibration), 1);  // 0 and 2
  EXPECT_ANY_THROW(calibration.add(truth, predicted, std::vector<float>{1, 0}, 2));
  EXPECT_ANY_THROW(calibration.add(truth, predicted, std::vector<float>(2, 1), 1));
}

}  // namespace
}  // namespace emosweep::results
