#include <algorithm>

#include "data/splits.h"
#include "split_helpers.h"

namespace emosweep::data {
namespace {

// Row 1 equals row 0; row 3 equals row 2; they stand in different groups.
Dataset with_duplicates() {
  Dataset d = random_dataset(17, 60, 6, 2);
  d.modalities[0].values[1] = d.modalities[0].values[0];
  d.modalities[0].values[2] = d.modalities[0].values[3] = kMissing;
  return d;
}

TEST(DuplicateSamples, AreRefusedByDefault) {
  Dataset d = with_duplicates();
  d.description = "/x/dataset.yaml";
  SplitOptions o;
  o.group = "who";
  const std::string text = error_of([&] { make_folds(d, o); });
  EXPECT_TRUE(holds(text, "2 pairs of equal samples"));
  EXPECT_TRUE(holds(text, "fold 'g1': 'row0' (train) = 'row1' (test)"));
  EXPECT_TRUE(
      holds(text, "write 'duplicates: drop_from_train' or 'duplicates: allow' in /x/dataset.yaml"));
}

TEST(DuplicateSamples, CanBeDroppedOrAllowed) {
  Dataset d = with_duplicates();
  d.duplicates_given = true;
  d.duplicates = Duplicates::drop_from_train;
  SplitOptions o;
  o.group = "who";
  const Folds dropped = make_folds(d, o);
  EXPECT_EQ(dropped.duplicates, 2);
  const auto has = [](const std::vector<std::int32_t>& rows, std::int32_t row) {
    return std::find(rows.begin(), rows.end(), row) != rows.end();
  };
  std::int64_t all = 0;
  for (const Fold& fold : dropped.folds) {
    all += fold.dropped;
    for (const auto& [a, b] :
         {std::pair{0, 1}, std::pair{1, 0}, std::pair{2, 3}, std::pair{3, 2}}) {
      if (has(fold.test, a)) {
        EXPECT_FALSE(has(fold.train, b) || has(fold.validation, b));
      }
      if (has(fold.validation, a)) {
        EXPECT_FALSE(has(fold.train, b));
      }
    }
    EXPECT_EQ(fold.train.size() + fold.validation.size() + fold.test.size() +
                  static_cast<std::size_t>(fold.dropped),
              60u);
  }
  EXPECT_GE(all, 4);
  EXPECT_TRUE(holds(dropped.warnings.at(0), "2 pairs of equal samples"));
  EXPECT_TRUE(holds(dropped.warnings.at(0), "dropped over all folds"));
  d.duplicates = Duplicates::allow;
  const Folds allowed = make_folds(d, o);
  EXPECT_EQ(allowed.duplicates, 2);
  EXPECT_TRUE(holds(allowed.warnings.at(0), "they stay"));
  for (const Fold& fold : allowed.folds) check_fold(d, fold, true);
}

TEST(DuplicateSamples, OnOneSideOfEveryFoldAreNone) {
  Dataset d = with_duplicates();
  d.groups[0].values[1] = d.groups[0].values[0];
  d.groups[0].values[3] = d.groups[0].values[2];
  SplitOptions o;
  o.group = "who";
  EXPECT_EQ(make_folds(d, o).duplicates, 0);
  o.protocol = Protocol::all;
  EXPECT_EQ(make_folds(with_duplicates(), o).duplicates, 0);
}

TEST(DuplicateSamples, OfficialSplitsDropThemUnlessToldOtherwise) {
  Dataset d = with_duplicates();
  for (std::size_t i = 0; i < d.id.size(); ++i)
    d.split.push_back(i == 1 || i > 40 ? "test" : i == 3 || i > 30 ? "validation" : "train");
  SplitOptions o;
  o.protocol = Protocol::official;
  const Folds folds = make_folds(d, o);
  EXPECT_EQ(folds.duplicates, 2);
  EXPECT_EQ(folds.folds[0].dropped,
            2);  // row 0 (equals test row 1) and row 2 (equals validation row 3)
  EXPECT_EQ(folds.folds[0].train[0], 4);
  EXPECT_TRUE(holds(folds.warnings.at(0), "2 from train, 0 from validation"));
  d.duplicates_given = true;
  d.duplicates = Duplicates::refuse;
  EXPECT_TRUE(holds(error_of([&] { make_folds(d, o); }), "2 pairs of equal samples"));
}

// 20,000 equal rows in one set: pairs are counted, not walked.
TEST(DuplicateSamples, ManyEqualRowsCostLittle) {
  Dataset d = random_dataset(19, 20'000, 5, 2);
  std::fill(d.modalities[0].values.begin(), d.modalities[0].values.end(), 1.0);
  for (std::size_t i = 0; i < d.id.size(); ++i)
    d.groups[0].values[i] = i < 10'000 ? "a" : i < 15'000 ? "b" : "c";
  d.duplicates_given = true;
  d.duplicates = Duplicates::allow;
  SplitOptions o;
  o.group = "who";
  EXPECT_EQ(make_folds(d, o).duplicates, 10'000LL * 5'000 * 2 + 5'000LL * 5'000);
}

}  // namespace
}  // namespace emosweep::data
