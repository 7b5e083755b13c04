// The functions of results/statistics/ against values computed elsewhere:
// tests/fixtures/golden_stats.json.
#include "numbers.h"
#include "results/regression.h"
#include "results/statistics/compare.h"
#include "results/statistics/effects.h"
#include "results/statistics/interval.h"
#include "results/statistics/paired_tests.h"
#include "results/statistics/profile.h"
#include "results/statistics/ranks.h"
#include "results/statistics/variance.h"

namespace emosweep::results {
namespace {

const nlohmann::json& golden() { return fixture("golden_stats"); }

class GoldenTable : public testing::TestWithParam<const char*> {
 protected:
  ScoreTable table = table_of(golden().at(GetParam()));
  const nlohmann::json& expected = golden().at(std::string("summary_") + GetParam());
  void close(double ours, const char* key, double tolerance = kClosed) const {
    expect_close(ours, expected.at(key).get<double>(), tolerance, key);
  }
};

TEST_P(GoldenTable, Descriptive) {
  const Description cells = describe(table.values());
  close(cells.spread.mean, "mean");
  close(cells.spread.sd, "sd_cells");
  close(cells.median, "median");
  close(cells.interquartile_mean, "iqm");
  close(cells.minimum, "min");
  close(cells.maximum, "max");
  expect_close(table.seed_means(), expected.at("seed_means"), kClosed, "seed_means");
  expect_close(table.subject_means(), expected.at("fold_means"), kClosed, "fold_means");
  close(spread_of(table.seed_means()).sd, "sd_seed_means");
  close(spread_of(table.subject_means()).sd, "sd_fold_means");
  std::vector<double> sorted(table.values().begin(), table.values().end());
  std::sort(sorted.begin(), sorted.end());
  for (const auto& [p, value] : expected.at("quantiles_linear").items()) {
    expect_close(quantile(sorted, std::stod(p)), value.get<double>(), kClosed, "quantile " + p);
  }
}

TEST_P(GoldenTable, Intervals) {
  const MeanInterval rerun = rerun_interval(table), subject = new_subject_interval(table);
  expect_close({rerun.lower, rerun.upper}, expected.at("ci_seed_t"), kQuantile, "ci_seed_t");
  expect_close({subject.lower, subject.upper}, expected.at("ci_fold_t"), kQuantile, "ci_fold_t");
}

TEST_P(GoldenTable, VarianceComponents) {
  const VarianceComponents parts = variance_components(table);
  close(parts.ms_seed, "MS_seed");
  close(parts.ms_subject, "MS_fold");
  close(parts.ms_error, "MS_err");
  close(parts.seed, "var_seed");
  close(parts.subject, "var_fold");
  close(parts.residual, "var_err");
  close(parts.variance_of_mean, "var_mean_crossed");
}

INSTANTIATE_TEST_SUITE_P(Conditions, GoldenTable, testing::Values("A", "B"),
                         [](const auto& of) { return std::string(of.param); });

TEST(Golden, Comparison) {
  const auto& expected = golden().at("compare_A_B");
  const Comparison own = compare(table_of(golden().at("A")), table_of(golden().at("B")), {});
  const auto close = [&](double ours, const char* key, double tolerance) {
    expect_close(ours, expected.at(key).get<double>(), tolerance, key);
  };
  expect_close(own.by_subject, expected.at("fold_diff"), kClosed, "fold_diff");
  close(own.paired.statistic, "paired_t", kClosed);
  close(own.paired.p, "paired_p_two", kQuantile);
  close(own.corrected.statistic, "nb_t", kClosed);  // test over train 1 / 7, as under LOSO
  close(own.corrected.p, "nb_p_two", kQuantile);
  close(own.d_z, "cohen_dz", kClosed);
  close(own.cliffs_delta, "cliffs_delta_cells", kClosed);
  close(own.better.probability, "P_A_gt_B_paired", kClosed);
  const auto& signs = expected.at("wilcoxon_fold_means");
  expect_close(own.signed_rank.statistic, signs.at("W").get<double>(), kClosed, "W");
  expect_close(own.signed_rank.p, signs.at("p_exact_two").get<double>(), kClosed, "W p");
  const auto& bayes = expected.at("bayes_corr_t");
  EXPECT_EQ(bayes.at("rope"), CompareOptions{}.rope);
  expect_close(own.posterior.mean, bayes.at("mean").get<double>(), kClosed, "mean");
  expect_close(own.posterior.scale, bayes.at("scale").get<double>(), kClosed, "scale");
  expect_close(own.posterior.df, bayes.at("df").get<double>(), kClosed, "df");
  expect_close(own.posterior.below, bayes.at("p_left").get<double>(), kQuantile, "p_left");
  expect_close(own.posterior.above, bayes.at("p_right").get<double>(), kQuantile, "p_right");
  EXPECT_EQ(own.subjects_better, 7);
  EXPECT_EQ(own.subjects_worse, 1);
}

TEST(Golden, ManyConditions) {
  std::vector<ScoreTable> tables;
  for (const char* name : {"A", "B", "C"}) tables.push_back(table_of(golden().at(name)));
  std::vector<double> scores;
  for (std::size_t g = 0; g < tables[0].subjects(); ++g) {
    for (const auto& table : tables) scores.push_back(table.subject_means()[g]);
  }
  const auto& expected = golden().at("multi");
  const RankTest test = rank_test(scores, 3);
  expect_close(test.mean_ranks, expected.at("mean_ranks"), kClosed, "mean_ranks");
  expect_close(test.chi2, expected.at("friedman_chi2").get<double>(), kClosed, "chi2");
  expect_close(test.chi2_p, expected.at("friedman_p").get<double>(), kQuantile, "chi2 p");
  expect_close(test.f, expected.at("iman_davenport_F").get<double>(), kClosed, "F");
  expect_close(test.f_p, expected.at("iman_davenport_p").get<double>(), kQuantile, "F p");
  const auto& adjusted = golden().at("holm");
  expect_close(holm(numbers(adjusted.at("p"))), adjusted.at("adjusted"), kClosed, "holm");
}

TEST(Golden, ExpectedBest) {
  const auto& expected = golden().at("expected_max");
  const auto scores = numbers(expected.at("scores"));
  expect_close(expected_best(scores, Draw::with_replacement), expected.at("with_replacement"),
               kClosed, "with replacement");
  expect_close(expected_best(scores, Draw::without_replacement), expected.at("without_replacement"),
               kClosed, "without replacement");
}

TEST(Golden, Classification) {
  const auto& expected = golden().at("classification");
  Confusion confusion(static_cast<std::int64_t>(expected.at("labels").size()));
  for (std::size_t i = 0; i < expected.at("y").size(); ++i) {
    confusion.add(expected.at("y")[i].get<int>(), expected.at("p")[i].get<int>());
  }
  EXPECT_EQ(confusion.counts, confusion_of(expected.at("confusion")).counts);
  const Scores own = scores(confusion);
  const auto close = [&](double ours, const char* key) {
    expect_close(ours, expected.at(key).get<double>(), kClosed, key);
  };
  close(own.macro_f1, "macro_f1_all_labels");
  close(own.macro_f1_occurring, "macro_f1_default");
  close(own.weighted_f1, "weighted_f1");
  close(own.uar, "uar");
  close(own.accuracy, "acc");
  close(own.mcc, "mcc");
  close(own.kappa, "kappa");
  close(own.kappa_quadratic, "kappa_quadratic");
  EXPECT_EQ(own.undefined_f1, 1);
  const auto classes = class_scores(confusion);
  for (std::size_t k = 0; k < classes.size(); ++k) {
    expect_close(classes[k].f1, expected.at("f1")[k].get<double>(), kClosed, "f1");
  }
}

TEST(Golden, Regression) {
  const auto& expected = golden().at("regression");
  const auto own = scores(regression_sums(numbers(expected.at("y")), numbers(expected.at("p"))));
  expect_close(own.mae, expected.at("mae").get<double>(), kClosed, "mae");
  expect_close(own.pearson, expected.at("pearson").get<double>(), kClosed, "pearson");
  expect_close(own.ccc, expected.at("ccc_population").get<double>(), kClosed, "ccc");
}

}  // namespace
}  // namespace emosweep::results
