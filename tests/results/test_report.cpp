#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "example.h"
#include "results/h5.h"
#include "results/report.h"
#include "results/statistics.h"

namespace emosweep::results {
namespace {

// Two seeds, two folds, two classes; scores by hand.
struct Tiny {
  Tiny() {
    PlannedExperiment experiment;
    experiment.name = "tiny";
    experiment.selection_metric = "macro_f1";
    experiment.classes = {"a", "b"};
    experiment.conditions = {"lr=1", "lr=2"};
    table.experiments = {experiment};
    for (std::uint32_t c = 0; c < 2; ++c) {
      for (std::uint64_t s = 1; s <= 2; ++s) {
        for (const char* fold : {"f1", "f2"}) {
          Row row;
          row.cell = {sha256(std::to_string(c) + std::to_string(s) + fold), 0, c, s, fold, fold};
          row.status = "done";
          row.confusion = Confusion(2);
          row.train_counts = {3, 5};
          table.rows.push_back(row);
        }
      }
    }
    table.first = {0, 8};
  }
  void set(std::size_t row, std::vector<std::int64_t> counts, double validation) {
    table.rows[row].confusion.counts = std::move(counts);
    table.rows[row].validation = {{"loss", 1 - validation}, {"macro_f1", validation}};
  }
  Table table;
};

Tiny tiny() {
  Tiny example;
  example.set(0, {2, 0, 0, 2}, 0.9);  // lr=1, seed 1: all right
  example.set(1, {1, 1, 1, 1}, 0.2);  // half right
  example.set(2, {2, 0, 2, 0}, 0.3);  // seed 2: always a
  example.set(3, {0, 2, 0, 2}, 0.6);  // always b
  example.set(4, {0, 2, 2, 0}, 0.1);  // lr=2, seed 1: all wrong
  example.set(5, {2, 0, 0, 2}, 0.8);
  example.set(6, {2, 0, 0, 2}, 0.3);  // seed 2: a tie with lr=1, which comes first
  example.set(7, {1, 1, 0, 2}, 0.5);
  return example;
}

TEST(Statistics, PooledScoresSumTheFoldsOfASeed) {
  const auto statistics = experiment_statistics(tiny().table, 0);
  const auto& first = statistics.conditions[0];
  // Seed 1: [[3,1],[1,3]]: F1 = 6/8 each. Seed 2: [[2,2],[2,2]]: F1 = 4/8 each.
  EXPECT_EQ(first.headline().per_seed, (std::vector<double>{0.75, 0.5}));
  EXPECT_DOUBLE_EQ(first.headline().spread.mean, 0.625);
  EXPECT_DOUBLE_EQ(first.headline().spread.sd, std::sqrt(2 * 0.125 * 0.125));
  EXPECT_EQ(first.pooled("accuracy").per_seed, (std::vector<double>{0.75, 0.5}));
  EXPECT_EQ(first.confusion.counts, (std::vector<std::int64_t>{5, 3, 3, 5}));
  EXPECT_EQ(statistics.chance, 0.5);
}

TEST(Statistics, CellsSeedsAndFolds) {
  const auto first = experiment_statistics(tiny().table, 0).conditions[0];
  // Accuracies: seed 1: 1, .5; seed 2: .5, .5.
  EXPECT_EQ(first.cells("accuracy").cells.spread.n, 4);
  EXPECT_DOUBLE_EQ(first.cells("accuracy").cells.spread.mean, 0.625);
  EXPECT_DOUBLE_EQ(first.cells("accuracy").cells.spread.sd,
                   0.25);  // squares: .375^2 + 3 * .125^2 = 3 / 16; / 3
  EXPECT_EQ(first.cells("accuracy").seeds.n, 2);
  EXPECT_DOUBLE_EQ(first.cells("accuracy").seeds.sd, 0.25 / std::sqrt(2.0));  // means .75, .5
  EXPECT_DOUBLE_EQ(first.cells("accuracy").folds.sd, 0.25 / std::sqrt(2.0));  // means .75, .5
  EXPECT_DOUBLE_EQ(first.cells("accuracy").cells.median, 0.5);
  // macro-F1 of the cells: 1, .5, 1/3, 1/3
  EXPECT_DOUBLE_EQ(first.cells("macro_f1").cells.spread.mean, (1 + 0.5 + 2.0 / 3) / 4);
}

TEST(Statistics, MajorityOfTheTrainingRowsOnTheTestRows) {
  Tiny example = tiny();
  const auto first = experiment_statistics(example.table, 0).conditions[0];
  // Always b: [[0,4],[0,4]]: accuracy .5, F1 = 0 and 8/12.
  EXPECT_EQ(first.baseline("majority", "accuracy").per_seed, (std::vector<double>{0.5, 0.5}));
  EXPECT_DOUBLE_EQ(first.baseline("majority", "macro_f1").spread.mean, 1.0 / 3);
  example.table.rows[0].train_counts = {5, 5};  // the first of equals: fold 1 of seed 1 predicts a
  const auto other = experiment_statistics(example.table, 0).conditions[0];
  EXPECT_DOUBLE_EQ(other.baseline("majority", "macro_f1").per_seed[0], 0.5);  // [[2,2],[2,2]]
}

TEST(Statistics, NestedSelectionLooksAtValidationOnly) {
  Tiny example = tiny();
  const auto nested = experiment_statistics(example.table, 0).nested;
  ASSERT_TRUE(nested.exists);
  EXPECT_EQ(nested.metric, "macro_f1");
  // Winners: seed 1: lr=1 (all right), lr=2 (all right); seed 2: lr=1 (always a; tie), lr=1 (always
  // b).
  EXPECT_EQ(nested.chosen, (std::vector<std::int64_t>{3, 1}));
  EXPECT_EQ(nested.result.headline().per_seed, (std::vector<double>{1, 0.5}));
  // Other test results change the score, never the choice.
  for (auto& row : example.table.rows)
    std::reverse(row.confusion.counts.begin(), row.confusion.counts.end());
  EXPECT_EQ(experiment_statistics(example.table, 0).nested.chosen, nested.chosen);
}

TEST(Statistics, NestedSelectionByLossTakesTheLowest) {
  Tiny example = tiny();
  example.table.experiments[0].selection_metric = "loss";
  const auto nested = experiment_statistics(example.table, 0).nested;
  EXPECT_EQ(nested.metric, "loss");
  EXPECT_EQ(nested.chosen, (std::vector<std::int64_t>{3, 1}));  // loss is 1 - macro_f1 here
  example.table.experiments[0].selection_metric = "last";
  EXPECT_EQ(experiment_statistics(example.table, 0).nested.metric, "macro_f1");
  // Losses of different objectives are not comparable.
  example.table.experiments[0].selection_metric = "loss";
  example.table.experiments[0].conditions = {"lr=1, focal_gamma=1", "lr=1, focal_gamma=2"};
  EXPECT_EQ(experiment_statistics(example.table, 0).nested.metric, "macro_f1");
}

TEST(Statistics, WithoutValidationThereIsNoNestedSelection) {
  Tiny example = tiny();
  for (auto& row : example.table.rows) row.validation.clear();
  const auto nested = experiment_statistics(example.table, 0).nested;
  EXPECT_FALSE(nested.exists);
  EXPECT_EQ(nested.absent_because, "condition 'lr=1' has no validation macro_f1");
}

TEST(Statistics, WhatElseIsCalledMacroF1AndWhatPickingSeedsAdds) {
  Tiny example = tiny();
  example.set(2, {4, 0, 0, 0}, 0.3);  // class b is neither true nor predicted in seed 2
  example.set(3, {4, 0, 0, 0}, 0.6);
  const auto first = experiment_statistics(example.table, 0).conditions[0];
  EXPECT_EQ(first.headline().per_seed, (std::vector<double>{0.75, 0.5}));
  EXPECT_EQ(first.undefined_f1, (std::vector<std::int64_t>{0, 1}));
  EXPECT_EQ(first.further[0].first, "macro_f1_occurring");
  EXPECT_EQ(first.further[0].second.per_seed, (std::vector<double>{0.75, 1}));
  EXPECT_EQ(first.headline().expected_best, (std::vector<double>{0.625, 0.75}));
}

TEST(Statistics, TheBestOnTestIsAnOracle) {
  Tiny example = tiny();
  for (std::size_t row : {4, 5, 6, 7})
    example.set(row, {2, 0, 0, 2}, 0.1);  // all right, never chosen
  const auto nested = experiment_statistics(example.table, 0).nested;
  EXPECT_EQ(nested.chosen, (std::vector<std::int64_t>{4, 0}));
  EXPECT_EQ(nested.oracle, 1u);
  EXPECT_DOUBLE_EQ(nested.optimism, 1 - 0.625);
}

TEST(Statistics, IncompleteSeedsAreNotPooled) {
  Tiny example = tiny();
  example.table.rows[3].status = "failed";
  example.table.rows[3].confusion = Confusion();
  const auto statistics = experiment_statistics(example.table, 0);
  const auto& first = statistics.conditions[0];
  EXPECT_EQ(first.headline().per_seed[0], 0.75);
  EXPECT_TRUE(std::isnan(first.headline().per_seed[1]));
  EXPECT_EQ(first.headline().spread.n, 1);
  EXPECT_EQ(first.undefined_f1, (std::vector<std::int64_t>{0, -1}));
  EXPECT_EQ(first.headline().expected_best, std::vector<double>{0.75});
  EXPECT_TRUE(std::isnan(first.headline().spread.sd));
  EXPECT_EQ(first.cells("accuracy").cells.spread.n, 3);
  EXPECT_EQ(first.cells("accuracy").seeds.n, 1);
  EXPECT_EQ(first.cells("accuracy").folds.n, 1);
  EXPECT_EQ(first.done, 3);
  EXPECT_EQ(first.failed, 1);
  EXPECT_TRUE(std::isnan(statistics.nested.result.headline().per_seed[1]));
  EXPECT_EQ(statistics.nested.chosen, (std::vector<std::int64_t>{2, 1}));
}

TEST(Report, NaturalOrderOfFolds) {
  std::vector<std::string> folds{"actor 10", "actor 9",  "actor 09", "b",
                                 "actor",    "actor 9a", "2",        "10"};
  std::sort(folds.begin(), folds.end(), natural_less);
  EXPECT_EQ(folds, (std::vector<std::string>{"2", "10", "actor", "actor 09", "actor 9", "actor 9a",
                                             "actor 10", "b"}));
}

TEST(Report, JsonHoldsTheNumbersOfTheSummary) {
  const TemporaryFolder dir;
  const RunFolder folder(dir.path());
  Example example = make_example();
  const Digest missing = example.records.back().id;
  example.records.pop_back();
  commit_example(folder, example);
  folder.commit_failure({missing, "exception", "no luck", "epoch 1", "h", 0, 1, 0});
  const auto json = nlohmann::json::parse(report(folder, "json"));
  const auto bytes = build_summary(folder);
  const h5::Reader file(bytes);
  const auto& experiments = json.at("statistics").at("experiments");
  ASSERT_EQ(experiments.size(), 2u);
  int compared = 0;
  const auto same = [&](const nlohmann::json& value, double stored) {
    ++compared;
    if (value.is_null()) {
      EXPECT_FALSE(std::isfinite(stored));
    } else {
      EXPECT_EQ(value.get<double>(), stored);
    }
  };
  for (const auto& experiment : experiments) {
    const h5::Node stored =
        file.root().open("statistics/" + experiment.at("name").get<std::string>());
    for (std::size_t c = 0; c < experiment.at("conditions").size(); ++c) {
      const auto& condition = experiment.at("conditions")[c];
      EXPECT_EQ(condition.at("condition"), stored.open("condition").texts()[c]);
      EXPECT_EQ(condition.at("done"), stored.open("done").values<std::int64_t>()[c]);
      for (const char* metric : {"pooled_macro_f1", "pooled_uar", "pooled_accuracy",
                                 "majority_macro_f1", "majority_accuracy"}) {
        const h5::Node node = stored.open(metric);
        const auto& value = condition.at(metric);
        same(value.at("mean"), node.open("mean").values<double>()[c]);
        same(value.at("sd"), node.open("sd").values<double>()[c]);
        const auto per_seed = node.open("per_seed").values<double>();
        for (std::size_t s = 0; s < 2; ++s) same(value.at("per_seed")[s], per_seed[c * 2 + s]);
      }
      for (const char* metric : {"macro_f1", "uar", "accuracy"}) {
        const h5::Node node = stored.open(metric);
        const auto& value = condition.at(metric);
        same(value.at("mean"), node.open("mean").values<double>()[c]);
        same(value.at("seeds").at("sd"), node.open("sd_seeds").values<double>()[c]);
        same(value.at("folds").at("sd"), node.open("sd_folds").values<double>()[c]);
      }
    }
  }
  EXPECT_EQ(compared, 3 * (5 * 4 + 3 * 3));
  // Intervals, components and comparisons are lists of named figures: every number of the one is in
  // the other.
  compared = 0;
  const auto same_rows = [&](const nlohmann::json& rows, const h5::Node& node) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      for (const auto& [name, value] : rows[i].items()) {
        if (value.is_string()) {
          EXPECT_EQ(value, node.open(name).texts()[i]) << name;
        }
        if (value.is_number() || value.is_null()) {
          same(value, node.open(name).values<double>()[i]);
        }
      }
    }
  };
  const auto same_family = [&](const nlohmann::json& family, const h5::Node& node) {
    same_rows(family.at("pairs"), node);
    for (const auto& [name, value] : family.items()) {
      if (!value.is_array() && !value.is_string()) same(value, node.real(name));
    }
  };
  for (const auto& experiment : experiments) {
    const h5::Node stored =
        file.root().open("statistics/" + experiment.at("name").get<std::string>());
    for (const char* metric : {"pooled_macro_f1", "pooled_uar", "pooled_accuracy"}) {
      nlohmann::json rows;
      for (const auto& condition : experiment.at("conditions"))
        rows.push_back(condition.at(metric));
      same_rows(rows, stored.open(metric));
    }
    for (const char* part : {"macro_f1", "uar", "accuracy", "calibration", "pooled_kappa"}) {
      nlohmann::json rows;
      for (const auto& condition : experiment.at("conditions")) rows.push_back(condition.at(part));
      same_rows(rows, stored.open(part));
    }
    for (const auto& condition : experiment.at("conditions")) {
      EXPECT_EQ(condition.at("classes").size(), 3u);
    }
    nlohmann::json classes;
    for (const auto& condition : experiment.at("conditions")) {
      for (auto one : condition.at("classes")) {
        one.erase("class");
        classes.push_back(one);
      }
    }
    same_rows(classes, stored.open("classes"));
    const auto& headline = experiment.at("headline");
    const h5::Node of_headline = stored.open("headline");
    EXPECT_EQ(headline.at("condition"), of_headline.text("condition"));
    same_rows(headline.at("profile"), of_headline.open("profile"));
    same_rows(headline.at("subjects"), of_headline.open("subjects"));
    same_rows(headline.at("slices"), of_headline.open("slices"));
    for (const auto& [name, value] : headline.at("bootstrap").items()) {
      same(value, of_headline.open("bootstrap").real(name));
    }
    if (experiment.contains("comparisons")) {
      same_family(experiment.at("comparisons"), stored.open("comparisons"));
    }
  }
  same_family(json.at("statistics").at("comparisons"), file.root().open("comparisons"));
  // Classes of 3 conditions; of 2 headlines profile, subjects, slices and bootstrap.
  const int details = 3 * 3 * 10 + 2 * (20 * 4 + 11 * 5 + 4 * 13 + 4);
  EXPECT_EQ(compared, 3 * (3 * (3 + 22) + 3 * (3 + 7) + 3 + 3) + 2 * 44 + 2 * 6 + details);
  const auto& fusion = experiments[0];
  EXPECT_EQ(fusion.at("complete"), false);
  ASSERT_EQ(fusion.at("failures").size(), 1u);
  EXPECT_EQ(fusion.at("failures")[0].at("id"), missing.hex());
  EXPECT_EQ(fusion.at("failures")[0].at("reason"), "exception");
  EXPECT_EQ(experiments[1].at("complete"), true);
  EXPECT_EQ(experiments[1].at("transductive"), true);
  EXPECT_EQ(json.at("cost").at("trials"), 11 + 43);
  EXPECT_DOUBLE_EQ(json.at("cost").at("cpu_seconds"), 1.25 * (11 + 43));
}

TEST(Report, TextSaysWhatAReaderMustKnow) {
  const TemporaryFolder dir;
  const RunFolder folder(dir.path());
  Example example = make_example();
  const Digest failed = example.records.back().id;
  example.records.resize(example.records.size() - 30);
  commit_example(folder, example);
  folder.commit_failure({failed, "non_finite", "loss is nan", "epoch 1", "h", 0, 1, 0});
  const std::string text = report(folder);
  for (const char* part :
       {"TRANSDUCTIVE",
        "INCOMPLETE: 30 cells are not done",
        "baseline: majority class of training",
        "baseline: chance (1/C)",
        "nested selection (per fold, on validation)",
        "lowest validation loss, never of the best test score",
        "no nested",
        "2TP/(2TP+FP+FN)",
        "1 failed:\n      Fusion / lr=0.0003 / seed 2 / fold actor 11: non_finite, loss is nan",
        "29 missing",
        "... and 9 more",
        "22 cells share 11 trials",
        "re-run      new subjects",
        "calibration: expected error",
        "Fusion - Linear",
        "also pooled: macro_f1_occurring",
        "protocol loso, group actor",
        "TRANSDUCTIVE), fitted without epochs",
        "best epoch by validation loss",
        "Cost: 25 trials"}) {
    const bool found = text.find(part) != std::string::npos;
    EXPECT_EQ(found, std::string(part) != "no nested") << part << "\n" << text;
  }
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(line.size(), 100u) << line;
    EXPECT_TRUE(line.empty() || line.back() != ' ') << "'" << line << "'";
  }
  EXPECT_EQ(report(folder), text);
  EXPECT_THROW(report(folder, "docx"), InputError);
  EXPECT_NE(text.find(overview(folder)), std::string::npos);
}

TEST(Report, TextOfACompleteRunCompares) {
  const TemporaryFolder dir;
  const RunFolder folder(dir.path());
  commit_example(folder, make_example());
  const std::string text = report(folder);
  for (const char* part : {"A - B, pooled macro-F1", "Fusion - Linear",
                           "With 2 seeds x 11 subjects", "(which validation chose most often):",
                           "Oracle, no result: lr=", "half the re-run interval takes 3 seeds,",
                           "half the new-subject interval 37 subjects, or"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
  EXPECT_EQ(text.find("INCOMPLETE"), std::string::npos);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100u) << line;
}

TEST(Report, TextOfOneSeedDoesNotClaimOthers) {
  const TemporaryFolder dir;
  const RunFolder folder(dir.path());
  ExampleSizes sizes;
  sizes.seeds = 1;
  commit_example(folder, make_example(sizes));
  const std::string text = report(folder);
  for (const char* part : {"with one seed nothing says", "With 1 seed x 11 subjects"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
  EXPECT_EQ(text.find("half the re-run"), std::string::npos);
}

TEST(Report, WorksForAFolderWithoutRecords) {
  const TemporaryFolder dir;
  const RunFolder folder(dir.path());
  EXPECT_THROW(report(folder), InputError);
  folder.create();
  folder.commit_plan(make_example().plan);
  EXPECT_NE(report(folder).find("INCOMPLETE: 44 cells"), std::string::npos);
  EXPECT_TRUE(nlohmann::json::parse(report(folder, "json")).is_object());
  folder.commit_plan({});
  EXPECT_NO_THROW(report(folder));
}

}  // namespace
}  // namespace emosweep::results
