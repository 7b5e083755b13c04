// What `status` says of a folder, from the files that runs leave.
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "../results/example.h"
#include "folder.h"
#include "launcher/folder_lock.h"
#include "launcher/lease_file.h"
#include "launcher/run_leases.h"
#include "launcher/run_log.h"
#include "launcher/run_status.h"
#include "launcher/summary_wish.h"

namespace emosweep::launcher {
namespace {

namespace fs = std::filesystem;
using results::Shard;
using results::State;

class Status : public testing::Test {
 protected:
  void SetUp() override {
    folder.create();
    folder.commit_plan(example.plan);
    results::commit_samples(folder, example.samples);
  }
  void write(const Shard& shard, const std::string& name, Exit code, State state = {}) {
    state.state = name;
    state.exit_code = name == "running" ? -1 : static_cast<int>(code);
    if (state.owner.empty()) state.owner = "process 7 on elsewhere";
    folder.commit_state(state, shard);
  }
  void dead_lease(const Shard& shard) {
    LeaseOwner dead = this_process();
    dead.start -= 1;
    std::ofstream(temporary.path / lease_name(shard)) << encode_owner(dead);
  }
  std::string states() const {  // "done, interrupted, not run"
    std::string text;
    for (const ShardStatus& shard : read_status(temporary.path).shards) {
      text += (text.empty() ? "" : ", ") + shard.state.state;
    }
    return text;
  }
  int code() const { return static_cast<int>(read_status(temporary.path).code); }

  TestFolder temporary;
  results::RunFolder folder{temporary.path};
  results::Example example = results::make_example();
};

TEST_F(Status, OfAPlainRun) {
  EXPECT_EQ(code(), 75) << "no state: killed before the first one";
  write({}, "done", Exit::done);
  EXPECT_EQ(code(), 0);
  EXPECT_EQ(states(), "");
  write({}, "running", Exit::done);
  EXPECT_EQ(code(), 75);
  EXPECT_EQ(read_status(temporary.path).state.state, "interrupted");
  const Lease lease(temporary.path);
  EXPECT_EQ(read_status(temporary.path).state.state, "running");
  EXPECT_EQ(code(), 75);
}

TEST_F(Status, AnEarlierRunsEndIsNotThatOfARunThatWasKilledAtItsStart) {
  write({}, "done", Exit::done);
  dead_lease({});
  EXPECT_EQ(code(), 75);
  State own;
  own.owner = this_process().text();  // the dead owner had time to say how it ended
  write({}, "done", Exit::done, own);
  EXPECT_EQ(code(), 0);
}

TEST_F(Status, TheWorstShardCounts) {
  write({1, 2}, "done", Exit::done);
  EXPECT_EQ(states(), "done, not run");
  EXPECT_EQ(code(), 75);
  write({2, 2}, "failed", Exit::trials_failed);
  EXPECT_EQ(code(), 1);
  write({2, 2}, "interrupted", Exit::interrupted);
  EXPECT_EQ(code(), 75);
  write({2, 2}, "error", Exit::cannot_go_on);
  EXPECT_EQ(code(), 3);
  write({2, 2}, "done", Exit::done);
  EXPECT_EQ(code(), 0);
  EXPECT_EQ(read_status(temporary.path).state.state, "done");
  dead_lease({2, 2});
  EXPECT_EQ(states(), "done, interrupted");
  EXPECT_EQ(code(), 75);
}

TEST_F(Status, SumsTheShardsThatRun) {
  State state;
  state.owner = this_process().text();
  state.ranks = 3;
  state.running = 2;
  state.busy_fraction = 0.5;
  state.trials_per_second = 2;
  state.eta_seconds = 100;
  write({1, 3}, "running", Exit::done, state);
  state.ranks = 1;
  state.running = 1;
  state.busy_fraction = 1;
  state.trials_per_second = 1;
  state.eta_seconds = 40;
  write({2, 3}, "running", Exit::done, state);
  state.ranks = 5;
  state.message = "signal SIGUSR2";
  write({3, 3}, "interrupted", Exit::interrupted, state);
  const Lease one(temporary.path, {}, lease_name({1, 3}));
  const Lease two(temporary.path, {}, lease_name({2, 3}));
  const RunStatus status = read_status(temporary.path);
  EXPECT_EQ(status.state.state, "running");
  EXPECT_EQ(status.code, Exit::interrupted);
  EXPECT_EQ(status.state.ranks, 4);
  EXPECT_EQ(status.state.running, 3);
  EXPECT_DOUBLE_EQ(status.state.busy_fraction, 0.625);
  EXPECT_DOUBLE_EQ(status.state.trials_per_second, 3);
  EXPECT_DOUBLE_EQ(status.state.eta_seconds, 100) << "the slowest";
  EXPECT_EQ(status.state.planned, status.state.left) << "by the folder's files";
  const std::string text = status_text(temporary.path, status);
  EXPECT_NE(text.find("running (3 shards, 4 ranks)"), std::string::npos) << text;
  EXPECT_NE(text.find("shard 3/3: interrupted (exit code 75)"), std::string::npos) << text;
  EXPECT_NE(text.find("signal SIGUSR2"), std::string::npos) << text;
  const auto json = nlohmann::json::parse(status_json(status));
  EXPECT_EQ(json.at("shards").size(), 3U);
  EXPECT_EQ(json.at("shards")[2].at("shard"), "3/3");
  EXPECT_EQ(json.at("alive"), true);

  state.eta_seconds = -1;
  write({2, 3}, "running", Exit::done, state);
  EXPECT_EQ(read_status(temporary.path).state.eta_seconds, -1) << "one does not know yet";
}

TEST_F(Status, ARunThatStartsIsNotWhatAnEarlierOneWas) {
  State earlier;
  earlier.ranks = 4;
  earlier.running = 3;
  write({2, 2}, "interrupted", Exit::interrupted, earlier);
  const Lease lease(temporary.path, {}, lease_name({2, 2}));
  const RunStatus status = read_status(temporary.path);
  EXPECT_EQ(status.state.running, 0);
  const std::string text = status_text(temporary.path, status);
  EXPECT_NE(text.find("shard 2/2: running (" + lease.owner().text() + ", starting)\n"),
            std::string::npos)
      << text;
}

TEST_F(Status, OfSeveralShardingsTheLastOne) {
  State old;
  old.updated_unix = 100;
  write({1, 2}, "interrupted", Exit::interrupted, old);
  State later;
  later.updated_unix = 200;
  write({1, 3}, "done", Exit::done, later);
  EXPECT_EQ(states(), "done, not run, not run") << "the state that was written last";
  dead_lease({2, 2});
  EXPECT_EQ(states(), "interrupted, interrupted") << "a lease says more, also a dead one";
  const Lease plain(temporary.path);
  EXPECT_EQ(states(), "");
  EXPECT_EQ(read_status(temporary.path).state.state, "running");
}

TEST_F(Status, ShardsThatEndTogetherGetOneSummaryOfAll) {
  for (const auto& record : example.records) folder.commit(record);
  std::vector<std::unique_ptr<Lease>> leases;
  for (int i = 1; i <= 3; ++i) {
    leases.push_back(std::make_unique<Lease>(temporary.path, LeaseOptions{}, lease_name({i, 3})));
  }
  std::ofstream(temporary.path / "summary.wanted.of-a-killed-run") << "\n";
  share_summary(folder, *leases[0]);
  EXPECT_EQ(read_bytes(temporary.path / "summary.h5"), results::build_summary(folder));
  EXPECT_FALSE(fs::exists(temporary.path / "summary.wanted.of-a-killed-run"));

  // While one that does not build holds the lock, another's summary comes.
  fs::remove(temporary.path / "summary.h5");
  auto busy = std::make_unique<FolderLock>(temporary.path);
  std::thread waits([&] { share_summary(folder, *leases[1]); });
  const fs::path wish = temporary.path / ("summary.wanted." + leases[1]->owner().token);
  while (!fs::exists(wish)) std::this_thread::yield();
  fs::remove(wish);  // served
  waits.join();
  EXPECT_FALSE(fs::exists(temporary.path / "summary.h5")) << "built once more than needed";
  busy.reset();
  share_summary(folder, *leases[2]);
  EXPECT_TRUE(fs::exists(temporary.path / "summary.h5"));
}

TEST_F(Status, CommitLinesOfOtherShardsAreTheirOwnMatter) {
  const Digest mine = sha256("mine"), theirs = sha256("theirs"), nobodys = sha256("nobody's");
  SyncedLines log(folder.log(0, {1, 2}));
  LogHistory history = read_logs(folder);
  const std::vector<Digest> committed{mine, theirs, nobodys};
  EXPECT_EQ(recover_commit_lines(history, committed, {theirs}, log), 2);
  EXPECT_TRUE(history.committed.contains(nobodys)) << "of an earlier plan";
  EXPECT_FALSE(read_logs(folder).committed.contains(theirs));
  EXPECT_TRUE(fs::exists(temporary.path / "log" / "shard-1-of-2-rank-0.log"));
}

}  // namespace
}  // namespace emosweep::launcher
