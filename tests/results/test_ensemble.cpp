// Ensembles: the weights, and a run folder's experiments averaged in its report.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "example.h"
#include "results/derived_table.h"
#include "results/mixture.h"
#include "results/report.h"
#include "results/training.h"

namespace emosweep::results {
namespace {

// Random probabilities that favour the truth by `skill`.
std::vector<float> predictions(const std::vector<std::int32_t>& truth, std::size_t classes,
                               double skill, std::uint32_t seed) {
  Numbers numbers(seed);
  std::vector<float> p;
  for (const std::int32_t t : truth) {
    std::vector<double> row(classes);
    for (double& x : row) x = numbers.unit() + .05;
    row[static_cast<std::size_t>(t)] += skill;
    const double sum = std::accumulate(row.begin(), row.end(), 0.0);
    for (const double x : row) p.push_back(static_cast<float>(x / sum));
  }
  return p;
}

// Of predictions of one label of some classes.
std::vector<double> weights_of(const std::vector<std::span<const float>>& members,
                               const std::vector<std::int32_t>& truth, std::int64_t classes) {
  const TargetSpec spec{"", TargetKind::single, {}, class_names(classes)};
  std::vector<std::vector<double>> of_truth;
  for (const auto& own : members) {
    of_truth.push_back(probability_of_truth(
        spec, own.first(truth.size() * static_cast<std::size_t>(classes)), truth));
  }
  return mixture_weights(of_truth);
}

TEST(Mixture, WeightsMaximiseTheLikelihood) {
  std::vector<std::int32_t> truth;
  for (std::int32_t i = 0; i < 60; ++i) truth.push_back(i % 3);
  const std::vector<std::vector<float>> of = {
      predictions(truth, 3, .8, 1), predictions(truth, 3, .5, 2), predictions(truth, 3, .1, 3)};
  const std::vector<std::span<const float>> members(of.begin(), of.end());
  const auto likelihood = [&](const std::vector<double>& w) {
    double sum = 0;
    for (std::size_t i = 0; i < truth.size(); ++i) {
      double p = 0;
      for (std::size_t m = 0; m < 3; ++m)
        p += w[m] * static_cast<double>(of[m][i * 3 + static_cast<std::size_t>(truth[i])]);
      sum += std::log(p);
    }
    return sum;
  };
  const std::vector<double> w = weights_of(members, truth, 3);
  EXPECT_NEAR(w[0] + w[1] + w[2], 1, 1e-9);
  EXPECT_GT(w[0], w[1]);
  const double best = likelihood(w);
  for (int a = 0; a <= 40; ++a) {  // no point of a grid over the simplex is better
    for (int b = 0; a + b <= 40; ++b) {
      EXPECT_LE(likelihood({a / 40., b / 40., (40 - a - b) / 40.}), best + 1e-6);
    }
  }
}

TEST(Mixture, EdgesAreWhatTheyMustBe) {
  const std::vector<std::int32_t> truth{0, 1, 0, 1};
  const std::vector<float> sure{1, 0, 0, 1, 1, 0, 0, 1}, wrong{0, 1, 1, 0, 0, 1, 1, 0};
  const std::vector<std::span<const float>> members{sure, wrong};
  const auto w = weights_of(members, truth, 2);
  EXPECT_NEAR(w[0], 1, 1e-6);
  const std::vector<std::span<const float>> twins{sure, sure};
  EXPECT_EQ(weights_of(twins, truth, 2), (std::vector<double>{.5, .5}));
  EXPECT_EQ(weights_of(members, {}, 2), (std::vector<double>{.5, .5}));
  const std::vector<double> half{.25, .75};
  EXPECT_EQ(mixture(members, half)[0], .25f);
}

// "Linear" with one condition and "Network", which knows better, both with validation predictions.
struct Finished {
  TemporaryFolder place;
  RunFolder folder{place.path()};
  Example example = make_example({2, 3, 6, 3, 4});

  explicit Finished(bool validates = true) {
    PlanFile& plan = example.plan;
    plan.experiments.push_back(plan.experiments[0]);
    plan.experiments[2].name = "Network";
    plan.experiments[2].normalise = "train";
    for (std::uint64_t seed = 1; seed <= 2; ++seed) {
      for (int f = 1; f <= 3; ++f) {
        const std::string fold = "actor " + std::to_string(f);
        TrialRecord record =
            make_record("network " + fold + std::to_string(seed), {6, 3, 4}, (f - 1) * 6);
        plan.cells.push_back({record.id, 2, 0, seed, fold, fold});
        example.records.push_back(std::move(record));
      }
    }
    for (std::size_t r = 0; validates && r < example.records.size(); ++r) {
      TargetResult& target = example.records[r].result.targets[0];
      const bool network = r + 6 >= example.records.size();
      target.validation.sample = {100, 101, 102, 103};
      target.validation.truth = {0, 1, 2, 0};
      target.validation.probability =
          predictions(target.validation.truth, 3, network ? 2 : .2, static_cast<std::uint32_t>(r));
    }
    commit_example(folder, example);
  }
  Table table(const std::string& asked) const { return derived_table(folder, {}, {asked}); }
  std::string error(const std::string& asked) const {
    try {
      table(asked);
    } catch (const InputError& e) {
      return e.what();
    }
    return "";
  }
};

std::vector<const Row*> rows_of(const Table& table, const std::string& name) {
  std::vector<const Row*> rows;
  for (const Row& row : table.rows) {
    if (table.experiments[row.cell.experiment].name == name) rows.push_back(&row);
  }
  return rows;
}

TEST(Ensemble, AveragesEverySeedAndFoldByItsOwnWeights) {
  const Finished run;
  const Table table = run.table("Linear/Network");
  const auto rows = rows_of(table, "Linear + Network");
  ASSERT_EQ(rows.size(), 6u);
  for (const Row* row : rows) {
    ASSERT_TRUE(row->done());
    std::vector<TrialRecord> parts;
    for (const Cell& cell : run.example.plan.cells) {
      if (cell.experiment != 1 && cell.fold == row->cell.fold && cell.seed == row->cell.seed)
        parts.push_back(read_record(run.folder.record(cell.id)));
    }
    ASSERT_EQ(parts.size(), 2u);
    const auto &a = parts[0].result.targets[0], &b = parts[1].result.targets[0];
    const std::vector<std::span<const float>> validation{a.validation.probability,
                                                         b.validation.probability};
    const auto w = weights_of(validation, a.validation.truth, 3);
    Confusion confusion(3);
    for (std::size_t i = 0; i < a.truth.size(); ++i) {
      std::size_t best = 0;
      double most = -1;
      for (std::size_t c = 0; c < 3; ++c) {
        const double p = w[0] * static_cast<double>(a.probability[3 * i + c]) +
                         w[1] * static_cast<double>(b.probability[3 * i + c]);
        if (p > most) most = p, best = c;
      }
      confusion.add(a.truth[i], static_cast<std::int64_t>(best));
    }
    EXPECT_EQ(row->confusion.counts, confusion.counts);
    EXPECT_EQ(row->train_counts, a.train_counts);
  }
  const auto experiment = std::find_if(table.experiments.begin(), table.experiments.end(),
                                       [](const auto& e) { return e.derived; });
  ASSERT_NE(experiment, table.experiments.end());
  EXPECT_EQ(experiment->normalise, "group") << "one member looks at the subject's own rows";
  EXPECT_NE(experiment->notes.at(0).find("Linear x "), std::string::npos);
  // The other experiments are as they were.
  EXPECT_EQ(rows_of(table, "Fusion").size(), rows_of(planned_table(run.folder), "Fusion").size());
}

TEST(Ensemble, OfOneExperimentAveragesItsSeeds) {
  const Finished run;
  const auto rows = rows_of(run.table("Network"), "Network, seeds averaged");
  ASSERT_EQ(rows.size(), 3u);
  for (const Row* row : rows) EXPECT_TRUE(row->done());
  const Report report(ReportSources{{run.folder}, {}, {"Network", "Network/Linear"}, "score"});
  const std::string text = report.in("text");
  for (const char* part : {"== Network, seeds averaged", "== Network + Linear", "all seeds of"})
    EXPECT_NE(text.find(part), std::string::npos) << part;
  const std::string html = report.in("html");
  EXPECT_NE(html.find("Network, seeds averaged"), std::string::npos);
  EXPECT_NE(html.find("<div class=\"big\">24 <small>of 24</small>"), std::string::npos)
      << "trials, no averages";
  // Averages are no trials.
  EXPECT_NE(text.find("Cost: 21 trials"), std::string::npos) << text.substr(text.find("Cost"));
}

TEST(Merge, SumsTheProbabilitiesOfClasses) {
  const Finished run;
  const std::vector<std::string> c = run.example.plan.experiments[2].classes;
  ASSERT_EQ(c.size(), 3u);
  const std::string asked = "Network: rest=" + c[2] + " + " + c[0] + ",one = " + c[1];
  const Table table = derived_table(run.folder, {asked}, {});
  const auto rows = rows_of(table, "Network (rest, one)");
  ASSERT_EQ(rows.size(), 6u);
  const auto fine = rows_of(table, "Network");
  for (std::size_t r = 0; r < 6; ++r) {
    ASSERT_TRUE(rows[r]->done());
    EXPECT_EQ(rows[r]->cell.fold, fine[r]->cell.fold);
    const TrialRecord record = read_record(run.folder.record(fine[r]->cell.id));
    const TargetResult& own = record.result.targets[0];
    Confusion expected(2);
    double loss = 0;
    for (std::size_t i = 0; i < own.truth.size(); ++i) {
      const double rest = static_cast<double>(own.probability[3 * i]) +
                          static_cast<double>(own.probability[3 * i + 2]);
      const double one = static_cast<double>(own.probability[3 * i + 1]);
      const bool is_one = own.truth[i] == 1;
      expected.add(is_one, one > rest);
      loss -= std::log(is_one ? one : rest) / static_cast<double>(own.truth.size());
    }
    EXPECT_EQ(rows[r]->confusion.counts, expected.counts);
    EXPECT_EQ(rows[r]->train_counts,
              (std::vector<std::int64_t>{own.train_counts[0] + own.train_counts[2],
                                         own.train_counts[1]}));
    for (const auto& [name, value] : rows[r]->test) {
      if (name != "loss") continue;
      EXPECT_NEAR(value, loss, 1e-6);
    }
  }
  // An ensemble may name what a merge made, and a page shows both.
  const std::string other = "Linear: rest = " + c[0] + " + " + c[2] + ", one = " + c[1];
  ReportSources sources{{run.folder}, {}, {"Network (rest, one)/Linear (rest, one)"}, "score"};
  sources.merges = {asked, other};
  const Report report(sources);
  const std::string text = report.in("text");
  for (const char* part : {"== Network (rest, one) + Linear (rest, one)", "== Linear (rest, one)",
                           "probabilities of classes summed: rest="})
    EXPECT_NE(text.find(part), std::string::npos) << part;
  EXPECT_NE(text.find("Cost: 21 trials"), std::string::npos) << "no trials of their own";
  for (const auto& format : report_formats()) EXPECT_FALSE(report.in(format).empty());
}

TEST(Merge, MistakesSayWhatToDo) {
  const Finished run;
  const std::vector<std::string> c = run.example.plan.experiments[2].classes;
  const auto error = [&](const std::string& asked) -> std::string {
    try {
      derived_table(run.folder, {asked}, {});
    } catch (const InputError& e) {
      return e.what();
    }
    return "";
  };
  const std::string two = c[0] + " + " + c[1];
  const auto holds = [&](const std::string& asked, const char* what) {
    EXPECT_NE(error(asked).find(what), std::string::npos) << asked << ": " << error(asked);
  };
  holds("Netwrk: a = " + two, "it begins with the name of an experiment and a colon");
  holds("Network: a = " + two + ", b", "'b' is not of the form");
  holds("Network: a = " + two + ", b = " + c[2] + "x", "did you mean");
  holds("Network: a = " + two + ", b = " + c[1], "stands there twice");
  holds("Network: a = " + two + ", a = " + c[2], "'a' stands there twice");
  holds("Network: a = " + two, "is in none of them");
  holds("Network: a = " + two + " + " + c[2], "at least two classes");
  holds("Fusion: a = " + two + ", b = " + c[2], "has 2 conditions");
  EXPECT_EQ(error("Network: a = " + two + ", b = " + c[2]), "");
}

TEST(Ensemble, MistakesSayWhatToDo) {
  const Finished run;
  EXPECT_NE(run.error("Linear/Netwrk").find("did you mean 'Network'"), std::string::npos);
  EXPECT_NE(run.error("Linear/Fusion").find("has 2 conditions"), std::string::npos);
  EXPECT_NE(Finished(false).error("Linear/Network").find("validation_predictions: true"),
            std::string::npos);
  Finished missing;
  std::filesystem::remove(missing.folder.record(missing.example.records.back().id));
  const auto rows = rows_of(missing.table("Linear/Network"), "Linear + Network");
  EXPECT_EQ(std::count_if(rows.begin(), rows.end(), [](const Row* r) { return r->done(); }), 5);
}

TEST(Training, TellsWhatTheLastEpochLost) {
  const Finished run;
  const Table table = run.table("Network");
  std::size_t network = 0;
  while (table.experiments[network].name != "Network") ++network;
  const TrainingStatistics t = training_statistics(table, network, 0);
  EXPECT_EQ(t.cells, 6);
  EXPECT_EQ(t.epoch.median, 3);  // best_epoch 2, from 0
  double best = 0, last = 0;
  for (std::size_t r = run.example.records.size() - 6; r < run.example.records.size(); ++r) {
    for (const Curve& curve : run.example.records[r].result.curves) {
      if (curve.name != "validation_macro_f1") continue;
      best += curve.values[2] / 6;
      last += curve.values[3] / 6;
    }
  }
  EXPECT_NEAR(t.best.mean, best, 1e-6);
  EXPECT_NEAR(t.gap.mean, best - last, 1e-6);
  EXPECT_NE(training_text(t).find("selected epoch 3 (3 to 3) of 4"), std::string::npos);
}

}  // namespace
}  // namespace emosweep::results
