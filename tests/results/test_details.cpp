// Classes, subjects, slices and resampling of a condition, by hand.
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "results/condition_details.h"
#include "results/slices.h"

namespace emosweep::results {
namespace {

Confusion confusion(std::vector<std::int64_t> counts) {
  Confusion result(2);
  result.counts = std::move(counts);
  return result;
}

TEST(Details, ClassesOverCompleteSeeds) {
  // Seed 1: recall of a 3/4, precision 3/5, F1 6/9; seed 2 is incomplete; seed 3: all right.
  const auto classes =
      class_statistics({confusion({3, 1, 2, 2}), Confusion(2), confusion({4, 0, 0, 4})},
                       {"", TargetKind::single, {}, {"a", "b"}});
  ASSERT_EQ(classes.size(), 2u);
  EXPECT_EQ(classes[0].support, 4);
  EXPECT_DOUBLE_EQ(classes[0].recall.mean, (0.75 + 1) / 2);
  EXPECT_DOUBLE_EQ(classes[0].precision.mean, (0.6 + 1) / 2);
  EXPECT_DOUBLE_EQ(classes[0].f1.per_seed[0], 6.0 / 9);
  EXPECT_TRUE(std::isnan(classes[0].f1.per_seed[1]));
  EXPECT_EQ(classes[0].f1.spread.n, 2);
  EXPECT_EQ(classes[0].rerun.n, 2);
  // t of two values: mean +- 12.706 * |difference| / 2.
  EXPECT_NEAR(classes[0].rerun.upper - classes[0].rerun.mean, 12.7062047361747 * (1.0 / 3) / 2,
              1e-9);
}

Row row_of(std::uint64_t seed, const std::string& subject, std::vector<std::int64_t> counts) {
  Row row;
  row.cell.seed = seed;
  row.cell.fold = row.cell.group = subject;
  row.status = "done";
  row.confusion = confusion(std::move(counts));
  return row;
}

TEST(Details, SubjectsOverSeeds) {
  const std::vector<Row> rows{row_of(1, "g2", {2, 2, 0, 4}), row_of(1, "g10", {1, 0, 3, 0}),
                              row_of(2, "g2", {4, 0, 0, 4}), row_of(2, "g10", {1, 0, 0, 3})};
  std::vector<const Row*> pointers;
  for (const auto& row : rows) pointers.push_back(&row);
  const auto subjects = subject_statistics(subject_table(pointers));
  ASSERT_EQ(subjects.size(), 2u);
  EXPECT_EQ(subjects[0].subject, "g2");
  EXPECT_EQ(subjects[1].subject, "g10");
  EXPECT_EQ(subjects[0].support, (std::vector<std::int64_t>{4, 4}));
  EXPECT_EQ(subjects[0].score, (std::vector<double>{0.75, 1}));
  EXPECT_EQ(subjects[1].score, (std::vector<double>{0.5, 1}));
  EXPECT_DOUBLE_EQ(subjects[1].accuracy.mean, (0.25 + 1) / 2);
  EXPECT_DOUBLE_EQ(subjects[0].score_spread.sd, 0.25 / std::sqrt(2.0));
}

TEST(Details, SlicesByMetadata) {
  Samples samples;
  samples.id = {"0", "1", "2", "3"};
  samples.metadata = {{"gender", {"m", "f", "m", "f"}},
                      {"file", {"a", "b", "c", "d"}},
                      {"same", {"x", "x", "x", "x"}}};
  for (int i = 4; i < 20; ++i) {  // "file" has too many values, "same" too few
    samples.id.push_back(std::to_string(i));
    samples.metadata[0].second.push_back("m");
    samples.metadata[1].second.push_back("file " + std::to_string(i));
    samples.metadata[2].second.push_back("x");
  }
  const Sliced sliced = slices_of(samples);
  ASSERT_EQ(sliced.slices.size(), 2u);
  EXPECT_EQ(sliced.slices[0].value, "f");
  EXPECT_EQ(sliced.slices[1].value, "m");
  TargetResult target;
  target.sample = {0, 1, 3};
  target.truth = {0, 1, 1};
  target.predicted = {1, 1, 1};
  const auto counts = slice_counts(sliced, target, "file");
  ASSERT_EQ(counts.size(), 2u);
  EXPECT_EQ(counts[0].slice, 0);
  EXPECT_EQ(counts[0].truth, 1);
  EXPECT_EQ(counts[0].n, 2u);
  EXPECT_EQ(counts[1].slice, 1);
  EXPECT_EQ(counts[1].predicted, 1);
  EXPECT_EQ(counts[1].n, 1u);
  target.sample[0] = 20;
  EXPECT_THROW(slice_counts(sliced, target, "file"), InputError);

  const std::vector<std::vector<Confusion>> by_seed{
      {confusion({1, 1, 0, 2}), confusion({0, 0, 1, 3})},
      {Confusion(2), Confusion(2)},  // incomplete
      {confusion({2, 0, 0, 2}), confusion({0, 0, 0, 4})}};
  const auto statistics = slice_statistics(sliced.slices, by_seed);
  ASSERT_EQ(statistics.size(), 2u);
  EXPECT_EQ(statistics[0].column, "gender");
  EXPECT_EQ(statistics[0].rows, 4);
  EXPECT_EQ(statistics[0].absent, 0);
  EXPECT_EQ(statistics[0].macro_f1.spread.n, 2);
  EXPECT_DOUBLE_EQ(statistics[0].accuracy.spread.mean, (0.75 + 1) / 2);
  EXPECT_EQ(statistics[1].absent, 1);
  EXPECT_DOUBLE_EQ(statistics[1].score.per_seed[0], 0.75);
  EXPECT_DOUBLE_EQ(statistics[1].score.per_seed[2], 1);
}

TEST(Details, ResamplingOfWhatDoesNotVaryIsAPoint) {
  std::vector<SubjectStatistics> subjects(3);
  for (auto& subject : subjects) subject.score = {0.5, 0.5};
  const auto resampled = resampled_statistics({2, 3, std::vector<double>(6, 0.5)}, subjects);
  EXPECT_DOUBLE_EQ(resampled.stratified.lower, 0.5);
  EXPECT_DOUBLE_EQ(resampled.two_way.upper, 0.5);
  ASSERT_EQ(resampled.profile.size(), 20u);
  EXPECT_EQ(resampled.profile[9].share, 1);   // above .45
  EXPECT_EQ(resampled.profile[10].share, 0);  // not above .5
  EXPECT_TRUE(resampled_statistics({}, subjects).profile.empty());
}

TEST(Details, TwoWayResamplingIsWiderWhereSubjectsDiffer) {
  std::vector<double> values;
  std::vector<SubjectStatistics> subjects(12);
  for (std::size_t s = 0; s < 4; ++s) {
    for (std::size_t g = 0; g < 12; ++g) {
      values.push_back(static_cast<double>(g) / 12 + 0.001 * static_cast<double>(s));
      subjects[g].score.push_back(values.back());
    }
  }
  const auto resampled = resampled_statistics({4, 12, values}, subjects);
  EXPECT_LT(resampled.stratified.upper - resampled.stratified.lower, 0.002);
  EXPECT_GT(resampled.two_way.upper - resampled.two_way.lower, 0.2);
}

}  // namespace
}  // namespace emosweep::results
