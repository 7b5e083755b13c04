#include <cmath>

#include "data/features.h"
#include "helpers.h"

namespace emosweep::data {
namespace {

// Rows in the order given; every modality's values row-major.
Dataset dataset(std::vector<Modality> modalities, std::vector<std::string> subjects) {
  Dataset d;
  d.name = "made";
  d.target.classes = {"x", "y"};
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    d.id.push_back(std::to_string(i));
    d.label.push_back(static_cast<std::int32_t>(i % 2));
    d.row.push_back(static_cast<std::int64_t>(i));
  }
  d.groups.push_back({"subject", std::move(subjects)});
  for (Modality& m : modalities) {
    m.kind = "features";
    m.width = static_cast<std::int64_t>(m.columns.size());
    for (std::size_t i = 0; i < m.values.size() / m.columns.size(); ++i) {
      bool any = false;
      for (std::size_t c = 0; c < m.columns.size(); ++c)
        any = any || !std::isnan(m.values[i * m.columns.size() + c]);
      m.present.push_back(any ? 1 : 0);
    }
  }
  d.modalities = std::move(modalities);
  return d;
}

const double N = kMissing;

Dataset one(std::vector<std::string> columns, std::vector<double> values,
            std::vector<std::string> subjects) {
  return dataset({{"m", "", std::move(columns), 0, std::move(values), {}}}, std::move(subjects));
}

// scikit-learn's make_pipeline(SimpleImputer(strategy="mean"), StandardScaler()) fitted on rows 0
// to 3, worked out: column a: 1 2 3 6      mean 3, deviations 4+1+0+9 = 14 over 4 rows ->
// variance 3.5 column b: 2 - 4 -      mean 3, imputed 2 3 4 3: 1+0+1+0 = 2 over 4 rows -> variance
// .5 (not 1: impute, then scale)
TEST(Scalers, TrainEqualsImputeThenStandardise) {
  const Dataset d =
      one({"a", "b"}, {1, 2, 2, N, 3, 4, 6, N, 10, N, N, 5}, {"1", "1", "2", "2", "3", "3"});
  const std::vector<std::int32_t> train{0, 1, 2, 3};
  const PrepareOptions options{{"m"}, Normalise::train, ""};
  const Fitted fitted = fit_scalers(d, train, options);
  ASSERT_EQ(fitted.scalers.size(), 1u);
  const Scaler& s = fitted.scalers[0];
  EXPECT_DOUBLE_EQ(s.mean[0], 3);
  EXPECT_DOUBLE_EQ(s.mean[1], 3);
  EXPECT_DOUBLE_EQ(s.scale[0], 1 / std::sqrt(3.5));
  EXPECT_DOUBLE_EQ(s.scale[1], 1 / std::sqrt(.5));
  EXPECT_TRUE(fitted.warnings.empty());
  const auto m = apply_scalers(d, fitted, options);
  const std::vector<double> expected{-2 / std::sqrt(3.5),
                                     -1 / std::sqrt(.5),
                                     -1 / std::sqrt(3.5),
                                     0,
                                     0,
                                     1 / std::sqrt(.5),
                                     3 / std::sqrt(3.5),
                                     0,
                                     7 / std::sqrt(3.5),
                                     0,
                                     0,
                                     2 / std::sqrt(.5)};
  ASSERT_EQ(m[0].values.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_DOUBLE_EQ(m[0].values[i], expected[i]) << i;
  EXPECT_EQ(m[0].rows, 6);
  EXPECT_EQ(m[0].width, 2);
}

// Values far from zero, where E[x^2] - mean^2 would lose everything.
TEST(Scalers, KeepTheirDigitsFarFromZero) {
  const Dataset d = one({"a"}, {1e9 + 1, 1e9 + 2, 1e9 + 3, 1e9 + 4}, {"1", "1", "2", "2"});
  const Fitted fitted =
      fit_scalers(d, std::vector<std::int32_t>{0, 1, 2, 3}, {{"m"}, Normalise::train, ""});
  EXPECT_DOUBLE_EQ(fitted.scalers[0].scale[0], 1 / std::sqrt(1.25));
}

TEST(Scalers, ConstantAndMissingColumnsBecomeZeroWithAWarning) {
  const Dataset d =
      one({"c", "m", "x"}, {.1, N, 1, .1, N, 2, .1, N, 3, 7, 8, 9}, {"1", "1", "2", "2"});
  const std::vector<std::int32_t> train{0, 1, 2};
  for (const Normalise mode : {Normalise::train, Normalise::none, Normalise::group}) {
    const PrepareOptions options{{"m"}, mode, "subject"};
    const Fitted fitted = fit_scalers(d, train, options);
    EXPECT_EQ(fitted.scalers[0].scale[1], 0);
    const auto m = apply_scalers(d, fitted, options);
    EXPECT_EQ(m[0].values[10], 0);           // never seen in training
    if (mode == Normalise::group) continue;  // .1 and 7 of subject 2 do differ
    EXPECT_EQ(fitted.scalers[0].scale[0], 0);
    EXPECT_EQ(m[0].values[9], 0);
    ASSERT_EQ(fitted.warnings.size(), 2u);
    EXPECT_EQ(fitted.warnings[0],
              "modality 'm': 1 column is all missing in training and becomes 0: m");
    EXPECT_EQ(fitted.warnings[1],
              "modality 'm': 1 column is constant in training and becomes 0: c");
  }
}

TEST(Scalers, RowsWithoutTheModalityTeachNothingAndAreZero) {
  const Dataset d = one({"a", "b"}, {1, 1, N, N, 3, N, 5, 5}, {"1", "1", "2", "2"});
  const std::vector<std::int32_t> train{0, 1, 2};
  const PrepareOptions options{{"m"}, Normalise::train, ""};
  const Fitted fitted = fit_scalers(d, train, options);
  EXPECT_DOUBLE_EQ(fitted.scalers[0].mean[0], 2);
  EXPECT_DOUBLE_EQ(fitted.scalers[0].scale[0],
                   1);  // of 1 and 3: the absent row does not count as a mean
  const auto m = apply_scalers(d, fitted, options);
  EXPECT_EQ(m[0].present, (std::vector<std::uint8_t>{1, 0, 1, 1}));
  EXPECT_EQ(m[0].values[2], 0);
  EXPECT_EQ(m[0].values[3], 0);
  EXPECT_DOUBLE_EQ(m[0].values[4], 1);
}

TEST(Scalers, NoneOnlyImputes) {
  const Dataset d = one({"a"}, {1, N, 5, N}, {"1", "1", "2", "2"});
  Dataset both = d;  // a second column keeps the modality present where a is missing
  both.modalities[0] = {"m", "features", {"a", "b"}, 2, {1, 1, N, 2, 5, 3, N, 4}, {1, 1, 1, 1}};
  const PrepareOptions options{{"m"}, Normalise::none, ""};
  const Fitted fitted = fit_scalers(both, std::vector<std::int32_t>{0, 1, 2}, options);
  EXPECT_EQ(apply_scalers(both, fitted, options)[0].values,
            (std::vector<double>{1, 1, 3, 2, 5, 3, 3, 4}));
}

// Subject 1: a = 1 3 (mean 2, sd 1), b = 5 5 (constant -> 0). Subject 2: a = 10 - 30 (mean 20, sd
// 10), b = 1 2 3 (sd sqrt(2/3)). The training rows 0 and 2 have z-scores -1 and -1 of a: a missing
// cell becomes their mean -1.
TEST(Scalers, GroupUsesEachSubjectsOwnRows) {
  const Dataset d = one({"a", "b"}, {1, 5, 3, 5, 10, 1, N, 2, 30, 3}, {"1", "1", "2", "2", "2"});
  const PrepareOptions options{{"m"}, Normalise::group, "subject"};
  const Fitted fitted = fit_scalers(d, std::vector<std::int32_t>{0, 1, 2}, options);
  const auto m = apply_scalers(d, fitted, options);
  const double z = 1 / std::sqrt(2. / 3);
  const double imputed = (-1 + 1 - 1) / 3.;
  const std::vector<double> expected{-1, 0, 1, 0, -1, -z, imputed, 0, 1, z};
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_DOUBLE_EQ(m[0].values[i], expected[i]) << i;
  EXPECT_TRUE(holds(error_of([&] {
                      fit_scalers(d, {}, {{"m"}, Normalise::group, "actor"});
                    }),
                    "none called 'actor'"));
}

TEST(Scalers, TestRowsChangeNothing) {
  Dataset d =
      one({"a", "b"}, {1, 2, 2, N, 3, 4, 6, N, 10, N, N, 5}, {"1", "1", "2", "2", "3", "3"});
  const std::vector<std::int32_t> train{0, 1, 2, 3};
  const PrepareOptions options{{"m"}, Normalise::train, ""};
  const Fitted before = fit_scalers(d, train, options);
  for (std::size_t i = 8; i < 12; ++i) d.modalities[0].values[i] = 1e6;
  const Fitted after = fit_scalers(d, train, options);
  EXPECT_EQ(before.scalers[0].mean, after.scalers[0].mean);
  EXPECT_EQ(before.scalers[0].scale, after.scalers[0].scale);
}

TEST(Scalers, RefuseWhatDoesNotFit) {
  const Dataset d = one({"a"}, {1, 2}, {"1", "2"});
  const std::vector<std::int32_t> train{0, 1};
  EXPECT_TRUE(holds(error_of([&] {
                      fit_scalers(d, train, {{"audio"}, Normalise::train, ""});
                    }),
                    "no modality 'audio'; it has: m"));
  const Fitted fitted = fit_scalers(d, train, {{"m"}, Normalise::train, ""});
  const Dataset other = one({"b"}, {1, 2}, {"1", "2"});
  EXPECT_TRUE(holds(error_of([&] {
                      apply_scalers(other, fitted, {{"m"}, Normalise::train, ""});
                    }),
                    "its columns are not those of the fit"));
  const Dataset huge = one({"a"}, {1e308, -1e308}, {"1", "2"});
  EXPECT_TRUE(holds(error_of([&] {
                      fit_scalers(huge, train, {{"m"}, Normalise::train, ""});
                    }),
                    "column 'a': the values are too large"));
}

}  // namespace
}  // namespace emosweep::data
