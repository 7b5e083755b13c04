// Results of other programs: the report of a CSV against the report of the run folder that holds
// the same predictions, and against figures of SciPy and scikit-learn.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/canonical.h"
#include "base/error.h"
#include "example.h"
#include "numbers.h"
#include "results/report.h"

namespace emosweep::results {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

ReportSources csv_sources(std::vector<fs::path> files, const std::string& metric = "score") {
  ReportSources sources;
  sources.csv = std::move(files);
  sources.metric = metric;
  return sources;
}

Json statistics_of(const ReportSources& sources) {
  return Json::parse(Report(sources).in("json")).at("statistics");
}

// The example, an experiment a condition, so that all are compared with all.
Example example_of_conditions() {
  Example example = make_example();
  const PlanFile old = example.plan;
  example.plan.experiments.clear();
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> places;
  for (auto& cell : example.plan.cells) {
    const auto [place, is_new] =
        places.try_emplace({cell.experiment, cell.condition},
                           static_cast<std::uint32_t>(example.plan.experiments.size()));
    if (is_new) {
      PlannedExperiment experiment = old.experiments[cell.experiment];
      experiment.conditions = {experiment.conditions[cell.condition]};
      experiment.name += ", \"" + experiment.conditions[0] + "\"";
      example.plan.experiments.push_back(experiment);
    }
    cell.experiment = place->second;
    cell.condition = 0;
  }
  return example;
}

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) result += c == '"' ? "\"\"" : std::string(1, c);
  return result + "\"";
}

// Every prediction of the records; `fold_of` renames folds.
template <class FoldOf>
std::string csv_of(const Example& example, const FoldOf& fold_of) {
  std::string text = "seed,fold,true,predicted,experiment,condition,group,sample";
  const auto& classes = example.plan.experiments[0].classes;
  for (const auto& name : classes) text += ",p_" + name;
  text += "\n";
  std::map<Digest, const TrialRecord*> records;
  for (const auto& record : example.records) records[record.id] = &record;
  for (const auto& cell : example.plan.cells) {
    const PlannedExperiment& experiment = example.plan.experiments[cell.experiment];
    const TargetResult& target = records.at(cell.id)->result.targets[0];
    for (std::size_t i = 0; i < target.sample.size(); ++i) {
      const auto sample = static_cast<std::size_t>(target.sample[i]);
      const std::string of_row[] = {std::to_string(cell.seed),
                                    fold_of(cell.fold),
                                    classes[static_cast<std::size_t>(target.truth[i])],
                                    classes[static_cast<std::size_t>(target.predicted[i])],
                                    quoted(experiment.name),
                                    quoted(experiment.conditions[0]),
                                    example.samples.groups[0].second[sample],
                                    example.samples.id[sample]};
      for (const auto& value : of_row) text += (&value == of_row ? "" : ",") + value;
      for (std::size_t c = 0; c < classes.size(); ++c) {
        text += "," + number_text(static_cast<double>(target.probability[i * classes.size() + c]));
      }
      text += "\n";
    }
  }
  return text;
}

TEST(CsvSource, SaysWhatTheRunFolderSays) {
  const TemporaryFolder dir;
  const Example example = example_of_conditions();
  commit_example(RunFolder(dir.path()), example);
  write_file(dir.path() / "own.csv", csv_of(example, [](const auto& fold) { return fold; }));
  const Json folder = statistics_of(ReportSources{{RunFolder(dir.path())}});
  const Json csv = statistics_of(csv_sources({dir.path() / "own.csv"}));
  EXPECT_EQ(csv.at("comparisons"), folder.at("comparisons"));
  EXPECT_EQ(csv.at("comparisons").at("pairs").size(), 3u);
  for (const char* format : {"html", "csv", "latex"}) {
    const std::string page = Report(csv_sources({dir.path() / "own.csv"})).in(format);
    EXPECT_NE(page.find("Fusion"), std::string::npos) << format;
  }
  EXPECT_TRUE(csv.at("comparisons").at("pairs").at(0).at("p").is_number());
  ASSERT_EQ(csv.at("experiments").size(), 3u);
  for (std::size_t e = 0; e < 3; ++e) {
    const Json &own = csv["experiments"][e], &theirs = folder["experiments"][e];
    for (const char* key : {"name", "classes", "chance", "seeds", "folds", "complete"}) {
      EXPECT_EQ(own.at(key), theirs.at(key)) << key;
    }
    Json a = own.at("conditions"), b = theirs.at("conditions");
    for (Json* one : {&a, &b}) {
      for (const char* key : {"majority_macro_f1", "majority_accuracy", "trials"}) {
        ASSERT_EQ((*one)[0].erase(key), 1u);
      }
    }
    EXPECT_EQ(a, b);
    EXPECT_TRUE(own["conditions"][0]["majority_macro_f1"]["mean"].is_null());  // nobody knows
    EXPECT_GT(own["conditions"][0]["calibration"]["rows"], 0);
    EXPECT_EQ(own["headline"]["bootstrap"], theirs["headline"]["bootstrap"]);
    EXPECT_EQ(own["headline"]["subjects"], theirs["headline"]["subjects"]);
  }
}

// Subjects are those of the column, however the folds were cut.
TEST(CsvSource, FoldsOfSeveralSubjects) {
  const TemporaryFolder dir;
  const Example example = example_of_conditions();
  write_file(dir.path() / "loso.csv", csv_of(example, [](const auto& fold) { return fold; }));
  write_file(dir.path() / "halves.csv", csv_of(example, [](const std::string& fold) {
               return fold.size() % 2 ? "odd" : "even";
             }));
  const Json loso = statistics_of(csv_sources({dir.path() / "loso.csv"}));
  const Json halves = statistics_of(csv_sources({dir.path() / "halves.csv"}));
  EXPECT_EQ(halves["experiments"][0]["folds"].size(), 2u);
  EXPECT_EQ(halves["comparisons"], loso["comparisons"]);
  for (std::size_t e = 0; e < 3; ++e) {
    EXPECT_EQ(halves["experiments"][e]["conditions"][0]["pooled_macro_f1"],
              loso["experiments"][e]["conditions"][0]["pooled_macro_f1"]);
  }
  // Two files are two sources: their folds differ, so nothing is compared over them.
  const Json both =
      statistics_of(csv_sources({dir.path() / "loso.csv", dir.path() / "halves.csv"}));
  EXPECT_EQ(both["experiments"].size(), 6u);
  std::size_t compared = 0, refused = 0;
  for (const auto& pair : both["comparisons"]["pairs"]) {
    const bool own =
        pair["a"].get<std::string>().substr(0, 4) == pair["b"].get<std::string>().substr(0, 4);
    compared += own && pair["p"].is_number();
    refused += !own && pair["absent_because"].get<std::string>().starts_with("other splits: ");
  }
  EXPECT_EQ(compared, 6u);
  EXPECT_EQ(refused, 9u);
}

void expect_near(const Json& ours, const Json& theirs, double tolerance = kClosed) {
  expect_close(ours.get<double>(), theirs.get<double>(), tolerance, theirs.dump());
}

TEST(CsvSource, MetricsAreThoseOfScikitLearn) {
  const TemporaryFolder dir;
  const Json& expected = fixture("golden_stats").at("classification");
  std::string text = "fold,true,predicted\n";
  for (std::size_t i = 0; i < expected.at("y").size(); ++i) {
    text += "f," + expected["y"][i].dump() + "," + expected["p"][i].dump() + "\n";
  }
  write_file(dir.path() / "golden.csv", text);
  const Json experiment = statistics_of(csv_sources({dir.path() / "golden.csv"}))["experiments"][0];
  EXPECT_EQ(experiment.at("name"), "golden");
  const Json condition = experiment["conditions"][0];
  // A class that occurs nowhere in the file is not known: one class fewer than the fixture has.
  const double classes = experiment["classes"].size();
  const double all = expected.at("labels").size();
  expect_close(condition["pooled_macro_f1"]["mean"].get<double>() * classes / all,
               expected["macro_f1_all_labels"].get<double>(), kClosed, "macro_f1");
  expect_near(condition["pooled_macro_f1_occurring"]["mean"], expected["macro_f1_default"]);
  expect_near(condition["pooled_uar"]["mean"], expected["uar"]);
  expect_near(condition["pooled_accuracy"]["mean"], expected["acc"]);
  expect_near(condition["pooled_mcc"]["mean"], expected["mcc"]);
  expect_near(condition["pooled_kappa"]["mean"], expected["kappa"]);
  const std::string all_text = Report(csv_sources({dir.path() / "golden.csv"})).in("text");
  for (const char* part : {"no column 'seed'", "no majority baseline", "taken on trust"}) {
    EXPECT_NE(all_text.find(part), std::string::npos) << part << "\n" << all_text;
  }
  EXPECT_EQ(all_text.find("Cost:"), std::string::npos);
}

std::string golden_scores(const char* name, bool groups) {
  std::string text;
  const Json& table = fixture("golden_stats").at(name);
  for (std::size_t s = 0; s < table.size(); ++s) {
    for (std::size_t g = 0; g < table[s].size(); ++g) {
      const std::string fold = std::to_string(g + 1);
      text += std::string(name) + "," + std::to_string(s) + "," + fold + "," +
              (groups ? "s" + fold + "," : "") + table[s][g].dump() + "\n";
    }
  }
  return text;
}

TEST(CsvSource, ScoresGiveTheFiguresOfSciPy) {
  const TemporaryFolder dir;
  write_file(dir.path() / "scores.csv", "experiment,seed,fold,group,score\n" +
                                            golden_scores("A", true) + golden_scores("B", true));
  const auto sources = csv_sources({dir.path() / "scores.csv"}, "CCC");
  const Json statistics = statistics_of(sources);
  const Json& golden = fixture("golden_stats");
  for (std::size_t e = 0; e < 2; ++e) {
    const Json& expected = golden.at(e == 0 ? "summary_A" : "summary_B");
    const Json experiment = statistics["experiments"][e], condition = experiment["conditions"][0];
    EXPECT_EQ(experiment["metric"], "mean CCC");
    EXPECT_EQ(condition.count("pooled_macro_f1"), 0u);
    EXPECT_EQ(condition.count("confusion"), 0u);
    const Json &score = condition["mean_score"], &cells = condition["score"];
    expect_near(score["mean"], expected["mean"], kClosed);
    expect_near(score["sd"], expected["sd_seed_means"], kClosed);
    expect_near(score["rerun_lower"], expected["ci_seed_t"][0], kQuantile);
    expect_near(score["rerun_upper"], expected["ci_seed_t"][1], kQuantile);
    expect_near(score["new_subject_lower"], expected["ci_fold_t"][0], kQuantile);
    expect_near(score["new_subject_upper"], expected["ci_fold_t"][1], kQuantile);
    expect_near(score["variance_seed"], expected["var_seed"], kClosed);
    expect_near(score["variance_residual"], expected["var_err"], kClosed);
    expect_near(cells["sd"], expected["sd_cells"], kClosed);
    expect_near(cells["median"], expected["median"], kClosed);
    expect_near(cells["interquartile_mean"], expected["iqm"], kClosed);
  }
  const Json pair = statistics["comparisons"]["pairs"][0], &expected = golden.at("compare_A_B");
  expect_near(pair["paired_t"], expected["paired_t"], kClosed);
  expect_near(pair["paired_t_p"], expected["paired_p_two"], kQuantile);
  expect_near(pair["wilcoxon_p"], expected["wilcoxon_fold_means"]["p_exact_two"], kClosed);
  expect_near(pair["d_z"], expected["cohen_dz"], kClosed);
  const std::string text = Report(sources).in("text");
  for (const char* part :
       {"A - B, mean CCC", "95 % intervals of mean CCC", "A (mean CCC)", "by 0.0119,",
        "mean over folds per seed", "scores highest of 2: 0.623 CCC"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
  EXPECT_THROW(Report(sources).in("html"), InputError);
  EXPECT_THROW(Report(sources).figures(), InputError);
  // Without groups a fold is the unit, and that is said.
  write_file(dir.path() / "folds.csv", "experiment,seed,fold,score\n" + golden_scores("A", false));
  const Json folds = statistics_of(csv_sources({dir.path() / "folds.csv"}))["experiments"][0];
  EXPECT_EQ(folds["conditions"][0]["mean_score"]["new_subject_lower"],
            statistics["experiments"][0]["conditions"][0]["mean_score"]["new_subject_lower"]);
  EXPECT_NE(folds["notes"].dump().find("every fold stands for a subject"), std::string::npos);
}

class CsvMistakes : public testing::Test {
 protected:
  std::string problem(const std::string& text) {
    write_file(dir_.path() / "x.csv", text);
    std::string what;
    try {
      Report(csv_sources({dir_.path() / "x.csv"})).in("text");
    } catch (const InputError& error) {
      what = error.what();
    }
    const std::string start = (dir_.path() / "x.csv").string() + ":";
    for (std::size_t at; (at = what.find(start)) != std::string::npos;)
      what.erase(at, start.size());
    return what;
  }
  TemporaryFolder dir_;
};

TEST_F(CsvMistakes, OfTheHeader) {
  EXPECT_EQ(problem("fold,true,predicted\nf,a,a\n"), "");
  EXPECT_EQ(problem("fold,true,predictd\nf,a,a\n"),
            "1: column 'predictd' is not known; did you mean 'predicted'?\n"
            "1: columns 'true' and 'predicted' (or 'score', one a cell) are missing");
  EXPECT_EQ(problem("true,predicted\na,a\n"),
            "1: column 'fold' is missing: which test part each row is of");
  EXPECT_NE(problem("fold,score,true,predicted\nf,1,a,a\n").find("is of a whole cell"),
            std::string::npos);
  EXPECT_NE(
      problem("fold,score,zzzzz\nf,1,a\n").find("'zzzzz' is not known; these are: experiment"),
      std::string::npos);
  EXPECT_EQ(problem("fold,true,predicted,p_a\nf,a,b,1\n"),
            "1: there is no column 'p_b' for class 'b' of 'true' and 'predicted'");
}

TEST_F(CsvMistakes, OfTheRows) {
  EXPECT_EQ(problem("fold,true,predicted\n"), "2: there are no rows");
  EXPECT_EQ(problem("fold,seed,true,predicted\nf,1.5,a,\n,-1,a,b\n"),
            "2: column 'seed': '1.5' is no whole number from 0 on\n"
            "2: column 'predicted': the cell is empty\n"
            "3: column 'fold': the cell is empty\n"
            "3: column 'seed': '-1' is no whole number from 0 on");
  EXPECT_EQ(problem("fold,score\nf,nan\ng,x\nf,1\n"),
            "2: column 'score': 'nan' is no finite number\n"
            "3: column 'score': 'x' is no finite number\n"
            "4: column 'score': this condition, seed and fold has a score on line 2 already");
  EXPECT_EQ(problem("fold,sample,group,true,predicted\nf,1,u,a,a\ng,2,u,a,a\ng,1,v,b,b\n"),
            "4: column 'true': 'b' of sample '1', which has 'a' on line 2\n"
            "4: column 'group': 'v' of sample '1', which has 'u' on line 2\n"
            "4: column 'sample': the same seed has tested '1' on line 2 already");
  EXPECT_EQ(problem("fold,true,predicted,p_a,p_b\nf,a,a,.5,.6\nf,a,a,2,-1\n"),
            "2: column 'p_a': the probabilities of the row add up to 1.100000, not 1\n"
            "3: column 'p_a': '2' is no probability from 0 to 1\n"
            "3: column 'p_b': '-1' is no probability from 0 to 1");
  std::string many = "fold,seed,true,predicted\n";
  for (int i = 0; i < 100; ++i) many += "f,x,a,a\n";
  const std::string what = problem(many);
  EXPECT_EQ(std::count(what.begin(), what.end(), '\n'), 19);
}

// A seed that lacks a fold is incomplete, as in a run folder.
TEST_F(CsvMistakes, AFoldThatASeedLacksIsMissing) {
  write_file(dir_.path() / "x.csv",
             "seed,fold,group,true,predicted\n1,f,f,a,a\n1,g,g,b,b\n2,f,f,a,a\n");
  const Json experiment = statistics_of(csv_sources({dir_.path() / "x.csv"}))["experiments"][0];
  EXPECT_EQ(experiment["complete"], false);
  EXPECT_EQ(experiment["conditions"][0]["missing"], 1);
  EXPECT_TRUE(experiment["conditions"][0]["pooled_macro_f1"]["per_seed"][1].is_null());
  EXPECT_EQ(experiment["missing"][0]["fold"], "g");
}

TEST(CsvSource, StandsBesideARunFolder) {
  const TemporaryFolder dir;
  const Example example = example_of_conditions();
  commit_example(RunFolder(dir.path() / "run"), example);
  write_file(dir.path() / "own.csv", csv_of(example, [](const auto& fold) { return fold; }));
  ReportSources sources = csv_sources({dir.path() / "own.csv"});
  sources.folders.emplace_back(dir.path() / "run");
  const Json statistics = statistics_of(sources);
  EXPECT_EQ(statistics["experiments"].size(), 6u);
  EXPECT_EQ(statistics["experiments"][0]["source"], "own.csv");
  EXPECT_EQ(statistics["experiments"][0]["name"], "own.csv: Fusion, \"lr=0.0003\"");
  EXPECT_EQ(statistics["experiments"][3]["source"], "run");
  EXPECT_EQ(Json::parse(Report(sources).in("json"))["cost"]["trials"], 11 + 44);
}

}  // namespace
}  // namespace emosweep::results
