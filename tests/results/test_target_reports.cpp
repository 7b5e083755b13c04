// Summary, statistics, report, verification and ensembles of labels, aspects and values.
#include <gtest/gtest.h>

#include <cctype>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "results/h5.h"
#include "results/report.h"
#include "results/statistics_parts.h"
#include "results/subjects.h"
#include "results/summary_table.h"
#include "targets.h"

namespace emosweep::results {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Json = nlohmann::json;

class Targets : public testing::Test {
 protected:
  void commit() {
    commit_example(folder_, example_);
    for (const auto& entry : fs::directory_iterator(folder_.path() / "trials")) {
      fs::last_write_time(entry.path(), fs::file_time_type::clock::now() - 10s);
    }
    commit_summary(folder_);
  }
  const PlannedExperiment& planned(const std::string& name) const {
    for (const auto& experiment : example_.plan.experiments) {
      if (experiment.name == name) return experiment;
    }
    throw std::runtime_error("no experiment " + name);
  }
  // Counted anew from the records' predictions.
  Confusion pooled(const std::string& name, std::uint32_t condition, std::uint64_t seed) const {
    Confusion sum(planned(name).target());
    for (const auto& cell : example_.plan.cells) {
      if (example_.plan.experiments[cell.experiment].name != name || cell.seed != seed ||
          cell.condition != condition) {
        continue;
      }
      for (const auto& record : example_.records) {
        if (record.id == cell.id) sum += counted(record.result.targets[0]);
      }
    }
    return sum;
  }
  Json statistics() const { return Json::parse(report(folder_, "json"))["statistics"]; }
  Json experiment(const std::string& name) const {
    const Json all = statistics();
    for (const auto& one : all["experiments"]) {
      if (one["name"] == name) return one;
    }
    throw std::runtime_error("no experiment " + name);
  }

  TemporaryFolder dir_;
  RunFolder folder_{dir_.path() / "run"};
  Example example_ = make_targets_example({2, 4, 9, 3, 3});
};

TEST_F(Targets, TheReportIsTheSameFromTheSummaryAndFromTheRecords) {
  commit();
  Table fast = planned_table(folder_);
  ASSERT_TRUE(fill_from_summary(folder_, fast));
  const Report from_summary(ReportSources{{folder_}});
  std::vector<std::string> fast_formats;
  for (const auto& format : report_formats()) fast_formats.push_back(from_summary.in(format));
  fs::remove(folder_.path() / "summary.h5");
  const Report from_records(ReportSources{{folder_}});
  for (std::size_t i = 0; i < fast_formats.size(); ++i) {
    EXPECT_EQ(fast_formats[i], from_records.in(report_formats()[i])) << report_formats()[i];
  }
}

TEST_F(Targets, TheSummaryHasTheShapesOfTheKinds) {
  commit();
  const auto bytes = read_bytes(folder_.path() / "summary.h5");
  const h5::Reader file(bytes);
  const h5::Node experiments = file.root().open("experiments"),
                 predictions = file.root().open("predictions");
  const std::uint64_t trials = 2 * 2 * 4, n = trials * 9;
  EXPECT_EQ(experiments.open("Fusion").open("confusion").shape(), (h5::Shape{trials, 3, 3}));
  EXPECT_FALSE(experiments.open("Fusion").has_attribute("target"));
  EXPECT_EQ(experiments.open("Labels").open("confusion").shape(), (h5::Shape{trials, 4, 2, 2}));
  EXPECT_EQ(experiments.open("Labels").open("thresholds").shape(), (h5::Shape{trials, 4}));
  EXPECT_EQ(experiments.open("Labels").text("target"), "multi");
  EXPECT_EQ(experiments.open("Labels").text_list("outputs"), planned("Labels").outputs);
  EXPECT_EQ(experiments.open("Aspects").open("confusion").shape(), (h5::Shape{trials, 3, 3, 3}));
  EXPECT_FALSE(experiments.open("Values").has("confusion"));
  EXPECT_EQ(predictions.open("Labels").open("true").shape(), (h5::Shape{n, 4}));
  EXPECT_EQ(predictions.open("Labels").open("probabilities").shape(), (h5::Shape{n, 4}));
  EXPECT_EQ(predictions.open("Aspects").open("predicted").shape(), (h5::Shape{n, 3}));
  EXPECT_EQ(predictions.open("Aspects").open("probabilities").shape(), (h5::Shape{n, 9}));
  EXPECT_EQ(predictions.open("Values").open("true").shape(), (h5::Shape{n, 2}));
  const auto aspects = predictions.open("Aspects").open("true").values<std::int32_t>();
  EXPECT_EQ(*std::min_element(aspects.begin(), aspects.end()), -1);
  const h5::Node columns = file.root().open("trials");
  for (const char* metric : {"micro_f1", "subset_accuracy", "jaccard", "ccc", "mae"}) {
    EXPECT_TRUE(columns.has(metric)) << metric;
  }
}

TEST_F(Targets, PooledScoresAreThoseOfAllRowsOfASeed) {
  commit();
  for (const char* name : {"Labels", "Aspects", "Values"}) {
    const Json own = experiment(name);
    for (std::uint32_t c = 0; c < 2; ++c) {
      for (std::uint64_t seed = 1; seed <= 2; ++seed) {
        // Reports sort conditions by label: the second of the plan comes first.
        for (const auto& [metric, value] : named_scores(pooled(name, 1 - c, seed))) {
          const auto& per_seed = own["conditions"][c]["pooled_" + metric]["per_seed"];
          EXPECT_NEAR(per_seed[seed - 1].get<double>(), value, 1e-12) << name << " " << metric;
        }
      }
    }
    EXPECT_EQ(own["target"], target_kind_name(planned(name).kind));
    const Json& headline =
        own["conditions"][0][own["target"] == "regression" ? "pooled_ccc" : "pooled_macro_f1"];
    EXPECT_FALSE(headline["new_subject_lower"].is_null()) << name;
    EXPECT_FALSE(headline["rerun_lower"].is_null()) << name;
    EXPECT_EQ(own["comparisons"]["pairs"].size(), 1u);
    EXPECT_FALSE(own["comparisons"]["pairs"][0]["p"].is_null()) << name;
  }
}

// What needs whole rows is the mean of what the records say of each cell.
TEST_F(Targets, RowScoresAreMeansOverCells) {
  commit();
  const Json own = experiment("Labels");
  for (const char* metric : {"subset_accuracy", "jaccard"}) {
    double sum = 0;
    for (const auto& cell : example_.plan.cells) {
      if (cell.experiment != 2 || cell.condition != 0) continue;  // the second by label
      for (const auto& record : example_.records) {
        if (record.id != cell.id) continue;
        for (const auto& [name, value] : record.result.test) sum += name == metric ? value : 0;
      }
    }
    EXPECT_NEAR(own["conditions"][1][metric]["mean"].get<double>(), sum / 8, 1e-12);
    EXPECT_EQ(own["conditions"][1].count(std::string("pooled_") + metric), 0u);
  }
}

// Training shares 30, 40, 50 and 60 of 100: the third and the fourth label are predicted, and drawn
// by these shares the first is hit in n q p of n rows.
TEST_F(Targets, BaselinesOfLabelsByHand) {
  commit();
  const Confusion all = pooled("Labels", 0, 1);
  double majority = 0, present = 0, chance = 0, hits = 0, truth = 0, drawn = 0;
  const double n = 36;
  for (std::int64_t label = 0; label < 4; ++label) {
    const auto counts = all.counts.begin() + 4 * label;
    const auto rows = static_cast<double>(counts[2] + counts[3]);
    const double share = 0.3 + 0.1 * static_cast<double>(label);
    if (label >= 2) majority += 2 * rows / (rows + n) / 4;
    present += 2 * rows / (rows + n) / 4;
    chance += 2 * rows * share / (rows + n * share) / 4;
    hits += rows * share;
    truth += rows;
    drawn += n * share;
  }
  const Json own = experiment("Labels")["conditions"][0];
  EXPECT_NEAR(own["majority_macro_f1"]["per_seed"][0].get<double>(), majority, 1e-12);
  EXPECT_NEAR(own["present_macro_f1"]["per_seed"][0].get<double>(), present, 1e-12);
  EXPECT_NEAR(own["chance_macro_f1"]["per_seed"][0].get<double>(), chance, 1e-12);
  EXPECT_NEAR(own["chance_micro_f1"]["per_seed"][0].get<double>(), 2 * hits / (truth + drawn),
              1e-12);
  EXPECT_NEAR(own["outputs"][1]["train_share"].get<double>(), 0.4, 1e-12);
  EXPECT_NEAR(own["outputs"][1]["threshold"].get<double>(), 0.25, 1e-12);
  EXPECT_EQ(own["outputs"][3]["f1"].get<double>(), 0) << "nobody has the last label";
}

// The last class has most training rows of every aspect.
TEST_F(Targets, BaselinesOfAspectsByHand) {
  commit();
  const Confusion all = pooled("Aspects", 1, 2);
  double weighted = 0, chance = 0;
  for (std::int64_t a = 0; a < 3; ++a) {
    const Confusion own = all.block(a);
    std::vector<double> rows(3);
    for (std::size_t i = 0; i < 9; ++i) rows[i / 3] += static_cast<double>(own.counts[i]);
    const double n = rows[0] + rows[1] + rows[2];
    weighted += rows[2] / n * 2 * rows[2] / (rows[2] + n) / 3;
    for (std::int64_t k = 0; k < 3; ++k) {
      const double share = static_cast<double>(20 + 7 * k + a) / static_cast<double>(81 + 3 * a);
      const double r = rows[static_cast<std::size_t>(k)];
      chance += 2 * r * share / (r + n * share) / 9;
    }
  }
  const Json own = experiment("Aspects")["conditions"][1];
  EXPECT_NEAR(own["majority_weighted_f1"]["per_seed"][1].get<double>(), weighted, 1e-12);
  EXPECT_NEAR(own["chance_macro_f1"]["per_seed"][1].get<double>(), chance, 1e-12);
  EXPECT_NEAR(own["majority_uar"]["per_seed"][1].get<double>(), 1.0 / 3, 1e-12);
  double mean = 0;
  for (const auto& aspect : own["outputs"]) mean += aspect["weighted_f1"].get<double>() / 3;
  EXPECT_NEAR(mean, own["pooled_weighted_f1"]["mean"].get<double>(), 1e-12);
  EXPECT_EQ(own["classes"].size(), 9u);
  EXPECT_EQ(own["classes"][4]["class"], "staff: neutral");
}

// The mean of the training rows as every prediction: of a constant the concordance is 0 and the
// correlation undefined.
TEST_F(Targets, BaselineOfValuesByHand) {
  commit();
  const TargetSpec spec = make_spec(TargetKind::regression);
  const std::size_t outputs = spec.outputs.size();
  double error = 0, squares = 0;
  std::vector<double> square(outputs, 0);
  std::size_t values = 0;
  for (const auto& cell : example_.plan.cells) {
    if (example_.plan.experiments[cell.experiment].name != "Values" || cell.condition != 0 ||
        cell.seed != 1)
      continue;
    for (const auto& record : example_.records) {
      if (record.id != cell.id) continue;
      const TargetResult& own = record.result.targets[0];
      ASSERT_EQ(own.train_mean.size(), outputs);
      for (std::size_t i = 0; i < own.true_value.size(); ++i, ++values) {
        const double off = own.true_value[i] - own.train_mean[i % outputs];
        error += std::abs(off);
        square[i % outputs] += off * off;
      }
    }
  }
  ASSERT_GT(values, 0u);
  const double rows = static_cast<double>(values / outputs);
  for (const double own : square) squares += std::sqrt(own / rows) / static_cast<double>(outputs);
  const Json own = experiment("Values")["conditions"][0];
  EXPECT_NEAR(own["train_mean_mae"]["per_seed"][0].get<double>(),
              error / static_cast<double>(values), 1e-12);
  EXPECT_NEAR(own["train_mean_rmse"]["per_seed"][0].get<double>(), squares, 1e-12);
  EXPECT_NEAR(own["train_mean_ccc"]["per_seed"][0].get<double>(), 0, 1e-12);
  EXPECT_NE(report(folder_, "text").find("baseline: mean of the training rows"), std::string::npos);
}

// Records of before the means were kept have no such baseline.
TEST_F(Targets, ValuesWithoutTrainingMeansHaveNoBaseline) {
  for (auto& record : example_.records) record.result.targets[0].train_mean.clear();
  commit();
  EXPECT_TRUE(experiment("Values")["conditions"][0]["train_mean_mae"]["mean"].is_null());
  for (const char* format : {"text", "html", "latex"})
    EXPECT_EQ(report(folder_, format).find("mean of the training rows"), std::string::npos)
        << format;
}

// A baseline of some folds beside a score of all would be no baseline.
TEST_F(Targets, AnOlderRecordAmongThoseOfASeedLeavesItWithoutBaseline) {
  for (const auto& cell : example_.plan.cells) {
    if (example_.plan.experiments[cell.experiment].name != "Values" || cell.seed != 1) continue;
    for (auto& record : example_.records) {
      if (record.id == cell.id) record.result.targets[0].train_mean.clear();
    }
    break;
  }
  commit();
  const Json conditions = experiment("Values")["conditions"];
  int without = 0;
  for (const auto& own : conditions) {
    without += own["train_mean_mae"]["per_seed"][0].is_null();
    EXPECT_FALSE(own["train_mean_mae"]["per_seed"][1].is_null());
  }
  EXPECT_EQ(without, 1);
}

// delete-one-subject scores of values are those of the other subjects' rows.
TEST_F(Targets, SubjectsOfValuesAreLeftOutOneByOne) {
  commit();
  Table table = planned_table(folder_);
  fill_table(folder_, table, nullptr);
  std::vector<const Row*> rows;
  for (const Row& row : table.rows) {
    if (table.experiments[row.cell.experiment].kind == TargetKind::regression &&
        row.cell.condition == 0) {
      rows.push_back(&row);
    }
  }
  const SubjectTable subjects = subject_table(rows);
  const Metric ccc = report_metrics(TargetKind::regression)[0].value;
  const ScoreTable values = pseudo_values(subjects.counts, ccc);
  ASSERT_EQ(values.subjects(), 4u);
  for (std::size_t s = 0; s < 2; ++s) {
    const auto without = [&](std::size_t left_out) {
      Confusion sum(make_spec(TargetKind::regression));
      for (std::size_t g = 0; g < 4; ++g) {
        if (g != left_out) sum += *subjects.counts.cells[s * 4 + g];
      }
      return ccc(sum);
    };
    const double mean = (without(0) + without(1) + without(2) + without(3)) / 4;
    for (std::size_t g = 0; g < 4; ++g) {
      EXPECT_NEAR(values.at(s, g), without(9) + 3 * (mean - without(g)), 1e-9);
    }
  }
}

TEST_F(Targets, ExperimentsOfDifferentKindsAreNotCompared) {
  commit();
  std::size_t others = 0;
  const Json all = statistics();
  for (const auto& pair : all["comparisons"]["pairs"]) {
    const bool other =
        pair["absent_because"].get<std::string>().find("different kinds") != std::string::npos;
    const auto single = [](const Json& name) { return name == "Fusion" || name == "Linear"; };
    EXPECT_EQ(other, !(single(pair["a"]) && single(pair["b"])));
    others += other;
  }
  EXPECT_EQ(others, 9u);
  EXPECT_NE(report(folder_, "text").find("never compared with each other"), std::string::npos);
}

// How often `word` stands by itself.
std::size_t words(const std::string& text, const std::string& word) {
  const auto letter = [&](std::size_t at) {
    return at < text.size() && std::isalpha(static_cast<unsigned char>(text[at]));
  };
  std::size_t n = 0;
  for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; at += word.size()) {
    n += !(at > 0 && letter(at - 1)) && !letter(at + word.size());
  }
  return n;
}

TEST_F(Targets, NoFormatPrintsNonsense) {
  example_.records.back().result.curves.push_back({"train_acuity", {3, 2, 1}});
  example_.records.back().result.curves.push_back({"validation_acuity", {3, 2, 1}});
  commit();
  const Report all(ReportSources{{folder_}});
  for (const auto& format : report_formats()) {
    const std::string text = all.in(format);
    for (const char* nonsense : {"nan", "inf"}) EXPECT_EQ(words(text, nonsense), 0u) << format;
  }
  const std::string text = all.in("text"), html = all.in("html"), latex = all.in("latex");
  for (const char* said :
       {"Labels", "micro-F1 pooled", "weighted F1 pooled", "CCC pooled",
        "baseline: every label present", "fear & awe", "known rows", "valence"}) {
    EXPECT_NE(text.find(said), std::string::npos) << said;
  }
  for (const char* said : {"fear &amp; awe", "F1 of each label",
                           "Scores with both intervals: Aspects", "Terms of the loss", "acuity"}) {
    EXPECT_NE(html.find(said), std::string::npos) << said;
  }
  EXPECT_NE(latex.find("tab:scores-multi"), std::string::npos);
  EXPECT_NE(latex.find("fear \\& awe"), std::string::npos);
  EXPECT_NE(all.in("csv").find(",ccc,"), std::string::npos);
  EXPECT_GT(all.figures().size(), 20u);
}

TEST_F(Targets, VerifyLooksAtEveryKind) {
  for (const auto kind : {TargetKind::multi, TargetKind::aspects, TargetKind::regression}) {
    SCOPED_TRACE(target_kind_name(kind));
    const auto found =
        std::find_if(example_.records.begin(), example_.records.end(),
                     [&](const TrialRecord& r) { return r.result.targets[0].spec.kind == kind; });
    const TrialRecord whole = *found;
    const TemporaryFolder place;
    const auto problem = [&](const TrialRecord& record) {
      *found = record;
      const RunFolder folder(place.path() / std::to_string(std::rand()));
      commit_example(folder, example_);
      commit_summary(folder);
      folder.commit_state({});
      const auto problems = verify(folder);
      *found = whole;
      return problems.empty() ? std::string() : problems[0];
    };
    EXPECT_EQ(problem(whole), "");
    TrialRecord other = whole;
    other.result.test[0].second += 1e-6;
    EXPECT_NE(problem(other).find("does not follow"), std::string::npos);
    if (kind == TargetKind::regression) continue;
    other = whole;
    ++other.result.targets[0].confusion[0];
    EXPECT_NE(problem(other), "");
    other = whole;
    std::int32_t& predicted = other.result.targets[0].predicted[0];
    predicted = predicted == 0 ? 1 : 0;
    EXPECT_NE(problem(other), "");
    if (kind != TargetKind::multi) continue;
    other = whole;
    other.result.targets[0].thresholds[0] = 0.99;
    EXPECT_NE(problem(other).find("thresholds"), std::string::npos);
    other = whole;
    for (auto& [name, value] : other.result.test) value += name == "jaccard" ? 1e-6 : 0;
    EXPECT_NE(problem(other).find("jaccard"), std::string::npos);
  }
}

// The members are the experiment's two seeds.
TEST_F(Targets, EnsemblesAverageEveryKind) {
  for (auto& experiment : example_.plan.experiments) experiment.conditions.resize(1);
  std::erase_if(example_.plan.cells, [](const Cell& cell) { return cell.condition > 0; });
  commit_example(folder_, example_);
  for (const char* name : {"Labels", "Aspects", "Values"}) {
    const Json json = Json::parse(Report(ReportSources{{folder_}, {}, {name}}).in("json"));
    bool there = false;
    for (const auto& one : json["statistics"]["experiments"]) {
      if (one["name"] != std::string(name) + ", seeds averaged") continue;
      there = true;
      const bool values = one["target"] == "regression";
      const char* metric = values ? "pooled_ccc" : "pooled_macro_f1";
      EXPECT_EQ(one["conditions"][0]["done"], 4);
      EXPECT_FALSE(one["conditions"][0][metric]["mean"].is_null()) << name;
      EXPECT_NE(one["notes"].dump().find(values ? "mean of the values" : "likelihood"),
                std::string::npos);
    }
    EXPECT_TRUE(there) << name;
  }
  // By hand: the mean of what two seeds predict.
  Confusion expected(make_spec(TargetKind::regression));
  std::vector<const TargetResult*> members;
  for (const auto& cell : example_.plan.cells) {
    if (cell.experiment != 4) continue;
    for (const auto& record : example_.records) {
      if (record.id == cell.id) members.push_back(&record.result.targets[0]);
    }
  }
  ASSERT_EQ(members.size(), 8u);  // seed 1, then seed 2, by fold
  for (std::size_t f = 0; f < 4; ++f) {
    const TargetResult &a = *members[f], &b = *members[f + 4];
    for (std::size_t i = 0; i < a.true_value.size(); ++i) {
      expected.add_value(static_cast<std::int64_t>(i % 2), a.true_value[i],
                         (a.predicted_value[i] + b.predicted_value[i]) / 2);
    }
  }
  const Json json = Json::parse(Report(ReportSources{{folder_}, {}, {"Values"}}).in("json"));
  for (const auto& one : json["statistics"]["experiments"]) {
    if (one["name"] != "Values, seeds averaged") continue;
    EXPECT_NEAR(one["conditions"][0]["pooled_ccc"]["mean"].get<double>(),
                regression_scores(expected).ccc, 1e-12);
  }
}

TEST(LossTerms, AreWhatTrainingCurvesNameBesideMetrics) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(loss_terms({"train_loss", "train_cross_entropy", "train_rows", "lr"}), Names{});
  EXPECT_EQ(loss_terms({"train_loss", "train_a", "validation_loss", "train_macro_f1", "train_b"}),
            (Names{"a", "b"}));
}

TEST_F(Targets, ARecordOfAnotherKindDoesNotBelongToItsCell) {
  example_.plan.experiments[2].kind = TargetKind::aspects;
  commit_example(folder_, example_);
  Table table = planned_table(folder_);
  EXPECT_THROW(fill_table(folder_, table, nullptr), InputError);
}

}  // namespace
}  // namespace emosweep::results
