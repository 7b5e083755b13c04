// results/statistics/ and the metrics against SciPy, statsmodels, scikit-learn and NumPy:
// tests/fixtures/statistics.json.
#include "numbers.h"
#include "results/calibration.h"
#include "results/regression.h"
#include "results/statistics/distributions.h"
#include "results/statistics/effects.h"
#include "results/statistics/interval.h"
#include "results/statistics/paired_tests.h"
#include "results/statistics/pooled.h"
#include "results/statistics/power.h"
#include "results/statistics/profile.h"
#include "results/statistics/ranks.h"
#include "results/statistics/variance.h"

namespace emosweep::results {
namespace {

const nlohmann::json& peers(const char* part) { return fixture("statistics").at(part); }

double number(const nlohmann::json& json, const char* key) { return json.at(key).get<double>(); }

TEST(Peers, Descriptions) {
  for (const auto& expected : peers("descriptions")) {
    const auto values = numbers(expected.at("values"));
    const Description own = describe(values);
    expect_close(own.spread.mean, number(expected, "mean"), kClosed, "mean");
    expect_close({own.lower_quartile, own.median, own.upper_quartile}, expected.at("quartiles"),
                 kClosed, "quartiles");
    expect_close(own.minimum, number(expected, "min"), kClosed, "min");
    expect_close(own.maximum, number(expected, "max"), kClosed, "max");
    expect_close(own.mad, number(expected, "mad"), kClosed, "mad");
    expect_close(own.interquartile_mean, number(expected, "iqm"), kClosed, "iqm");
    if (expected.at("sd").is_null()) continue;
    expect_close(own.spread.sd, number(expected, "sd"), kClosed, "sd");
    const MeanInterval interval = t_interval(values);
    expect_close({interval.lower, interval.upper}, expected.at("t_interval"), kQuantile, "t");
  }
}

TEST(Peers, Distributions) {
  int seen = 0;
  for (const auto& row : peers("distributions")) {
    const auto name = row[0].get<std::string>();
    const double x = row[1], df = row[2], more = row[3];
    const double own = name == "student_quantile"   ? student_quantile(x, df)
                       : name == "student_cdf"      ? student_cdf(x, df)
                       : name == "chi_squared_tail" ? chi_squared_tail(x, df)
                       : name == "f_tail"           ? f_tail(x, df, more)
                       : name == "noncentral_t_cdf" ? noncentral_t_cdf(x, df, more)
                       : name == "normal_quantile"  ? normal_quantile(x)
                                                    : normal_cdf(x);
    expect_close(own, row[4].get<double>(), kQuantile, row.dump());
    ++seen;
  }
  EXPECT_EQ(seen, 6 * 17 + 15 + 9);
}

TEST(Peers, MeanSquares) {
  for (const auto& expected : peers("tables")) {
    const VarianceComponents own = variance_components(table_of(expected.at("scores")));
    // statsmodels solves a least-squares problem for them: not better than this.
    expect_close(own.ms_seed, number(expected, "ms_seed"), 1e-9, "ms_seed");
    expect_close(own.ms_subject, number(expected, "ms_subject"), 1e-9, "ms_subject");
    expect_close(own.ms_error, number(expected, "ms_error"), 1e-9, "ms_error");
  }
}

TEST(Peers, PairedTests) {
  for (const auto& expected : peers("paired")) {
    const auto differences = numbers(expected.at("differences"));
    const std::string n = " of " + std::to_string(differences.size());
    const TestResult t = paired_t(differences);
    expect_close(t.statistic, number(expected, "t"), kClosed, "t" + n);
    expect_close(t.p, number(expected, "p"), kQuantile, "p" + n);
    const TestResult w = wilcoxon(differences);
    expect_close(w.statistic, number(expected, "W"), kClosed, "W" + n);
    expect_close(w.p, number(expected, "W_p"), differences.size() > 100 ? kQuantile : kClosed,
                 "W p" + n);
    const TestResult sign = sign_test(differences);
    EXPECT_EQ(sign.statistic, number(expected, "above"));
    expect_close(sign.p, number(expected, "sign_p"), kQuantile, "sign p" + n);
    const double ratio = number(expected, "ratio");
    const TestResult corrected = corrected_t(differences, ratio);
    expect_close(corrected.statistic, number(expected, "corrected_t"), kClosed, "corrected" + n);
    expect_close(corrected.p, number(expected, "corrected_p"), kQuantile, "corrected p" + n);
    const Posterior own = correlated_posterior(differences, ratio, number(expected, "rope"));
    expect_close(own.below, number(expected, "below_rope"), kQuantile, "below" + n);
    expect_close(own.above, number(expected, "above_rope"), kQuantile, "above" + n);
    EXPECT_DOUBLE_EQ(own.below + own.within + own.above, 1);
  }
}

TEST(Peers, RankTests) {
  for (const auto& expected : peers("ranked")) {
    const auto& scores = expected.at("scores");
    const RankTest own = rank_test(flat(scores), scores[0].size());
    expect_close(own.mean_ranks, expected.at("mean_ranks"), kClosed, "mean ranks");
    expect_close(own.chi2, number(expected, "chi2"), kClosed, "chi2");
    expect_close(own.chi2_p, number(expected, "chi2_p"), kQuantile, "chi2 p");
    expect_close(own.f, number(expected, "f"), kClosed, "F");
    expect_close(own.f_p, number(expected, "f_p"), kQuantile, "F p");
  }
  for (const auto& expected : peers("adjusted")) {
    expect_close(holm(numbers(expected.at("p"))), expected.at("adjusted"), kClosed, "holm");
  }
}

TEST(Peers, Power) {
  for (const auto& expected : peers("power").at("paired_t")) {
    const double d_z = expected.at("d_z");
    if (expected.contains("needed")) {
      EXPECT_EQ(pairs_needed(d_z), expected.at("needed")) << d_z;
      EXPECT_EQ(pairs_needed(-d_z), expected.at("needed")) << d_z;
    } else {
      expect_close(paired_t_power(d_z, expected.at("n"), 0.05), number(expected, "power"),
                   kQuantile, expected.dump());
    }
  }
  for (const auto& expected : peers("power").at("noether")) {
    const PowerOptions options{0.05, number(expected, "power")};
    EXPECT_EQ(pairs_needed_for_probability(number(expected, "probability"), options),
              expected.at("needed"));
  }
}

TEST(Peers, Effects) {
  for (const auto& expected : peers("deltas")) {
    expect_close(cliffs_delta(numbers(expected.at("a")), numbers(expected.at("b"))),
                 number(expected, "delta"), kClosed, "delta");
  }
  const auto& best = peers("best_of");
  const auto scores = numbers(best.at("scores"));
  expect_close(expected_best(scores, Draw::with_replacement), best.at("with_replacement"), kClosed,
               "with replacement");
  expect_close(expected_best(scores, Draw::without_replacement), best.at("without_replacement"),
               kClosed, "without replacement");
}

TEST(Peers, Classification) {
  for (const auto& expected : peers("classes")) {
    const Scores own = scores(confusion_of(expected.at("confusion")));
    expect_close(own.accuracy, number(expected, "accuracy"), kClosed, "accuracy");
    expect_close(own.macro_f1, number(expected, "macro_f1"), kClosed, "macro_f1");
    expect_close(own.macro_f1_occurring, number(expected, "macro_f1_occurring"), kClosed,
                 "macro_f1_occurring");
    expect_close(own.weighted_f1, number(expected, "weighted_f1"), kClosed, "weighted_f1");
    expect_close(own.f1_of_means, number(expected, "f1_of_means"), kClosed, "f1_of_means");
    expect_close(own.uar, number(expected, "uar"), kClosed, "uar");
    expect_close(own.mcc, number(expected, "mcc"), kClosed, "mcc");
    expect_close(own.kappa, number(expected, "kappa"), kClosed, "kappa");
    expect_close(own.kappa_quadratic, number(expected, "kappa_quadratic"), kClosed, "quadratic");
  }
}

double macro_f1(const Confusion& confusion) { return scores(confusion).macro_f1; }

TEST(Peers, PooledScoresAndTheirJackknife) {
  const auto& expected = peers("pooled");
  std::vector<Confusion> cells;
  ConfusionTable table{expected.at("confusion").size(), expected.at("confusion")[0].size(), {}};
  for (const auto& seed : expected.at("confusion")) {
    for (const auto& subject : seed) cells.push_back(confusion_of(subject));
  }
  for (const auto& cell : cells) table.cells.push_back(&cell);
  const auto whole = pooled_scores(table, macro_f1);
  expect_close(whole, expected.at("pooled"), kClosed, "pooled");
  const ScoreTable own = pseudo_values(table, macro_f1);
  expect_close(own.seed_means(), expected.at("pooled"), kClosed, "means of pseudo-values");
  const auto without = flat(expected.at("without"));
  for (std::size_t i = 1; i < without.size(); ++i) {  // differences of pseudo-values of one seed
    if (i % own.subjects() == 0) continue;
    expect_close(own.values()[i - 1] - own.values()[i],
                 static_cast<double>(own.subjects() - 1) * (without[i] - without[i - 1]), 1e-11,
                 "pseudo-value");
  }
  const MeanInterval interval = new_subject_interval(own);
  expect_close(interval.standard_error, number(expected, "standard_error"), 1e-11, "error");
  expect_close({interval.lower, interval.upper}, expected.at("interval"), kQuantile, "interval");
}

TEST(Peers, Regression) {
  const auto& expected = peers("regression");
  const auto truth = numbers(expected.at("truth")), predicted = numbers(expected.at("predicted"));
  RegressionSums sums = regression_sums(std::span(truth).first(11), std::span(predicted).first(11));
  sums += regression_sums(std::span(truth).subspan(11), std::span(predicted).subspan(11));
  const RegressionScores own = scores(sums);
  expect_close(own.mae, number(expected, "mae"), kClosed, "mae");
  expect_close(own.rmse, number(expected, "rmse"), kClosed, "rmse");
  expect_close(own.pearson, number(expected, "pearson"), kClosed, "pearson");
  expect_close(own.ccc, number(expected, "ccc"), kClosed, "ccc");
}

TEST(Peers, Calibration) {
  const auto& expected = peers("calibration");
  const auto truth = expected.at("truth").get<std::vector<std::int32_t>>();
  const auto predicted = expected.at("predicted").get<std::vector<std::int32_t>>();
  std::vector<float> probability;
  for (const double p : flat(expected.at("probability"))) {
    probability.push_back(static_cast<float>(p));
  }
  Calibration own, rest;
  const std::size_t cut = 70;
  own.add(std::span(truth).first(cut), std::span(predicted).first(cut),
          std::span(probability).first(cut * 4), 4);
  rest.add(std::span(truth).subspan(cut), std::span(predicted).subspan(cut),
           std::span(probability).subspan(cut * 4), 4);
  own += rest;
  EXPECT_EQ(own.rows(), 200);
  expect_close(expected_calibration_error(own), number(expected, "ece"), kClosed, "ece");
  expect_close(brier_score(own), number(expected, "brier"), kClosed, "brier");
}

}  // namespace
}  // namespace emosweep::results
