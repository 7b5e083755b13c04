#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "results/metrics.h"

namespace emosweep::results {
namespace {

Confusion of(std::int64_t classes, std::vector<std::int64_t> counts) {
  Confusion confusion(classes);
  confusion.counts = std::move(counts);
  return confusion;
}

struct Golden {
  Confusion confusion;
  double accuracy, macro_f1, weighted_f1, micro_f1, uar, mcc, kappa;
};

// Computed by scikit-learn 1.9.1 from the label pairs of each matrix: accuracy_score,
// f1_score(labels=all classes, zero_division=0; average macro, weighted, micro),
// balanced_accuracy_score, matthews_corrcoef, cohen_kappa_score.
std::vector<Golden> golden() {
  return {
      {of(3, {50, 3, 2, 4, 45, 6, 1, 7, 52}), 0.8647058823529412, 0.8646464646464646,
       0.8647058823529412, 0.8647058823529412, 0.8646464646464646, 0.7968831168831169,
       0.7968831168831169},
      // a class that is predicted, but never true
      {of(4, {10, 0, 2, 0, 3, 7, 0, 0, 0, 0, 0, 0, 1, 0, 0, 5}), 0.7857142857142857,
       0.6254627725215961, 0.8185931715343481, 0.7857142857142857, 0.7888888888888889,
       0.6864025490801687, 0.6744186046511628},
      // a class that is never predicted
      {of(3, {8, 2, 0, 1, 9, 0, 3, 3, 0}), 0.6538461538461539, 0.49242424242424243,
       0.5681818181818182, 0.6538461538461539, 0.5666666666666668, 0.47334240281537243, 0.4375},
      // one class predicted for all
      {of(2, {5, 0, 5, 0}), 0.5, 1.0 / 3, 1.0 / 3, 0.5, 0.5, 0, 0},
      // one class true for all, one neither true nor predicted
      {of(3, {4, 1, 0, 0, 0, 0, 0, 0, 0}), 0.8, 0.2962962962962963, 0.888888888888889, 0.8, 0.8, 0,
       0},
  };
}

TEST(Metrics, AgreeWithScikitLearn) {
  for (const auto& expected : golden()) {
    const Scores s = scores(expected.confusion);
    EXPECT_NEAR(s.accuracy, expected.accuracy, 1e-14);
    EXPECT_NEAR(s.macro_f1, expected.macro_f1, 1e-14);
    EXPECT_NEAR(s.weighted_f1, expected.weighted_f1, 1e-14);
    EXPECT_NEAR(s.micro_f1, expected.micro_f1, 1e-14);
    EXPECT_NEAR(s.uar, expected.uar, 1e-14);
    EXPECT_NEAR(s.mcc, expected.mcc, 1e-14);
    EXPECT_NEAR(s.kappa, expected.kappa, 1e-14);
  }
}

TEST(Metrics, ByHand) {
  // TP = 3, 1; class 0: FP 1, FN 1, F1 = 6/8; class 1: FP 1, FN 1, F1 = 2/4.
  const Scores s = scores(of(2, {3, 1, 1, 1}));
  EXPECT_DOUBLE_EQ(s.accuracy, 4.0 / 6);
  EXPECT_DOUBLE_EQ(s.macro_f1, (0.75 + 0.5) / 2);
  EXPECT_DOUBLE_EQ(s.weighted_f1, (0.75 * 4 + 0.5 * 2) / 6);
  EXPECT_DOUBLE_EQ(s.uar, (0.75 + 0.5) / 2);
  EXPECT_DOUBLE_EQ(s.mcc, (3 * 1 - 1 * 1) / 8.0);  // (TP TN - FP FN) / sqrt(4 * 4 * 2 * 2)
  EXPECT_DOUBLE_EQ(s.kappa, (4.0 / 6 - 20.0 / 36) / (1 - 20.0 / 36));
  EXPECT_EQ(s.undefined_f1, 0);
}

TEST(Metrics, UndefinedClassesAreCountedAndScoreZero) {
  const auto expected = golden()[1];
  EXPECT_EQ(scores(expected.confusion).undefined_f1, 0);
  EXPECT_EQ(scores(golden()[4].confusion).undefined_f1, 1);
  const auto classes = class_scores(expected.confusion);
  EXPECT_EQ(classes[2].f1, 0);
  EXPECT_EQ(classes[2].support, 0);
  EXPECT_DOUBLE_EQ(classes[0].precision, 10.0 / 14);
  EXPECT_DOUBLE_EQ(classes[0].recall, 10.0 / 12);
  EXPECT_DOUBLE_EQ(classes[3].f1, 10.0 / 11);
}

TEST(Metrics, NothingCountedIsNaN) {
  const Scores s = scores(Confusion(3));
  for (const double value :
       {s.accuracy, s.macro_f1, s.weighted_f1, s.micro_f1, s.uar, s.mcc, s.kappa}) {
    EXPECT_TRUE(std::isnan(value));
  }
  EXPECT_EQ(s.undefined_f1, 3);
  EXPECT_TRUE(std::isnan(scores(of(2, {7, 0, 0, 0})).kappa));
  EXPECT_EQ(scores(of(2, {7, 0, 0, 0})).mcc, 0);
}

TEST(Metrics, CountsBeyond32BitsDoNotOverflow) {
  const std::int64_t n = 4'000'000'000;
  const Scores s = scores(of(2, {3 * n, n, n, n}));
  EXPECT_NEAR(s.mcc, 0.25, 1e-15);
  EXPECT_NEAR(s.macro_f1, 0.625, 1e-15);
}

TEST(Metrics, ConfusionAddsAndChecks) {
  Confusion a(2), b(2), c(3);
  a.add(0, 1);
  a.add(1, 1, 3);
  b.add(0, 1, 4);
  a += b;
  EXPECT_EQ(a.counts, (std::vector<std::int64_t>{0, 5, 0, 3}));
  EXPECT_EQ(a.total(), 8);
  EXPECT_ANY_THROW(a.add(2, 0));
  EXPECT_ANY_THROW(a.add(0, -1));
  EXPECT_ANY_THROW(a += c);
}

TEST(Metrics, NamesHaveDefinitions) {
  const auto named = named_scores(golden()[0].confusion);
  std::vector<std::string> names;
  for (const auto& [name, value] : named) {
    names.push_back(name);
    EXPECT_FALSE(metric_definition(name).empty());
  }
  EXPECT_EQ(names, (std::vector<std::string>{"accuracy", "macro_f1", "weighted_f1", "uar", "mcc",
                                             "kappa"}));
  EXPECT_DOUBLE_EQ(named[1].second, scores(golden()[0].confusion).macro_f1);
  EXPECT_THROW(metric_definition("f1"), InputError);
}

}  // namespace
}  // namespace emosweep::results
