// The bootstrap and what rests on it.
#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

#include "results/statistics/bootstrap.h"
#include "results/statistics/effects.h"
#include "results/statistics/profile.h"

namespace emosweep::results {
namespace {

ScoreTable small() {  // 4 seeds, 6 subjects
  std::vector<double> values;
  for (int i = 0; i < 24; ++i) values.push_back(0.5 + 0.03 * (i % 6) + 0.01 * ((i * 7) % 5));
  return {4, 6, values};
}

BootstrapOptions with(Resampling resampling, std::int64_t replicates = 500) {
  BootstrapOptions options;
  options.resampling = resampling;
  options.replicates = replicates;
  return options;
}

TEST(Bootstrap, IsTheSameForAnyNumberOfThreads) {
  for (const auto resampling : {Resampling::stratified, Resampling::two_way}) {
    BootstrapOptions options = with(resampling);
    const auto alone = bootstrap_means(small(), "x", options);
    EXPECT_EQ(alone.size(), 500u);
    for (const int threads : {2, 3, 7, 1000}) {
      options.threads = threads;
      EXPECT_EQ(bootstrap_means(small(), "x", options), alone);
    }
    EXPECT_NE(bootstrap_means(small(), "y", options), alone);
    options.seed = 1;
    EXPECT_NE(bootstrap_means(small(), "x", options), alone);
  }
}

TEST(Bootstrap, MoreReplicatesExtendFewer) {
  const auto some = bootstrap_means(small(), "x", with(Resampling::two_way, 100));
  const auto more = bootstrap_means(small(), "x", with(Resampling::two_way, 150));
  EXPECT_TRUE(std::equal(some.begin(), some.end(), more.begin()));
}

TEST(Bootstrap, StratifiedKeepsSubjectsAndTwoWayKeepsTheCross) {
  std::vector<bool> seed_seen(4), subject_seen(6);
  bootstrap(4, 6, "x", with(Resampling::stratified), [&](Resampled cells) {
    EXPECT_EQ(cells.size(), 24u);
    for (std::size_t i = 0; i < cells.size(); ++i) EXPECT_EQ(cells[i] % 6, i % 6);
    return 0.0;
  });
  bool rows_differ = false;
  bootstrap(4, 6, "x", with(Resampling::two_way), [&](Resampled cells) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      EXPECT_EQ(cells[i] / 6, cells[i / 6 * 6] / 6);  // one seed a row
      EXPECT_EQ(cells[i] % 6, cells[i % 6] % 6);      // one subject a column
      seed_seen[cells[i] / 6] = subject_seen[cells[i] % 6] = true;
      rows_differ = rows_differ || cells[i] / 6 != cells[0] / 6;
    }
    return 0.0;
  });
  EXPECT_TRUE(rows_differ);
  EXPECT_EQ(std::count(seed_seen.begin(), seed_seen.end(), true), 4);
  EXPECT_EQ(std::count(subject_seen.begin(), subject_seen.end(), true), 6);
}

// The mean's variance when every subject's seeds are drawn anew: sum over subjects of the
// population variance over seeds / S, over G^2.
TEST(Bootstrap, VarianceOfTheMeanIsThatOfTheDesign) {
  const ScoreTable table = small();
  double expected = 0;
  for (std::size_t g = 0; g < 6; ++g) {
    const double mean = table.subject_means()[g];
    for (std::size_t s = 0; s < 4; ++s) {
      expected += (table.at(s, g) - mean) * (table.at(s, g) - mean) / 4 / 4 / 36;
    }
  }
  const Spread spread = spread_of(bootstrap_means(table, "x", with(Resampling::stratified, 20000)));
  EXPECT_NEAR(spread.sd * spread.sd / expected, 1, 0.05);  // its error is 1 %
  EXPECT_NEAR(spread.mean, table.mean(), 5 * std::sqrt(expected / 20000));
}

TEST(Bootstrap, EmptyTablesAndErrors) {
  EXPECT_TRUE(bootstrap_means({}, "x", {}).empty());
  EXPECT_TRUE(std::isnan(percentile_interval({}, 0.95).lower));
  BootstrapOptions options;
  options.threads = 3;
  const auto fail = [](Resampled) -> double { throw std::runtime_error("no"); };
  EXPECT_THROW(bootstrap(2, 2, "x", options, fail), std::runtime_error);
  options.threads = 0;
  EXPECT_ANY_THROW(bootstrap_means(small(), "x", options));
}

TEST(Bootstrap, PercentileInterval) {
  std::vector<double> replicates;
  for (int i = 100; i >= 0; --i) replicates.push_back(i);
  replicates.push_back(kUndefined);
  const Interval interval = percentile_interval(replicates, 0.9);
  EXPECT_DOUBLE_EQ(interval.lower, 5);
  EXPECT_DOUBLE_EQ(interval.upper, 95);
}

TEST(Profile, SharesFallAndLieInTheirBands) {
  const std::vector<double> thresholds{0.4, 0.55, 0.6, 0.65, 0.9};
  const auto points = performance_profile(small(), thresholds, 0.95, {});
  ASSERT_EQ(points.size(), 5u);
  EXPECT_EQ(points[0].share, 1);
  EXPECT_EQ(points[0].band.lower, 1);
  EXPECT_EQ(points[4].share, 0);
  EXPECT_EQ(points[4].band.upper, 0);
  for (std::size_t i = 1; i < points.size(); ++i) {
    EXPECT_LE(points[i].share, points[i - 1].share);
    EXPECT_LE(points[i].band.lower, points[i - 1].band.lower);
    EXPECT_LE(points[i].band.upper, points[i - 1].band.upper);
    EXPECT_LE(points[i].band.lower, points[i].share);
    EXPECT_GE(points[i].band.upper, points[i].share);
  }
  EXPECT_LT(points[2].band.lower, points[2].band.upper);
}

TEST(Improvement, CountsTiesHalfAndJudgesByTheInterval) {
  const Improvement all = improvement({2, 3, {1, 1, 1, 1, 1, 1}}, 0.95, {});
  EXPECT_EQ(all.probability, 1);
  EXPECT_EQ(all.verdict, Verdict::meaningful);
  const Improvement tied = improvement({2, 2, {0, 0, 0, 0}}, 0.95, {});
  EXPECT_EQ(tied.probability, 0.5);
  EXPECT_EQ(tied.verdict, Verdict::no_evidence);
  EXPECT_EQ(improvement({1, 4, {1, 0, -1, 1}}, 0.95, {}).probability, 2.5 / 4);
  EXPECT_EQ(verdict_of({0.5, 0.9}), Verdict::no_evidence);
  EXPECT_EQ(verdict_of({0.51, 0.75}), Verdict::not_meaningful);
  EXPECT_EQ(verdict_of({0.51, 0.76}), Verdict::meaningful);
  EXPECT_EQ(verdict_of({}), Verdict::no_evidence);
  EXPECT_EQ(improvement({}, 0.95, {}).verdict, Verdict::no_evidence);
}

}  // namespace
}  // namespace emosweep::results
