// From rows of trials to tables by seed and subject, and what is compared of them.
#include <gtest/gtest.h>

#include <cmath>

#include "example.h"
#include "results/comparisons.h"
#include "results/statistics.h"
#include "results/subjects.h"

namespace emosweep::results {
namespace {

Row row_of(std::uint64_t seed, const std::string& fold, const std::string& group,
           std::int64_t right) {
  Row row;
  row.cell.seed = seed;
  row.cell.fold = fold;
  row.cell.group = group;
  row.status = "done";
  row.confusion = Confusion(2);
  row.confusion.add(0, 0, right);
  row.confusion.add(1, 0, 10 - right);
  return row;
}

std::vector<const Row*> pointers(const std::vector<Row>& rows) {
  std::vector<const Row*> result;
  for (const auto& row : rows) result.push_back(&row);
  return result;
}

TEST(Subjects, OneAFold) {
  std::vector<Row> rows;
  for (const std::uint64_t seed : {7, 3}) {
    for (const char* actor : {"10", "9", "2"}) rows.push_back(row_of(seed, actor, actor, 5));
  }
  const SubjectTable table = subject_table(pointers(rows));
  EXPECT_EQ(table.absent_because, "");
  EXPECT_EQ(table.seeds, (std::vector<std::uint64_t>{3, 7}));
  EXPECT_EQ(table.subjects, (std::vector<std::string>{"2", "9", "10"}));
  EXPECT_EQ(table.counts.cells[0], &rows[5].confusion);  // nothing is copied
  EXPECT_EQ(table.counts.cells[5], &rows[0].confusion);
}

TEST(Subjects, SeveralAFoldAndOneInTwoFolds) {
  std::vector<Row> rows{row_of(1, "0", "", 5), row_of(1, "1", "", 5)};
  const Row part = row_of(1, "", "", 3), other = row_of(1, "", "", 4);
  rows[0].subjects = {{"a", part.confusion}, {"b", other.confusion}};
  rows[1].subjects = {{"b", part.confusion}};
  const SubjectTable table = subject_table(pointers(rows));
  EXPECT_EQ(table.subjects, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(table.counts.cells[0]->counts, part.confusion.counts);
  EXPECT_EQ(table.counts.cells[1]->counts, (std::vector<std::int64_t>{7, 0, 13, 0}));
}

TEST(Subjects, SayWhyThereIsNoTable) {
  std::vector<Row> rows{row_of(1, "a", "a", 5), row_of(1, "b", "b", 5), row_of(2, "a", "a", 5)};
  EXPECT_EQ(subject_table(pointers(rows)).absent_because, "seeds test different subjects");
  rows[2].status = "missing";  // an incomplete seed is left out
  EXPECT_EQ(subject_table(pointers(rows)).seeds, std::vector<std::uint64_t>{1});
  rows[0].status = "failed";
  EXPECT_EQ(subject_table(pointers(rows)).absent_because, "no seed is complete");
  rows = {row_of(1, "holdout", "", 5)};
  EXPECT_NE(subject_table(pointers(rows)).absent_because.find("no group"), std::string::npos);
  rows = {row_of(1, "a", "a", 5)};
  EXPECT_EQ(subject_table(pointers(rows)).absent_because, "there are fewer than two subjects");
}

// The same predictions cut into folds of one and of several subjects are the same subjects.
TEST(Subjects, AreReadFromPredictionsWhereFoldsHoldSeveral) {
  Example loso = make_example();
  const TemporaryFolder dir_a, dir_b;
  commit_example(RunFolder(dir_a.path()), loso);
  Example folds = loso;
  folds.plan.cells.clear();
  folds.records.clear();
  std::map<std::string, TrialRecord> joined;  // by experiment, condition, seed and fold
  for (const auto& cell : loso.plan.cells) {
    const TrialRecord own = read_record(RunFolder(dir_a.path()).record(cell.id));
    const int actor = std::stoi(cell.group.substr(6));
    const std::string fold = std::to_string(actor % 3);
    // The linear model's seeds share a trial.
    const std::string key = std::to_string(cell.experiment) + std::to_string(cell.condition) +
                            (cell.experiment == 0 ? "" : std::to_string(cell.seed)) + fold;
    const bool first = joined.count(key) == 0;
    TrialRecord& record = joined.try_emplace(key, own).first->second;
    record.canonical = "joined " + key;
    record.id = sha256(record.canonical);
    if (actor <= 3)
      folds.plan.cells.push_back({record.id, cell.experiment, cell.condition, cell.seed, fold, ""});
    if (first || (cell.experiment == 0 && cell.seed > 1)) continue;
    TargetResult& target = record.result.targets[0];
    const TargetResult& more = own.result.targets[0];
    target.sample.insert(target.sample.end(), more.sample.begin(), more.sample.end());
    target.truth.insert(target.truth.end(), more.truth.begin(), more.truth.end());
    target.predicted.insert(target.predicted.end(), more.predicted.begin(), more.predicted.end());
    target.probability.insert(target.probability.end(), more.probability.begin(),
                              more.probability.end());
    for (std::size_t i = 0; i < more.confusion.size(); ++i)
      target.confusion[i] += more.confusion[i];
    record.result.test_rows += own.result.test_rows;
  }
  for (auto& [key, record] : joined) folds.records.push_back(record);
  commit_example(RunFolder(dir_b.path()), folds);

  const auto statistics = [](const std::filesystem::path& path) {
    const RunFolder folder(path);
    Table table = planned_table(folder);
    fill_table(folder, table, nullptr);
    return std::pair(experiment_statistics(table, 0), experiment_statistics(table, 1));
  };
  const auto [fusion, linear] = statistics(dir_a.path());
  const auto [fusion_folds, linear_folds] = statistics(dir_b.path());
  for (std::size_t c = 0; c < 2; ++c) {
    const auto& one = fusion.conditions[c];
    const auto& other = fusion_folds.conditions[c];
    EXPECT_EQ(one.subject_scores.subjects.size(), 11u);
    EXPECT_EQ(one.subject_scores.subjects, other.subject_scores.subjects);
    EXPECT_EQ(one.headline().per_seed, other.headline().per_seed);
    EXPECT_EQ(one.headline().new_subject.upper, other.headline().new_subject.upper);
    EXPECT_EQ(one.pooled("uar").components.subject, other.pooled("uar").components.subject);
  }
  EXPECT_LT(linear.conditions[0].headline().components.seed, 1e-30);  // it reads no seed
  EXPECT_EQ(linear_folds.conditions[0].headline().new_subject.lower,
            linear.conditions[0].headline().new_subject.lower);
}

SubjectScores scores_of(std::vector<std::uint64_t> seeds, double mean) {
  SubjectScores result{std::move(seeds), {"a", "b", "c"}, {}, {}, ""};
  std::vector<double> values;
  for (const auto seed : result.seeds) {
    for (int g = 0; g < 3; ++g) {
      values.push_back(mean + 0.1 * g + 0.001 * static_cast<double>((seed * 7 + g * 3) % 5));
    }
  }
  result.scores = {result.seeds.size(), 3, values};
  return result;
}

TEST(Comparisons, ArePairedOnTheSeedsThatBothHave) {
  const SubjectScores a = scores_of({1, 2, 3}, 0.7), b = scores_of({2, 3, 4}, 0.5);
  const Digest samples = sha256("samples");
  const auto family = compare_all({{"a", samples, &a}, {"b", samples, &b}});
  ASSERT_EQ(family.pairs.size(), 1u);
  const PairComparison& pair = family.pairs[0];
  EXPECT_EQ(pair.result.seeds, 2);
  EXPECT_NEAR(pair.result.difference.mean, 0.2, 1e-12);  // seeds 2 and 3 differ by nothing else
  EXPECT_NEAR(pair.mean_a - pair.mean_b, 0.2, 1e-12);
  EXPECT_EQ(pair.p_holm, pair.result.crossed.p);
  EXPECT_EQ(conclusion_of(pair), "better");
  EXPECT_EQ(compare_with({{"a", samples, &a}, {"b", samples, &b}}, 0).pairs[0].a, "b");
  EXPECT_EQ(conclusion_of(compare_with({{"a", samples, &a}, {"b", samples, &b}}, 0).pairs[0]),
            "worse");
  EXPECT_EQ(conclusion_of(compare_all({{"a", samples, &a}, {"a2", samples, &a}}).pairs[0]),
            "equal");
}

TEST(Comparisons, SayWhyThereAreNone) {
  const SubjectScores a = scores_of({1}, 0.7), other_seed = scores_of({2}, 0.5);
  SubjectScores none, other_subjects = a;
  none.absent_because = "no seed is complete";
  other_subjects.subjects[0] = "z";
  const Digest samples = sha256("samples");
  const auto why = [&](const SubjectScores& b, const Digest& its) {
    const auto pair = compare_all({{"a", samples, &a}, {"b", its, &b}}).pairs[0];
    EXPECT_EQ(conclusion_of(pair), "");
    EXPECT_TRUE(std::isnan(pair.p_holm));
    EXPECT_EQ(comparison_sentence(pair),
              "a and b cannot be compared: " + pair.absent_because + ".");
    return pair.absent_because;
  };
  EXPECT_EQ(why(other_seed, samples), "no seed is complete in both");
  EXPECT_EQ(why(none, samples), "b: no seed is complete");
  EXPECT_EQ(why(other_subjects, samples), "they were tested on other subjects");
  EXPECT_EQ(why(a, sha256("others")), "they were tested on other samples");
  SubjectScores one = a, two = a;
  one.tested = {{1, "f", {"x"}, 2, {}, {1, 1}}};
  two.tested = {{1, "f", {"x"}, 2, {}, {0, 1}}};
  EXPECT_EQ(compare_all({{"a", samples, &one}, {"b", samples, &two}}).pairs[0].absent_because,
            "they were scored on other labels: fold 'f' has 2 known in a and 1 in b");
  const auto single = compare_all({{"a", samples, &a}, {"b", samples, &a}}).pairs[0];
  EXPECT_TRUE(comparison_sentence(single).ends_with("; of other seeds a single one says nothing."));
  EXPECT_TRUE(compare_all({}).pairs.empty());
  const auto many = compare_all(std::vector<Contender>(101, Contender{"a", samples, &a}));
  EXPECT_TRUE(many.pairs.empty());
  EXPECT_EQ(many.absent_because, "more than 100 to compare");
}

TEST(Comparisons, AdjustOverTheFamilyAndRankAll) {
  const SubjectScores a = scores_of({1, 2}, 0.70), b = scores_of({1, 2}, 0.71),
                      c = scores_of({1, 2}, 0.4);
  const Digest samples = sha256("samples");
  SubjectScores noisy = b;
  std::vector<double> values(b.scores.values().begin(), b.scores.values().end());
  values[0] += 0.05;
  noisy.scores = {2, 3, values};
  const auto family = compare_all({{"a", samples, &a}, {"b", samples, &noisy}, {"c", samples, &c}});
  ASSERT_EQ(family.pairs.size(), 3u);
  std::vector<double> p;
  for (const auto& pair : family.pairs) p.push_back(pair.result.crossed.p);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(family.pairs[i].p_holm, holm(p)[i]);
  EXPECT_EQ(family.ranks.mean_ranks, (std::vector<double>{2, 1, 3}));
  EXPECT_EQ(conclusion_of(family.pairs[0]), "undecided");
  EXPECT_NE(comparison_sentence(family.pairs[0]).find("b is ahead on 3 subjects"),
            std::string::npos);
  EXPECT_NE(comparison_sentence(family.pairs[1]).find("a is better"), std::string::npos);
  // Three subjects do not know their own spread well enough to say how many would be needed.
  PairComparison undecided = family.pairs[0];
  EXPECT_NE(comparison_sentence(undecided).find("; 3 subjects cannot say how many it takes"),
            std::string::npos);
  undecided.result.subjects = 12;
  undecided.result.subjects_needed = 40;
  EXPECT_NE(comparison_sentence(undecided).find("takes about 40 subjects to be found"),
            std::string::npos);
}

}  // namespace
}  // namespace emosweep::results
