#include <gtest/gtest.h>

#include <chrono>
#include <cmath>

#include "base/error.h"
#include "example.h"
#include "results/run_folder.h"

namespace emosweep::results {
namespace {

namespace fs = std::filesystem;

void expect_equal(const PlanFile& a, const PlanFile& b) {
  EXPECT_EQ(a.resolved_sha256, b.resolved_sha256);
  ASSERT_EQ(a.experiments.size(), b.experiments.size());
  for (std::size_t i = 0; i < a.experiments.size(); ++i) {
    const auto &x = a.experiments[i], &y = b.experiments[i];
    EXPECT_EQ(x.name, y.name);
    EXPECT_EQ(x.resolved, y.resolved);
    EXPECT_EQ(x.dataset, y.dataset);
    EXPECT_EQ(x.samples, y.samples);
    EXPECT_EQ(x.protocol, y.protocol);
    EXPECT_EQ(x.group, y.group);
    EXPECT_EQ(x.normalise, y.normalise);
    EXPECT_EQ(x.selection_metric, y.selection_metric);
    EXPECT_EQ(x.classes, y.classes);
    EXPECT_EQ(x.conditions, y.conditions);
  }
  ASSERT_EQ(a.cells.size(), b.cells.size());
  for (std::size_t i = 0; i < a.cells.size(); ++i) {
    const auto &x = a.cells[i], &y = b.cells[i];
    ASSERT_TRUE(x.id == y.id && x.experiment == y.experiment && x.condition == y.condition &&
                x.seed == y.seed && x.fold == y.fold && x.group == y.group)
        << "cell " << i;
  }
}

TEST(RunFolder, PlanComesBack) {
  const TemporaryFolder dir;
  const RunFolder folder(dir.path());
  EXPECT_FALSE(folder.plan().has_value());
  PlanFile plan = make_example().plan;
  plan.experiments[0].name = "A \"quoted\" näme\n";
  plan.cells[0].seed = UINT64_MAX;
  folder.commit_plan(plan);
  expect_equal(plan, *folder.plan());
  const std::string once = read_text(dir.path() / "plan.json");
  folder.commit_plan(*folder.plan());
  EXPECT_EQ(once, read_text(dir.path() / "plan.json"));
}

TEST(RunFolder, OnlyTemporaryFilesAreLeftovers) {
  const TemporaryFolder dir;
  const RunFolder folder(dir.path());
  folder.create();
  const fs::path record = fs::path("trials") / (std::string(64, 'a') + ".h5");
  const std::vector<fs::path> stay = {record, ".lease.tmp.host.7", "notes.tmp.txt", ".hidden"};
  const std::vector<fs::path> go = {
      fs::path("trials") / ("." + record.filename().string() + ".tmp.host.7"),
      ".state.json.tmp.host.7", "failed/.b.json.tmp.host.8", "models/.c.safetensors.tmp.host.9"};
  for (const auto& name : stay) commit_file(dir.path() / name, std::string_view("x"), "test");
  for (const auto& name : go) commit_file(dir.path() / name, std::string_view("x"), "test");
  EXPECT_EQ(folder.remove_leftovers(), 4);
  for (const auto& name : stay) EXPECT_TRUE(fs::exists(dir.path() / name)) << name;
  EXPECT_EQ(folder.remove_leftovers(), 0);
}

TEST(RunFolder, AHundredThousandCellsInASecond) {
  const TemporaryFolder dir;
  const RunFolder folder(dir.path());
  PlanFile plan = make_example().plan;
  plan.cells.clear();
  Digest id;
  for (int i = 0; i < 100'000; ++i) {
    id.bytes[i % 32] ^= static_cast<std::uint8_t>(i + 1);
    plan.cells.push_back({id, 1, static_cast<std::uint32_t>(i % 2),
                          static_cast<std::uint64_t>(i / 200),
                          "actor " + std::to_string(i / 2 % 100), "actor"});
  }
  const auto start = std::chrono::steady_clock::now();
  folder.commit_plan(plan);
  const auto back = folder.plan();
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  expect_equal(plan, *back);
  RecordProperty("milliseconds", static_cast<int>(seconds * 1e3));
  EXPECT_LT(seconds, 5);  // 0.2 s on an idle core; a quadratic reader would take minutes
  EXPECT_EQ(merge(plan, plan).replaced, 0);
}

TEST(RunFolder, CheckpointsGoWithTheirTrialsEnd) {
  const TemporaryFolder dir;
  const RunFolder folder(dir.path());
  folder.create();
  EXPECT_TRUE(folder.checkpointed().empty());
  const TrialRecord done = make_record("done", {8, 2, 3});
  Failure failed;
  failed.id = sha256("failed");
  const Digest unfinished = sha256("unfinished");
  for (const Digest& id : {done.id, failed.id, unfinished}) {
    make_folders(folder.checkpoints() / id.hex());
    write_file(folder.checkpoints() / id.hex() / "000001.safetensors", "state");
  }
  EXPECT_EQ(folder.checkpointed().size(), 3u);
  folder.commit(done);
  folder.commit_failure(failed);
  EXPECT_EQ(folder.checkpointed(), std::vector<Digest>{unfinished});
  folder.remove_checkpoints(unfinished);
  folder.remove_checkpoints(unfinished);
  EXPECT_TRUE(folder.checkpointed().empty());
}

TEST(RunFolder, DamagedJsonIsNamed) {
  const TemporaryFolder dir;
  const RunFolder folder(dir.path());
  folder.create();
  folder.commit_plan(make_example().plan);
  folder.commit_state({});
  const std::string plan = read_text(dir.path() / "plan.json");
  const auto expect_named = [&](const std::string& text) {
    write_file(dir.path() / "plan.json", text);
    try {
      folder.plan();
      ADD_FAILURE() << "read without an error: " << text.substr(0, 80);
    } catch (const InputError& error) {
      EXPECT_NE(std::string(error.what()).find("plan.json"), std::string::npos) << error.what();
    }
  };
  for (std::size_t length = 0; length + 2 < plan.size(); length += 509) {
    expect_named(plan.substr(0, length));
  }
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"\"version\":1", "\"version\":2"},
           {"emosweep-plan", "emosweep-plam"},
           {"\"experiment\":[0", "\"experiment\":[7"},
           {"\"experiment\":[0", "\"experiment\":[-1"},
           {"\"experiment\":[0", "\"experiment\":[0.5"},
           {"\"experiment\":[0,", "\"experiment\":["},
           {"\"seed\":[1", "\"seed\":[\"1\""},
           {"\"id\":[\"", "\"id\":[\"x"},
           {"\"fold\":[\"actor 1\"", "\"fold\":[null"}}) {
    std::string text = plan;
    ASSERT_NE(text.find(from), std::string::npos) << from;
    expect_named(text.replace(text.find(from), from.size(), to));
  }
  write_file(dir.path() / "state.json", "{\"format\":\"emosweep-state\",\"version\":1}");
  EXPECT_THROW(folder.state(), InputError);
  write_file(dir.path() / "state.json", std::string(200'000, '['));
  EXPECT_THROW(folder.state(), InputError);
}

TEST(RunFolder, StateComesBack) {
  const TemporaryFolder dir;
  const RunFolder folder(dir.path());
  EXPECT_FALSE(folder.state().has_value());
  State state;
  state.state = "running";
  state.exit_code = -1;
  state.planned = 240;
  state.done = 7;
  state.failed = 1;
  state.left = 230;
  state.running = 2;
  state.started_unix = 1.7e9;
  state.updated_unix = 1.7e9 + 0.125;
  state.busy_fraction = 0.97;
  state.trials_per_second = 3.25;
  state.eta_seconds = std::nan("");
  state.ranks = 2;
  state.message = "broken text: \xff";
  state.owner = "host 12 boot";
  folder.commit_state(state);
  const State back = *folder.state();
  EXPECT_EQ(back.state, state.state);
  EXPECT_EQ(back.exit_code, -1);
  EXPECT_EQ(back.planned, 240);
  EXPECT_EQ(back.done, 7);
  EXPECT_EQ(back.failed, 1);
  EXPECT_EQ(back.left, 230);
  EXPECT_EQ(back.running, 2);
  EXPECT_EQ(back.started_unix, state.started_unix);
  EXPECT_EQ(back.updated_unix, state.updated_unix);
  EXPECT_EQ(back.busy_fraction, state.busy_fraction);
  EXPECT_EQ(back.trials_per_second, state.trials_per_second);
  EXPECT_TRUE(std::isnan(back.eta_seconds));
  EXPECT_EQ(back.ranks, 2);
  EXPECT_EQ(back.message, "broken text: \xef\xbf\xbd");
  EXPECT_EQ(back.owner, state.owner);
}

TEST(RunFolder, FailuresCountOnAndARecordEndsThem) {
  const TemporaryFolder dir;
  const RunFolder folder(dir.path());
  folder.create();
  const TrialRecord record = make_record("later fine");
  const Failure failure{record.id, "non_finite", "loss is nan", "epoch 3, step 41", "h", 1, 1, 5.5};
  folder.commit_failure(failure);
  folder.commit_failure(failure);
  auto failures = folder.failures();
  ASSERT_EQ(failures.size(), 1u);
  EXPECT_EQ(failures[0].times, 2);
  EXPECT_EQ(failures[0].reason, "non_finite");
  EXPECT_EQ(failures[0].message, "loss is nan");
  EXPECT_EQ(failures[0].where, "epoch 3, step 41");
  EXPECT_EQ(failures[0].host, "h");
  EXPECT_EQ(failures[0].rank, 1);
  EXPECT_EQ(failures[0].unix_time, 5.5);
  write_file(folder.failure(record.id), "{");
  EXPECT_THROW(folder.failures(), InputError);
  folder.commit_failure(failure);  // a damaged count starts again
  EXPECT_EQ(folder.failures()[0].times, 1);
  folder.commit(record);
  EXPECT_TRUE(folder.failures().empty());
}

TEST(RunFolder, CommittedListsRecordsOnly) {
  const TemporaryFolder dir;
  const RunFolder folder(dir.path());
  EXPECT_TRUE(folder.committed().empty());
  folder.create();
  std::vector<Digest> ids;
  for (int i = 0; i < 5; ++i) {
    const TrialRecord record = make_record(std::to_string(i), {2, 2, 1});
    folder.commit(record);
    ids.push_back(record.id);
  }
  std::sort(ids.begin(), ids.end());
  write_file(dir.path() / "trials" / ("." + ids[0].hex() + ".h5.tmp.host.1"), "x");
  write_file(dir.path() / "trials" / "notes.txt", "x");
  write_file(dir.path() / "trials" / (std::string(64, 'A') + ".h5"), "x");
  EXPECT_EQ(folder.committed(), ids);
}

Cell cell_of(const std::string& id, std::uint32_t experiment, std::uint32_t condition,
             std::uint64_t seed, const std::string& fold) {
  return {sha256(id), experiment, condition, seed, fold, fold};
}

PlannedExperiment experiment_of(const std::string& name, std::vector<std::string> conditions) {
  PlannedExperiment experiment;
  experiment.name = name;
  experiment.classes = {"a", "b"};
  experiment.conditions = std::move(conditions);
  return experiment;
}

TEST(MergePlans, UnionOfExperimentsConditionsAndSeeds) {
  const PlanFile earlier{
      "1",
      {experiment_of("A", {"lr=1", "lr=2"}), experiment_of("B", {"default"})},
      {cell_of("a1", 0, 0, 1, "f"), cell_of("a2", 0, 1, 1, "f"), cell_of("b", 1, 0, 1, "f")}};
  const PlanFile later{
      "2",
      {experiment_of("C", {"default"}), experiment_of("A", {"lr=2", "lr=3"})},
      {cell_of("c", 0, 0, 1, "f"), cell_of("a2 new", 1, 0, 2, "f"), cell_of("a3", 1, 1, 1, "f")}};
  const auto [plan, replaced] = merge(earlier, later);
  EXPECT_EQ(replaced, 0);
  EXPECT_EQ(plan.resolved_sha256, "2");
  ASSERT_EQ(plan.experiments.size(), 3u);
  EXPECT_EQ(plan.experiments[1].conditions, (std::vector<std::string>{"lr=2", "lr=3", "lr=1"}));
  ASSERT_EQ(plan.cells.size(), 6u);
  EXPECT_EQ(plan.cells[3].id, sha256("a1"));
  EXPECT_EQ(plan.cells[3].experiment, 1u);
  EXPECT_EQ(plan.cells[3].condition, 2u);
  EXPECT_EQ(plan.cells[4].condition, 0u);
  EXPECT_EQ(plan.cells[5].experiment, 2u);
}

TEST(MergePlans, TheLaterIdWinsForTheWholeCondition) {
  const PlanFile earlier{
      "",
      {experiment_of("A", {"x", "y"})},
      {cell_of("x1", 0, 0, 1, "f"), cell_of("x2", 0, 0, 2, "f"), cell_of("y1", 0, 1, 1, "f")}};
  const PlanFile later{"", {experiment_of("A", {"x"})}, {cell_of("x1 new", 0, 0, 1, "f")}};
  const auto [plan, replaced] = merge(earlier, later);
  EXPECT_EQ(replaced, 2);  // x2 was made with what x1 was made with
  ASSERT_EQ(plan.cells.size(), 2u);
  EXPECT_EQ(plan.cells[0].id, sha256("x1 new"));
  EXPECT_EQ(plan.cells[1].id, sha256("y1"));
}

TEST(MergePlans, OtherFoldsOrAnotherTaskStartAfresh) {
  const PlanFile earlier{"",
                         {experiment_of("A", {"x"})},
                         {cell_of("x1", 0, 0, 1, "f1"), cell_of("x2", 0, 0, 2, "f9")}};
  PlanFile later{"", {experiment_of("A", {"x"})}, {cell_of("x1", 0, 0, 1, "f1")}};
  EXPECT_EQ(merge(earlier, later).replaced, 1);
  EXPECT_EQ(merge(earlier, later).plan.cells.size(), 1u);
  later.experiments[0].protocol = "holdout";
  later.cells[0].seed = 3;
  EXPECT_EQ(merge(earlier, later).replaced, 2);
  EXPECT_EQ(merge(earlier, later).plan.cells.size(), 1u);
}

}  // namespace
}  // namespace emosweep::results
