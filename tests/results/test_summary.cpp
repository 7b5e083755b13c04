#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "base/error.h"
#include "example.h"
#include "results/h5.h"
#include "results/summary.h"

namespace emosweep::results {
namespace {

void commit_in_order(const RunFolder& folder, Example example, bool backwards) {
  if (backwards) {
    std::reverse(example.records.begin(), example.records.end());
    std::reverse(example.plan.cells.begin(), example.plan.cells.end());
  }
  commit_example(folder, example);
}

TEST(Summary, TheSameBytesInAnyOrderAndForOtherCosts) {
  const TemporaryFolder a, b;
  Example example = make_example();
  commit_in_order(RunFolder(a.path()), example, false);
  for (auto& record : example.records) {
    record.cost.host = "another";
    record.cost.wall_seconds = 99;
    record.cost.rank = 7;
  }
  // Experiments and conditions in another order too.
  std::swap(example.plan.experiments[0], example.plan.experiments[1]);
  std::reverse(example.plan.experiments[0].conditions.begin(),
               example.plan.experiments[0].conditions.end());
  for (auto& cell : example.plan.cells) {
    cell.experiment = 1 - cell.experiment;
    if (cell.experiment == 0) cell.condition = 1 - cell.condition;
  }
  commit_in_order(RunFolder(b.path()), example, true);
  const auto bytes = build_summary(RunFolder(a.path()));
  EXPECT_EQ(bytes, build_summary(RunFolder(b.path())));
  EXPECT_EQ(bytes, build_summary(RunFolder(a.path())));
}

TEST(Summary, ADifferentResultGivesOtherBytes) {
  const TemporaryFolder dir;
  const RunFolder folder(dir.path());
  Example example = make_example();
  commit_example(folder, example);
  const auto before = build_summary(folder);
  example.records[3].result.curves.clear();
  example.records[3].result.warnings = {"another"};
  folder.commit(example.records[3]);
  EXPECT_NE(before, build_summary(folder));
}

TEST(Summary, HoldsWhatTheFormatSays) {
  const TemporaryFolder dir;
  const RunFolder folder(dir.path());
  const Example example = make_example();
  commit_example(folder, example);
  commit_summary(folder);
  const auto bytes = read_bytes(dir.path() / "summary.h5");
  EXPECT_EQ(std::string(bytes.begin(), bytes.begin() + 19), "emosweep-summary 1\n");
  const h5::Reader file(bytes);
  const h5::Node& root = file.root();
  EXPECT_EQ(root.names(), (std::vector<std::string>{"comparisons", "experiments", "predictions",
                                                    "samples", "statistics", "trials"}));
  EXPECT_EQ(root.text("format"), "emosweep-summary");
  EXPECT_EQ(root.integer("version"), 1);
  EXPECT_EQ(root.text_list("source_revisions"), std::vector<std::string>{"abc123"});
  EXPECT_EQ(root.text("resolved_sha256").size(), 64u);

  const h5::Node trials = root.open("trials");
  const std::size_t n = example.plan.cells.size();
  for (const auto& name : trials.names()) {
    EXPECT_EQ(trials.open(name).shape(), h5::Shape{n}) << name;
  }
  for (const char* name : {"accuracy", "macro_f1", "weighted_f1", "uar", "mcc", "kappa", "loss"}) {
    EXPECT_TRUE(trials.has(name) && trials.has(std::string("validation_") + name)) << name;
  }
  const auto experiment = trials.open("experiment").texts();
  const auto condition = trials.open("condition").texts();
  const auto seed = trials.open("seed").values<std::uint64_t>();
  const auto fold = trials.open("fold").texts();
  const auto id = trials.open("id").texts();
  const auto macro_f1 = trials.open("macro_f1").values<double>();
  const auto validation_loss = trials.open("validation_loss").values<double>();
  EXPECT_EQ(experiment.front(), "Fusion");
  EXPECT_EQ(experiment.back(), "Linear");
  EXPECT_EQ(condition.front(), "lr=0.0003");
  EXPECT_EQ(seed[10], 1u);
  EXPECT_EQ(seed[11], 2u);
  EXPECT_EQ(fold[1], "actor 2");
  EXPECT_EQ(fold[9], "actor 10");
  for (std::size_t i = 0; i < n; ++i) {
    const TrialRecord record = read_record(folder.record(Digest::from_hex(id[i])));
    const auto& test = record.result.test;
    EXPECT_EQ(macro_f1[i], test[1].second);
    EXPECT_EQ(std::isnan(validation_loss[i]), experiment[i] == "Linear");
    const h5::Node own = root.open("experiments/" + experiment[i]);
    const auto confusion = own.open("confusion").values<std::int64_t>();
    const std::size_t at = (i - static_cast<std::size_t>(own.integer("first_trial"))) * 9;
    EXPECT_EQ(std::vector<std::int64_t>(confusion.begin() + static_cast<long>(at),
                                        confusion.begin() + static_cast<long>(at) + 9),
              record.result.targets[0].confusion);
  }
  const h5::Node fusion = root.open("experiments/Fusion");
  EXPECT_EQ(fusion.text("resolved"), "name: Fusion\nmodel: mlp\n");
  EXPECT_EQ(fusion.text_list("classes"), class_names(3));
  EXPECT_EQ(fusion.open("conditions").texts(), (std::vector<std::string>{"lr=0.0003", "lr=0.001"}));
  EXPECT_EQ(fusion.open("confusion").shape(), (h5::Shape{44, 3, 3}));
  EXPECT_EQ(fusion.open("curves/train_loss").shape(), (h5::Shape{44, 4}));
  EXPECT_TRUE(root.open("experiments/Linear/curves").names().empty());

  const h5::Node samples = root.open("samples/faces");
  EXPECT_EQ(samples.open("id").texts(), example.samples.id);
  EXPECT_EQ(samples.open("actor").texts(), example.samples.groups[0].second);
  EXPECT_EQ(samples.open("intensity_level").text("name"), "intensity/level");

  const h5::Node predictions = root.open("predictions/Fusion");
  const auto trial = predictions.open("trial").values<std::int64_t>();
  const auto sample = predictions.open("sample").values<std::int64_t>();
  const auto truth = predictions.open("true").values<std::int32_t>();
  const auto predicted = predictions.open("predicted").values<std::int32_t>();
  ASSERT_EQ(trial.size(), 44u * 6);
  EXPECT_EQ(predictions.open("probabilities").shape(), (h5::Shape{44 * 6, 3}));
  const auto probabilities = predictions.open("probabilities").values<float>();
  for (std::size_t i = 0; i < trial.size(); ++i) {
    const std::size_t row = static_cast<std::size_t>(trial[i]);
    const TargetResult target =
        read_record(folder.record(Digest::from_hex(id[row]))).result.targets[0];
    EXPECT_EQ(sample[i], target.sample[i % 6]);
    EXPECT_EQ(truth[i], target.truth[i % 6]);
    EXPECT_EQ(predicted[i], target.predicted[i % 6]);
    EXPECT_EQ(probabilities[i * 3 + 1], target.probability[i % 6 * 3 + 1]);
    EXPECT_EQ(samples.open("actor").texts()[static_cast<std::size_t>(sample[i])], fold[row]);
  }
  const h5::Node linear = root.open("statistics/Linear");
  EXPECT_DOUBLE_EQ(linear.real("chance"), 1.0 / 3);
  EXPECT_EQ(linear.open("trials").values<std::int64_t>(), std::vector<std::int64_t>{11});
  EXPECT_EQ(linear.open("expected").values<std::int64_t>(), std::vector<std::int64_t>{22});
  EXPECT_FALSE(linear.has("nested"));
  EXPECT_TRUE(root.open("statistics/Fusion").has("nested"));
}

TEST(Summary, FailedAndMissingCellsKeepTheirRows) {
  const TemporaryFolder dir;
  const RunFolder folder(dir.path());
  Example example = make_example();
  const Digest failed = example.records[12].id, missing = example.records[30].id;
  example.records.erase(example.records.begin() + 30);
  example.records.erase(example.records.begin() + 12);
  commit_example(folder, example);
  folder.commit_failure({failed, "non_finite", "loss is nan", "epoch 0", "h", 0, 1, 0});
  const auto bytes = build_summary(folder);
  const h5::Reader file(bytes);
  const h5::Node trials = file.root().open("trials");
  const auto id = trials.open("id").texts(), status = trials.open("status").texts(),
             reason = trials.open("reason").texts();
  const auto accuracy = trials.open("accuracy").values<double>();
  int seen = 0;
  for (std::size_t i = 0; i < id.size(); ++i) {
    if (id[i] == failed.hex()) {
      EXPECT_EQ(status[i] + " " + reason[i], "failed non_finite");
      EXPECT_TRUE(std::isnan(accuracy[i]));
      ++seen;
    } else if (id[i] == missing.hex()) {
      EXPECT_EQ(status[i] + reason[i], "missing");
      EXPECT_TRUE(std::isnan(accuracy[i]));
      ++seen;
    } else {
      EXPECT_EQ(status[i] + reason[i], "done");
      EXPECT_FALSE(std::isnan(accuracy[i]));
    }
  }
  EXPECT_EQ(seen, 2);
  const auto done = file.root().open("statistics/Fusion/done").values<std::int64_t>();
  EXPECT_EQ(done[0] + done[1], 42);
}

TEST(Summary, WithoutRecordsItIsValid) {
  const TemporaryFolder dir;
  const RunFolder folder(dir.path());
  folder.create();
  EXPECT_THROW(build_summary(folder), InputError);  // no plan
  const Example example = make_example();
  folder.commit_plan(example.plan);
  EXPECT_THROW(build_summary(folder), InputError);  // no samples
  commit_samples(folder, example.samples);
  commit_summary(folder);
  const auto bytes = read_bytes(dir.path() / "summary.h5");
  const h5::Reader file(bytes);
  EXPECT_TRUE(file.root().text_list("source_revisions").empty());
  EXPECT_EQ(file.root().open("trials/status").texts(), std::vector<std::string>(66, "missing"));
  EXPECT_EQ(file.root().open("predictions/Fusion/sample").shape(), h5::Shape{0});
  folder.commit_plan({});
  EXPECT_NO_THROW(build_summary(folder));
}

TEST(Summary, LabelsOnlyAndMixedProbabilities) {
  const TemporaryFolder dir;
  const RunFolder folder(dir.path());
  Example example = make_example();
  // "Linear" keeps labels only; of "Fusion" every second trial.
  for (std::size_t i = 0; i < example.records.size(); ++i) {
    if (i < 11 || i % 2 == 1) example.records[i].result.targets[0].probability.clear();
  }
  commit_example(folder, example);
  const auto bytes = build_summary(folder);
  const h5::Reader file(bytes);
  EXPECT_FALSE(file.root().open("predictions/Linear").has("probabilities"));
  const h5::Node fusion = file.root().open("predictions/Fusion");
  EXPECT_EQ(fusion.open("probabilities").shape(), (h5::Shape{44 * 6, 3}));
  const auto values = fusion.open("probabilities").values<float>();
  const auto undefined =
      std::count_if(values.begin(), values.end(), [](float value) { return std::isnan(value); });
  EXPECT_EQ(undefined, 22 * 6 * 3);
}

TEST(Summary, ManyPredictionsSpanChunks) {
  const TemporaryFolder dir;
  const RunFolder folder(dir.path());
  const Example example = make_example({2, 4, 1500, 5, 3});
  commit_example(folder, example);
  const auto bytes = build_summary(folder);
  const h5::Reader file(bytes);
  const h5::Node fusion = file.root().open("predictions/Fusion");
  const auto trial = fusion.open("trial").values<std::int64_t>();
  const auto probabilities = fusion.open("probabilities").values<float>();
  ASSERT_EQ(trial.size(), 16u * 1500);
  const auto ids = file.root().open("trials/id").texts();
  for (std::size_t row = 0; row < 16; ++row) {
    const auto target = read_record(folder.record(Digest::from_hex(ids[row]))).result.targets[0];
    EXPECT_EQ(trial[row * 1500], static_cast<std::int64_t>(row));
    EXPECT_EQ(trial[row * 1500 + 1499], static_cast<std::int64_t>(row));
    ASSERT_TRUE(std::equal(target.probability.begin(), target.probability.end(),
                           probabilities.begin() + static_cast<long>(row * 1500 * 5)));
  }
}

TEST(Summary, RefusesWhatDoesNotBelong) {
  const TemporaryFolder dir;
  const RunFolder folder(dir.path());
  Example example = make_example();
  commit_example(folder, example);
  const auto refuse = [&](const std::string& expected) {
    try {
      build_summary(folder);
      ADD_FAILURE() << "built in spite of: " << expected;
    } catch (const InputError& error) {
      EXPECT_NE(std::string(error.what()).find(expected), std::string::npos) << error.what();
    }
  };
  std::filesystem::copy_file(folder.record(example.records[1].id),
                             folder.record(example.records[0].id),
                             std::filesystem::copy_options::overwrite_existing);
  refuse("is the record of " + example.records[1].id.hex());
  folder.commit(example.records[0]);
  example.plan.experiments[0].classes[0] = "another";
  folder.commit_plan(example.plan);
  refuse("has other classes than experiment 'Linear'");
  for (const char* name : {"", ".", "..", "a/b", "a\tb", "Fusion"}) {
    example.plan.experiments[0].name = name;
    folder.commit_plan(example.plan);
    refuse("plan.json");
  }
}

TEST(Summary, TimingHasALineForEachTrial) {
  const TemporaryFolder dir;
  const RunFolder folder(dir.path());
  Example example = make_example();
  example.plan.experiments[0].name = "Linear, \"raw\"";
  example.records.front().cost.pack = 1717;
  commit_example(folder, example);
  commit_summary(folder);
  std::ifstream lines(dir.path() / "timing.csv");
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(line.substr(0, 42), "id,experiment,condition,seed,fold,start_un");
  EXPECT_NE(line.find(",rank,ranks,pack,host,"), std::string::npos) << line;
  std::size_t count = 0, linear = 0, packed = 0;
  while (std::getline(lines, line)) {
    ++count;
    packed += line.find(",1717,") != std::string::npos;
    if (line.find("\"Linear, \"\"raw\"\"\",default,1,actor ") == 65) ++linear;
  }
  EXPECT_EQ(count, example.records.size());
  EXPECT_EQ(linear, 11u);
  EXPECT_EQ(packed, 1u);
}

TEST(Samples, ComeBackAndAreChecked) {
  const TemporaryFolder dir;
  const RunFolder folder(dir.path());
  folder.create();
  const Samples samples = make_example().samples;
  commit_samples(folder, samples);
  const Samples back = read_samples(folder, samples.digest);
  EXPECT_EQ(back.dataset, samples.dataset);
  EXPECT_EQ(back.id, samples.id);
  EXPECT_EQ(back.groups, samples.groups);
  EXPECT_EQ(back.metadata, samples.metadata);
  std::string text = read_text(folder.samples(samples.digest));
  text.replace(text.find("clip-7"), 6, "clip-8");
  write_file(folder.samples(samples.digest), text);
  EXPECT_THROW(read_samples(folder, samples.digest), InputError);
  EXPECT_THROW(read_samples(folder, sha256("other")), InputError);
}

}  // namespace
}  // namespace emosweep::results
