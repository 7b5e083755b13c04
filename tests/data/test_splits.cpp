#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "base/philox.h"
#include "data/splits.h"
#include "split_helpers.h"

namespace emosweep::data {
namespace {

// The same samples in another order.
Dataset permuted(const Dataset& d, std::uint64_t seed) {
  Dataset p = d;
  const auto order = permutation(d.size(), trial_key(seed, "permuted"), 0);
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto from = static_cast<std::size_t>(order[i]);
    p.id[i] = d.id[from];
    p.label[i] = d.label[from];
    p.groups[0].values[i] = d.groups[0].values[from];
    if (!d.split.empty()) p.split[i] = d.split[from];
    p.modalities[0].values[i] = d.modalities[0].values[from];
  }
  return p;
}

class Leaks : public ::testing::TestWithParam<Protocol> {};

TEST_P(Leaks, NoRowAndNoGroupInTwoPartsOverRandomDatasets) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const StreamKey key = trial_key(seed, "sizes");
    const auto lot = [&](std::uint64_t i, std::uint64_t low, std::uint64_t high) {
      return static_cast<std::int64_t>(low + uniform_index(key, 0, i, high - low));
    };
    const std::int64_t groups = lot(0, 8, 30), classes = lot(1, 2, 6);
    Dataset d = random_dataset(seed, lot(2, 200, 400), groups, classes);
    if (GetParam() == Protocol::official)
      for (const std::string& group : d.groups[0].values)
        d.split.push_back(group == "g0" || group == "g3" ? "test"
                          : group == "g1"                ? "validation"
                                                         : "train");
    SplitOptions o;
    o.protocol = GetParam();
    o.group = "who";
    o.folds = lot(3, 2, 5);
    o.validation_groups = lot(4, 0, 3);
    o.split_seed = seed;
    const bool needs_group = o.protocol == Protocol::loso || o.protocol == Protocol::group_kfold;
    for (const bool grouped : {true, false}) {
      if (!grouped && needs_group) continue;
      o.group = grouped ? "who" : "";
      const Folds folds = make_folds(d, o);
      for (const Fold& fold : folds.folds)
        check_fold(d, fold, grouped, o.protocol == Protocol::all);
      // The order of the rows in the table means nothing; the seed means something.
      const Folds other = make_folds(permuted(d, seed), o);
      ASSERT_EQ(other.folds.size(), folds.folds.size());
      for (std::size_t f = 0; f < folds.folds.size(); ++f) {
        EXPECT_EQ(other.folds[f].name, folds.folds[f].name);
        EXPECT_EQ(other.folds[f].hash, folds.folds[f].hash);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Protocols, Leaks,
                         ::testing::Values(Protocol::loso, Protocol::group_kfold,
                                           Protocol::stratified_kfold, Protocol::holdout,
                                           Protocol::official, Protocol::all),
                         [](const auto& param) { return std::string(protocol_name(param.param)); });

std::vector<int> served(const Dataset& d, const Folds& folds, bool test) {
  std::vector<int> count(static_cast<std::size_t>(d.size()));
  for (const Fold& fold : folds.folds)
    for (const std::int32_t row : test ? fold.test : fold.validation)
      ++count[static_cast<std::size_t>(row)];
  return count;
}

TEST(Loso, OneFoldAGroupInNaturalOrderAndEveryGroupValidatesEquallyOften) {
  const Dataset d = random_dataset(3, 300, 12, 3);
  SplitOptions o;
  o.group = "who";
  o.validation_groups = 3;
  const Folds folds = make_folds(d, o);
  ASSERT_EQ(folds.folds.size(), 12u);
  for (std::size_t f = 0; f < 12; ++f) {
    EXPECT_EQ(folds.folds[f].name, "g" + std::to_string(f));  // g2 before g10
    EXPECT_EQ(folds.folds[f].group, folds.folds[f].name);
    std::set<std::string> groups;
    for (const std::int32_t row : folds.folds[f].validation)
      groups.insert(d.groups[0].values[static_cast<std::size_t>(row)]);
    EXPECT_EQ(groups.size(), 3u);
  }
  for (const int count : served(d, folds, true)) EXPECT_EQ(count, 1);
  for (const int count : served(d, folds, false)) EXPECT_EQ(count, 3);
  SplitOptions again = o;
  EXPECT_EQ(make_folds(d, again).folds[4].hash, folds.folds[4].hash);
  again.split_seed = 1;
  EXPECT_NE(make_folds(d, again).folds[4].hash, folds.folds[4].hash);
}

TEST(Loso, WithoutACountAFractionOfTheOtherGroupsAtLeastOne) {
  const Dataset d = random_dataset(3, 300, 21, 2);
  SplitOptions o;
  o.group = "who";
  o.validation_fraction = .15;  // of 20 other groups
  for (const int count : served(d, make_folds(d, o), false)) EXPECT_EQ(count, 3);
  o.validation_fraction = .001;
  for (const int count : served(d, make_folds(d, o), false)) EXPECT_EQ(count, 1);
}

TEST(GroupKfold, BalancesRowsAndTestsEachOnce) {
  const Dataset d = random_dataset(5, 400, 25, 3);
  SplitOptions o;
  o.protocol = Protocol::group_kfold;
  o.group = "who";
  o.folds = 5;
  const Folds folds = make_folds(d, o);
  for (const int count : served(d, folds, true)) EXPECT_EQ(count, 1);
  for (const Fold& fold : folds.folds) EXPECT_NEAR(static_cast<double>(fold.test.size()), 80, 8);
  const auto validation = served(d, folds, false);
  EXPECT_LE(*std::max_element(validation.begin(), validation.end()) -
                *std::min_element(validation.begin(), validation.end()),
            1);
  EXPECT_EQ(folds.folds[4].name, "4");
}

TEST(GroupKfold, NamesTheHeldOutGroupWhereThereIsOne) {
  const Dataset d = random_dataset(5, 100, 4, 2);
  SplitOptions o;
  o.protocol = Protocol::group_kfold;
  o.group = "who";
  o.folds = 4;
  for (const Fold& fold : make_folds(d, o).folds)
    EXPECT_EQ(fold.group, d.groups[0].values[static_cast<std::size_t>(fold.test[0])]);
}

TEST(StratifiedKfold, KeepsTheClassMixOfRows) {
  const Dataset d = random_dataset(7, 401, 10, 4);
  std::vector<double> total(4);
  for (const std::int32_t label : d.label) ++total[static_cast<std::size_t>(label)];
  SplitOptions o;
  o.protocol = Protocol::stratified_kfold;
  o.folds = 5;
  o.validation_fraction = .2;
  const Folds folds = make_folds(d, o);
  for (const int count : served(d, folds, true)) EXPECT_EQ(count, 1);
  for (const Fold& fold : folds.folds) {
    std::vector<double> test(4), validation(4);
    for (const std::int32_t row : fold.test)
      ++test[static_cast<std::size_t>(d.label[static_cast<std::size_t>(row)])];
    for (const std::int32_t row : fold.validation)
      ++validation[static_cast<std::size_t>(d.label[static_cast<std::size_t>(row)])];
    for (std::size_t c = 0; c < 4; ++c) {
      EXPECT_NEAR(test[c], total[c] / 5, 1);
      EXPECT_NEAR(validation[c], (total[c] - test[c]) * .2, 1);
    }
    EXPECT_NEAR(static_cast<double>(fold.test.size()), 401 / 5., 1);
    EXPECT_NEAR(static_cast<double>(fold.validation.size()), 401 * .8 * .2, 1);
  }
  for (const int count : served(d, folds, false)) EXPECT_LE(count, 2);  // it rotates
}

// Groups of one class each: dealing without looking at classes would leave folds without a class.
TEST(StratifiedKfold, KeepsTheClassMixOfGroups) {
  Dataset d = random_dataset(9, 300, 30, 3);
  for (std::size_t i = 0; i < d.label.size(); ++i)
    d.label[i] = static_cast<std::int32_t>(std::stoi(d.groups[0].values[i].substr(1)) % 3);
  SplitOptions o;
  o.protocol = Protocol::stratified_kfold;
  o.group = "who";
  o.folds = 5;
  o.validation_fraction = .25;
  for (const Fold& fold : make_folds(d, o).folds)
    for (const auto* rows : {&fold.train, &fold.validation, &fold.test}) {
      std::set<std::int32_t> classes;
      for (const std::int32_t row : *rows) classes.insert(d.label[static_cast<std::size_t>(row)]);
      EXPECT_EQ(classes.size(), 3u);
    }
}

TEST(Holdout, TakesItsFractions) {
  const Dataset d = random_dataset(11, 500, 25, 3);
  SplitOptions o;
  o.protocol = Protocol::holdout;
  o.test_fraction = .2;
  o.validation_fraction = .25;
  const Fold rows = make_folds(d, o).folds.at(0);
  EXPECT_EQ(rows.name, "holdout");
  EXPECT_EQ(rows.test.size(), 100u);
  EXPECT_EQ(rows.validation.size(), 100u);
  o.group = "who";
  const Fold groups = make_folds(d, o).folds.at(0);
  std::set<std::string> test;
  for (const std::int32_t row : groups.test)
    test.insert(d.groups[0].values[static_cast<std::size_t>(row)]);
  EXPECT_EQ(test.size(), 5u);
}

TEST(Official, TakesValidationFromTrainWhereAsked) {
  Dataset d = random_dataset(13, 200, 20, 2);
  for (const std::string& group : d.groups[0].values)
    d.split.push_back(std::stoi(group.substr(1)) % 4 == 0 ? "test" : "train");
  SplitOptions o;
  o.protocol = Protocol::official;
  d.description = "/x/dataset.yaml";
  EXPECT_TRUE(
      holds(error_of([&] { make_folds(d, o); }),
            "the split has no validation part; add 'validation: {from: train, fraction: 0.1}'"));
  d.official_validation = {true, 0, .1};
  const auto train_and_validation =
      static_cast<double>(std::count(d.split.begin(), d.split.end(), "train"));
  Fold fold = make_folds(d, o).folds.at(0);
  EXPECT_NEAR(static_cast<double>(fold.validation.size()), train_and_validation * .1, .51);
  d.official_validation = {true, 4, 0};
  EXPECT_TRUE(holds(error_of([&] { make_folds(d, o); }), "needs a 'group'"));
  o.group = "who";
  fold = make_folds(d, o).folds.at(0);
  check_fold(d, fold, true);
  std::set<std::string> groups;
  for (const std::int32_t row : fold.validation) {
    groups.insert(d.groups[0].values[static_cast<std::size_t>(row)]);
    EXPECT_EQ(d.split[static_cast<std::size_t>(row)], "train");
  }
  EXPECT_EQ(groups.size(), 4u);
  d.official_validation = {};
  o.validation_groups = 2;  // the experiment asks
  check_fold(d, make_folds(d, o).folds.at(0), true);
  d.official_validation = {true, 15, 0};
  EXPECT_TRUE(holds(error_of([&] { make_folds(d, o); }), "nothing is left to train on: 15 of 15"));
}

TEST(Official, RefusesASplitThatCutsAGroup) {
  Dataset d = random_dataset(13, 100, 10, 2);
  for (std::size_t i = 0; i < d.id.size(); ++i)
    d.split.push_back(i < 40 ? "train" : i < 60 ? "validation" : "test");
  SplitOptions o;
  o.protocol = Protocol::official;
  EXPECT_EQ(make_folds(d, o).folds.at(0).train.size(), 40u);
  o.group = "who";
  const std::string text = error_of([&] { make_folds(d, o); });
  EXPECT_TRUE(holds(text, "of the groups 'who': 'g0' (test, train, validation)"));
}

TEST(Groups, EveryDatasetHasItsRows) {
  Dataset d = random_dataset(13, 60, 10, 2);
  ASSERT_NE(d.group("id"), nullptr);
  EXPECT_EQ(*d.group("id"), d.id);
  SplitOptions o;
  o.group = "id";
  o.protocol = Protocol::loso;
  o.validation_groups = 5;
  const Folds folds = make_folds(d, o);
  ASSERT_EQ(folds.folds.size(), 60u) << "leave one row out";
  for (const Fold& fold : folds.folds) {
    ASSERT_EQ(fold.test.size(), 1u);
    EXPECT_EQ(d.id[static_cast<std::size_t>(fold.test[0])], fold.name);
    EXPECT_EQ(fold.validation.size(), 5u);
  }
  for (std::size_t i = 0; i < 60; ++i)
    d.split.push_back(i < 40 ? "train" : i < 50 ? "validation" : "test");
  o.protocol = Protocol::official;
  EXPECT_EQ(make_folds(d, o).folds.at(0).test.size(), 10u) << "no group is cut";
}

TEST(Errors, SayWhatIsMissing) {
  const Dataset d = random_dataset(1, 60, 4, 2);
  SplitOptions o;
  const auto error = [&] { return error_of([&] { make_folds(d, o); }); };
  EXPECT_TRUE(holds(error(), "the protocol loso on the dataset 'random': needs a 'group'"));
  o.group = "actor";
  EXPECT_TRUE(holds(error(), "has no group 'actor'; it has: who"));
  o.group = "who";
  o.validation_groups = 3;
  EXPECT_TRUE(holds(error(),
                    "needs at least 5 groups (1 to test, 3 to validate, 1 to train); there are 4"));
  o.protocol = Protocol::group_kfold;
  o.validation_groups = 0;
  o.folds = 5;
  EXPECT_TRUE(holds(error(), "needs at least as many groups as folds (5); there are 4"));
  o.folds = 1;
  EXPECT_TRUE(holds(error(), "needs at least 2 folds"));
  o.protocol = Protocol::holdout;
  o.test_fraction = 1.5;
  EXPECT_TRUE(holds(error(), "test_fraction must be between 0 and 1"));
  o.validation_fraction = 0;
  EXPECT_TRUE(holds(error(), "validation_fraction must be between 0 and 1"));
  o.protocol = Protocol::official;
  EXPECT_TRUE(holds(error(), "the dataset has no splits; add 'splits: {column: ...}'"));
  EXPECT_TRUE(holds(error_of([] { protocol_of("losso"); }),
                    "unknown protocol 'losso'; did you mean 'loso'?"));
  EXPECT_EQ(protocol_of("stratified_kfold"), Protocol::stratified_kfold);
}

TEST(Errors, AnEmptyPartOfAnOfficialSplit) {
  Dataset d = random_dataset(1, 30, 4, 2);
  d.split.assign(30, "train");
  d.split[0] = "validation";
  SplitOptions o;
  o.protocol = Protocol::official;
  EXPECT_TRUE(holds(error_of([&] { make_folds(d, o); }), "fold 'official' has no test sample"));
}

TEST(Classes, AbsentFromEveryTrainingFoldIsAnErrorFromSomeAWarning) {
  Dataset d = random_dataset(1, 60, 6, 2);
  d.target.classes.push_back("never");
  SplitOptions o;
  o.group = "who";
  EXPECT_TRUE(holds(error_of([&] { make_folds(d, o); }),
                    "no training fold holds a sample of class 'never'"));
  d.label[0] = 2;  // row 0 is of g0
  const Folds folds = make_folds(d, o);
  ASSERT_EQ(folds.warnings.size(), 1u);
  EXPECT_TRUE(
      holds(folds.warnings[0], "class 'never' is absent from training in 2 of 6 folds: g0"));
}

}  // namespace
}  // namespace emosweep::data
