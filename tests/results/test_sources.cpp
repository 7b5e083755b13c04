// Several run folders in one report.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "example.h"
#include "results/joined_table.h"
#include "results/report.h"
#include "results/tested_folds.h"

namespace emosweep::results {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

// A folder with the experiments of the example that `keep` names; their cells and records.
RunFolder folder_with(const fs::path& path, const Example& example,
                      const std::vector<std::uint32_t>& keep) {
  Example part = example;
  part.plan.experiments.clear();
  part.plan.cells.clear();
  part.records.clear();
  std::set<Digest> ids;
  for (const auto& cell : example.plan.cells) {
    const auto place = std::find(keep.begin(), keep.end(), cell.experiment);
    if (place == keep.end()) continue;
    part.plan.cells.push_back(cell);
    part.plan.cells.back().experiment = static_cast<std::uint32_t>(place - keep.begin());
    ids.insert(cell.id);
  }
  for (const auto e : keep) part.plan.experiments.push_back(example.plan.experiments[e]);
  for (const auto& record : example.records) {
    if (ids.count(record.id)) part.records.push_back(record);
  }
  fs::create_directories(path);
  const RunFolder folder(path);
  commit_example(folder, part);
  return folder;
}

Json json_of(const ReportSources& sources) { return Json::parse(Report(sources).in("json")); }

// What was split over two folders says what it said in one.
TEST(Sources, TwoFoldersAreOneReport) {
  const TemporaryFolder dir;
  const Example example = make_example();
  const RunFolder both = folder_with(dir.path() / "both", example, {0, 1}),
                  linear = folder_with(dir.path() / "a", example, {0}),
                  fusion = folder_with(dir.path() / "b", example, {1});
  const Json one = json_of({{both}});
  Json joined = json_of({{linear, fusion}});
  const Json sources = joined.at("statistics").at("sources");
  EXPECT_EQ(sources[0], Json({{"name", "a"}, {"path", (dir.path() / "a").string()}}));
  EXPECT_EQ(joined["statistics"]["experiments"][0]["source"], "b");  // "Fusion"
  EXPECT_EQ(joined["statistics"]["experiments"][1]["source"], "a");
  joined["statistics"].erase("sources");
  for (auto& experiment : joined["statistics"]["experiments"]) {
    experiment.erase("source");
    EXPECT_EQ(experiment["cells_from_another_source"], 0);
    experiment.erase("cells_from_another_source");
  }
  EXPECT_EQ(joined, one);  // statistics, comparisons and cost
  ASSERT_EQ(one["statistics"]["comparisons"]["pairs"].size(), 1u);
  EXPECT_TRUE(one["statistics"]["comparisons"]["pairs"][0]["p"].is_number());
  const std::string text = Report(ReportSources{{linear, fusion}}).in("text");
  EXPECT_NE(text.find("== Linear\n   from a\n"), std::string::npos) << text;
  EXPECT_NE(text.find("Sources\n  a: "), std::string::npos) << text;
  EXPECT_EQ(Report(ReportSources{{both}}).in("text").find("Sources"), std::string::npos);
}

TEST(Sources, EqualNamesAreToldApart) {
  const TemporaryFolder dir;
  const Example example = make_example();
  const RunFolder a = folder_with(dir.path() / "x" / "run", example, {0, 1}),
                  b = folder_with(dir.path() / "y" / "run", example, {1});
  const Json json = json_of({{a, b}});
  std::vector<std::string> names;
  for (const auto& experiment : json["statistics"]["experiments"]) {
    names.push_back(experiment.at("name"));
  }
  EXPECT_EQ(names, (std::vector<std::string>{"Linear", "run#1: Fusion", "run#2: Fusion"}));
  EXPECT_EQ(json["cost"]["trials"], 11 + 44);  // a trial that both hold is one trial
  const auto pairs = json["statistics"]["comparisons"]["pairs"];
  EXPECT_EQ(pairs[2]["a"], "run#1: Fusion");
  EXPECT_EQ(pairs[2]["conclusion"], "equal");
  EXPECT_EQ(pairs[2]["difference"], 0);
  EXPECT_EQ(source_names({"a/b/", "a/c/.", "x/b"}), (std::vector<std::string>{"b#1", "c", "b#2"}));
  EXPECT_THROW(
      Report(ReportSources{{a, RunFolder(dir.path() / "x" / ".." / "x" / "run")}}).in("text"),
      InputError);
  EXPECT_THROW(Report(ReportSources{}).in("text"), InputError);
}

TEST(Sources, ATrialThatOnlyOneHoldsIsDoneInBoth) {
  const TemporaryFolder dir;
  const Example example = make_example();
  Example less = example;
  const TrialRecord last = less.records.back();
  less.records.pop_back();
  const RunFolder a = folder_with(dir.path() / "a", example, {1}),
                  b = folder_with(dir.path() / "b", less, {1});
  b.commit_failure({last.id, "exception", "no luck", "epoch 1", "h", 0, 1, 0});
  const Json json = json_of({{a, b}});
  const auto& experiments = json["statistics"]["experiments"];
  EXPECT_EQ(experiments[0]["cells_from_another_source"], 0);
  EXPECT_EQ(experiments[1]["cells_from_another_source"], 1);
  EXPECT_TRUE(experiments[1]["failures"].empty());
  EXPECT_EQ(experiments[0]["nested"], experiments[1]["nested"]);
  EXPECT_NE(Report(ReportSources{{a, b}})
                .in("text")
                .find("1 cell by trials that only another source holds"),
            std::string::npos);
  // Under other classes the same id could not be the same trial.
  PlanFile other = *b.plan();
  other.experiments[0].classes = {"x", "y", "z"};
  b.commit_plan(other);
  for (const auto& record : less.records) fs::remove(b.record(record.id));
  EXPECT_EQ(json_of({{a, b}})["statistics"]["experiments"][1]["cells_from_another_source"], 0);
}

TEST(Sources, OtherSplitsAreRefusedWithTheReason) {
  const TemporaryFolder dir;
  const Example example = make_example();
  const RunFolder a = folder_with(dir.path() / "a", example, {1});
  const auto reason = [&](const std::string& name, const Example& changed) {
    const RunFolder b = folder_with(dir.path() / name, changed, {1});
    const Json json = json_of({{a, b}});
    const auto& pair = json.at("statistics").at("comparisons").at("pairs").at(0);
    EXPECT_TRUE(pair.at("p").is_null());
    EXPECT_EQ(pair.at("conclusion"), "");
    return pair.at("absent_because").get<std::string>();
  };
  Example rows = example;  // fold "actor 3" tests other rows of the same subject
  for (auto& record : rows.records) {
    if (record.result.targets[0].sample[0] == 12) record.result.targets[0].sample[5] = 60;
  }
  EXPECT_EQ(reason("rows", rows),
            "other splits: fold 'actor 3' tests other rows in a: Fusion than in rows: Fusion");
  Example subjects = example;
  for (auto& cell : subjects.plan.cells) {
    if (cell.group == "actor 4") cell.group = "actor 12";
  }
  EXPECT_EQ(
      reason("subjects", subjects),
      "other splits: fold 'actor 4' tests actor 4 in a: Fusion and actor 12 in subjects: Fusion");
  Example samples = example;
  samples.samples.digest = sha256("other table");
  for (auto& experiment : samples.plan.experiments) experiment.samples = samples.samples.digest;
  EXPECT_EQ(reason("samples", samples), "they were tested on other samples");
}

TestedFold fold(std::uint64_t seed, const std::string& name, std::vector<std::string> subjects,
                std::int64_t rows, const std::string& samples = "") {
  return {seed, name, std::move(subjects), rows, samples.empty() ? Digest{} : sha256(samples)};
}

TEST(TestedFolds, DifferByContentNotByName) {
  const std::vector<TestedFold> a{fold(1, "f1", {"x", "y"}, 4), fold(1, "f2", {"z"}, 2)};
  const std::vector<TestedFold> renamed{fold(1, "g1", {"z"}, 2), fold(1, "g2", {"x", "y"}, 4)};
  const std::vector<std::uint64_t> seeds{1};
  EXPECT_EQ(difference_of(a, "A", a, "B", seeds), "");
  EXPECT_EQ(difference_of(a, "A", renamed, "B", seeds), "");
  const std::vector<TestedFold> other{fold(1, "f1", {"x", "z"}, 4), fold(1, "f2", {"y"}, 2)};
  EXPECT_EQ(difference_of(a, "A", other, "B", seeds), "fold 'f1' tests x, y in A and x, z in B");
  EXPECT_EQ(difference_of(a, "A", other, "B", {2}), "");  // only on the seeds that are compared
  const std::vector<TestedFold> fewer{fold(1, "f1", {"x", "y"}, 4), fold(1, "f2", {"z"}, 1)};
  EXPECT_EQ(difference_of(a, "A", fewer, "B", seeds), "fold 'f2' tests 2 rows in A and 1 in B");
  const std::vector<TestedFold> finer{fold(1, "f1", {"x", "y"}, 4), fold(1, "f2", {"z"}, 2),
                                      fold(1, "f3", {"v"}, 1)};
  EXPECT_EQ(difference_of(a, "A", finer, "B", seeds),
            "B has fold 'f3' (it tests v), which A has not");
  const std::vector<TestedFold> many{fold(1, "f1", {"1", "2", "3", "4", "5", "6"}, 4)};
  EXPECT_EQ(difference_of(a, "A", many, "B", seeds),
            "fold 'f1' tests x, y in A and 1, 2, 3, 4 and 2 more in B");
}

TEST(TestedFolds, RowsAreComparedWhereBothKeptThem) {
  const std::vector<TestedFold> a{fold(1, "f", {"x"}, 2, "0 1")}, b{fold(1, "f", {"x"}, 2, "0 2")},
      blind{fold(1, "f", {"x"}, 2)};
  EXPECT_EQ(difference_of(a, "A", b, "B", {1}), "fold 'f' tests other rows in A than in B");
  EXPECT_EQ(difference_of(a, "A", blind, "B", {1}), "");
}

// An empty cell is a class in the one reading and unknown in the other.
TEST(TestedFolds, LabelsOfTheSameRowsAreComparedToo) {
  std::vector<TestedFold> a{fold(1, "f", {"x"}, 2, "0 1")}, b = a, c = a, scores = a;
  a[0].support = {1, 0, 3};
  b[0].support = {1, 0, 1};
  c[0].support = {0, 1, 3};
  EXPECT_EQ(difference_of(a, "A", a, "B", {1}), "");
  EXPECT_EQ(difference_of(a, "A", b, "B", {1}),
            "scored on other labels: fold 'f' has 4 known in A and 2 in B");
  EXPECT_EQ(difference_of(a, "A", c, "B", {1}),
            "scored on other labels: fold 'f' has others in A than in B");
  EXPECT_EQ(difference_of(a, "A", scores, "B", {1}), "") << "scores of another program";
  Row row;
  row.confusion = Confusion(TargetSpec{"", TargetKind::aspects, {"p", "q"}, {"good", "bad"}});
  row.confusion.add_to(0, 0, 1, 2);
  row.confusion.add_to(1, 1, 1, 5);
  EXPECT_EQ(tested_fold(row).support, (std::vector<std::int64_t>{2, 0, 0, 5}));
  row.confusion = Confusion(TargetSpec{"", TargetKind::regression, {"v", "a"}, {}});
  row.confusion.add_value(1, .5, .25);
  EXPECT_EQ(tested_fold(row).support, (std::vector<std::int64_t>{0, 1}));
}

}  // namespace
}  // namespace emosweep::results
