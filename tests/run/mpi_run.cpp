// Whole runs on several ranks, with a made-up trainer: what is handed out, committed, logged and
// said at the end.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <fstream>
#include <map>
#include <thread>

#include "../mpi_world.h"
#include "../results/fixture.h"
#include "distributed/team.h"
#include "folder.h"
#include "launcher/run.h"
#include "launcher/run_status.h"
#include "launcher/run_together.h"
#include "launcher/signals.h"

namespace emosweep::launcher {
namespace {

namespace fs = std::filesystem;
using distributed::in_seconds;
using std::chrono::milliseconds;

constexpr results::Sizes kSizes{8, 2, 3};

// One folder for all ranks, made and removed by rank 0.
class Runs : public testing::Test {
 protected:
  void SetUp() override {
    if (mpi_world().rank == 0) own_.emplace();
    path_ = distributed::broadcast(own_ ? own_->path.string() : "", "test folder", in_seconds(20));
    forget_signals();
    catch_signals();
  }
  void TearDown() override {
    distributed::barrier("end of the test", in_seconds(60));
    own_.reset();
  }

  RunOptions options() const {
    RunOptions out;
    out.dir = path_ / "run";
    out.original = "/nowhere/experiment.yaml";
    out.print_report = false;
    out.pin = false;
    out.timeout = std::chrono::seconds{30};
    return out;
  }
  results::RunFolder folder() const { return results::RunFolder(path_ / "run"); }

  // How often each id has a commit line, over all ranks' logs.
  std::map<std::string, int> commit_lines() const {
    std::map<std::string, int> count;
    for (const auto& entry : fs::directory_iterator(path_ / "run" / "log")) {
      std::ifstream in(entry.path());
      for (std::string line; std::getline(in, line);) {
        const std::size_t at = line.find(" commit ");
        if (at != std::string::npos) ++count[line.substr(at + 8, 64)];
      }
    }
    return count;
  }

  fs::path path_;

 private:
  std::optional<TestFolder> own_;
};

std::string name_of(std::uint32_t trial) { return "trial " + std::to_string(trial); }

Plan made_up_plan(std::uint32_t trials, double cost = 0.01) {
  Plan plan;
  plan.source = "made: up\n";
  plan.file.resolved_sha256 = sha256("resolved").hex();
  results::Samples samples;
  samples.dataset = "toy";
  samples.digest = sha256("toy samples");
  for (int i = 0; i < 8; ++i) samples.id.push_back("s" + std::to_string(i));
  samples.groups = {{"subject", std::vector<std::string>(8, "one")}};
  plan.samples.push_back(samples);
  results::PlannedExperiment experiment;
  experiment.name = "made up";
  experiment.resolved = "name: made up\n";
  experiment.dataset = "toy";
  experiment.samples = samples.digest;
  experiment.protocol = "loso";
  experiment.group = "subject";
  experiment.normalise = "train";
  experiment.selection_metric = "loss";
  experiment.classes = results::class_names(kSizes.classes);
  experiment.conditions = {"default"};
  plan.file.experiments.push_back(experiment);
  for (std::uint32_t t = 0; t < trials; ++t) {
    const Digest id = results::make_record(name_of(t), kSizes).id;
    PlannedTrial trial;
    trial.id = id;
    trial.seed = t;
    trial.cost = cost * (1 + 0.001 * (trials - t));
    plan.trials.push_back(trial);
    plan.file.cells.push_back({id, 0, 0, t, "one", "one"});
  }
  return plan;
}

trainer::Trained trained(const PlannedTrial& trial) {
  trainer::Trained out;
  out.record = results::make_record(name_of(static_cast<std::uint32_t>(trial.seed)), kSizes);
  return out;
}

using OneWorker = std::function<trainer::Trained(
    const PlannedTrial&, Collective&, const trainer::Stopping&, const trainer::CheckpointOptions&)>;

// Non-finite trials leave a pack alone, everything else ends the pack.
Worker one_by_one(OneWorker one) {
  return [one](std::span<const PlannedTrial* const> trials, Collective& team,
               const trainer::Stopping& stopping, const trainer::CheckpointOptions& checkpoints,
               const trainer::TellEpoch&) {
    std::vector<trainer::TrialOutcome> outcomes;
    for (const PlannedTrial* trial : trials) {
      try {
        outcomes.emplace_back(one(*trial, team, stopping, checkpoints));
      } catch (const TrialError& e) {
        if (trials.size() == 1) throw;
        outcomes.emplace_back(e);
      }
    }
    return outcomes;
  };
}

int sum_over_ranks(int mine) {
  int sum = 0;
  for (const std::string& text :
       distributed::gather(std::to_string(mine), "numbers", in_seconds(60))) {
    sum += std::stoi(text);
  }
  return sum;
}

TEST_F(Runs, EveryTrialOnceAndASecondRunDoesNothing) {
  const Plan plan = made_up_plan(60);
  int calls = 0;
  const Worker worker =
      one_by_one([&](const PlannedTrial& trial, Collective&, const trainer::Stopping& stopping,
                     const trainer::CheckpointOptions&) {
        ++calls;
        EXPECT_FALSE(stopping());
        std::this_thread::sleep_for(milliseconds{3});
        return trained(trial);
      });
  EXPECT_EQ(run_plan(mpi_world(), plan, options(), worker), Exit::done);
  EXPECT_EQ(sum_over_ranks(calls), 60);
  EXPECT_GT(calls, 0) << "rank " << mpi_world().rank << " got no work";
  EXPECT_EQ(folder().committed().size(), 60U);
  const auto lines = commit_lines();
  EXPECT_EQ(lines.size(), 60U);
  for (const auto& [id, n] : lines) EXPECT_EQ(n, 1) << id;
  const RunStatus status = read_status(path_ / "run");
  EXPECT_EQ(status.code, Exit::done);
  EXPECT_EQ(status.state.state, "done");
  EXPECT_EQ(status.state.done, 60);
  EXPECT_EQ(status.lease.liveness, Liveness::none);
  EXPECT_EQ(results::read_record(folder().record(plan.trials[5].id)).cost.ranks, mpi_world().size);
  const auto summary = read_bytes(path_ / "run" / "summary.h5");
  distributed::barrier("first run looked at", in_seconds(60));

  EXPECT_EQ(run_plan(mpi_world(), plan, options(), worker), Exit::done);
  EXPECT_EQ(sum_over_ranks(calls), 60) << "a committed trial was trained again";
  EXPECT_EQ(read_bytes(path_ / "run" / "summary.h5"), summary);
}

// The trainer says how long a trial was trained before it was resumed, and from where it goes on.
TEST_F(Runs, AResumedTrialIsLoggedAndItsSecondsAddUp) {
  const Plan plan = made_up_plan(6);
  const Worker worker =
      one_by_one([&](const PlannedTrial& trial, Collective&, const trainer::Stopping&,
                     const trainer::CheckpointOptions& checkpoints) {
        EXPECT_EQ(checkpoints.folder, folder().checkpoints());
        EXPECT_EQ(checkpoints.after_seconds, 7);
        trainer::Trained out = trained(trial);
        out.record.cost.wall_seconds = trial.seed == 2 ? 1000 : 0;
        out.record.cost.cpu_seconds = trial.seed == 2 ? 900 : 0;
        if (trial.seed == 2) checkpoints.tell("resumed from epoch 3, step 41", false);
        return out;
      });
  RunOptions given = options();
  given.checkpoint_after = 7;
  EXPECT_EQ(run_plan(mpi_world(), plan, given, worker), Exit::done);
  const results::Provenance resumed = results::read_record(folder().record(plan.trials[2].id)).cost;
  EXPECT_GE(resumed.wall_seconds, 1000);
  EXPECT_GE(resumed.cpu_seconds, 900);
  EXPECT_LT(resumed.wall_seconds, 1010);
  EXPECT_LT(results::read_record(folder().record(plan.trials[1].id)).cost.wall_seconds, 10);
  std::string lines;
  for (const auto& entry : fs::directory_iterator(path_ / "run" / "log"))
    lines += read_text(entry.path());
  EXPECT_NE(lines.find(" resume " + plan.trials[2].id.hex() + " resumed from epoch 3, step 41\n"),
            std::string::npos);
}

TEST_F(Runs, FailuresAreRecordedAndTriedAgainOnlyWhenAsked) {
  const Plan plan = made_up_plan(30);
  bool broken = true;
  int calls = 0;
  const Worker worker =
      one_by_one([&](const PlannedTrial& trial, Collective&, const trainer::Stopping&,
                     const trainer::CheckpointOptions&) {
        ++calls;
        if (broken && trial.seed == 3)
          throw TrialError("non_finite", "loss is nan in epoch 2, step 7");
        if (broken && trial.seed == 4) throw std::runtime_error("something odd");
        if (broken && trial.seed == 5) throw std::bad_alloc();
        return trained(trial);
      });
  EXPECT_EQ(run_plan(mpi_world(), plan, options(), worker), Exit::trials_failed);
  EXPECT_EQ(folder().committed().size(), 27U);
  std::map<Digest, std::string> reasons;
  for (const results::Failure& failure : folder().failures()) reasons[failure.id] = failure.reason;
  EXPECT_EQ(reasons, (std::map<Digest, std::string>{{plan.trials[3].id, "non_finite"},
                                                    {plan.trials[4].id, "exception"},
                                                    {plan.trials[5].id, "out_of_memory"}}));
  EXPECT_EQ(read_status(path_ / "run").code, Exit::trials_failed);
  distributed::barrier("failures looked at", in_seconds(60));

  calls = 0;
  EXPECT_EQ(run_plan(mpi_world(), plan, options(), worker), Exit::trials_failed);
  EXPECT_EQ(sum_over_ranks(calls), 0);

  RunOptions again = options();
  again.retry_failed = true;
  EXPECT_EQ(run_plan(mpi_world(), plan, again, worker), Exit::trials_failed);
  EXPECT_EQ(sum_over_ranks(calls), 3);
  for (const results::Failure& failure : folder().failures()) EXPECT_EQ(failure.times, 2);
  distributed::barrier("second failures looked at", in_seconds(60));

  broken = false;
  EXPECT_EQ(run_plan(mpi_world(), plan, again, worker), Exit::done);
  EXPECT_EQ(folder().failures().size(), 0U);
  EXPECT_EQ(read_status(path_ / "run").code, Exit::done);
}

TEST_F(Runs, ASignalToOneRankEndsAllAndTheNextRunDoesTheRest) {
  const Plan plan = made_up_plan(40);
  int calls = 0;
  const Worker worker =
      one_by_one([&](const PlannedTrial& trial, Collective&, const trainer::Stopping& stopping,
                     const trainer::CheckpointOptions&) {
        if (++calls == 3 && mpi_world().rank == mpi_world().size - 1) raise(SIGUSR2);
        for (int step = 0; step < 20; ++step) {
          if (stopping()) throw trainer::Interrupted{};
          std::this_thread::sleep_for(milliseconds{2});
        }
        return trained(trial);
      });
  EXPECT_EQ(run_plan(mpi_world(), plan, options(), worker), Exit::interrupted);
  const std::size_t first = folder().committed().size();
  EXPECT_GE(first, 2U);
  EXPECT_LT(first, 40U);
  const RunStatus status = read_status(path_ / "run");
  EXPECT_EQ(status.state.state, "interrupted");
  EXPECT_EQ(status.state.message, "signal SIGUSR2");
  EXPECT_EQ(status.code, Exit::interrupted);
  EXPECT_EQ(status.lease.liveness, Liveness::none);
  distributed::barrier("interruption looked at", in_seconds(60));

  forget_signals();
  calls = 1000;
  EXPECT_EQ(run_plan(mpi_world(), plan, options(), worker), Exit::done);
  EXPECT_EQ(folder().committed().size(), 40U);
  for (const auto& [id, n] : commit_lines()) EXPECT_EQ(n, 1) << id;
}

TEST_F(Runs, NoTrialStartsThatCannotFinishInTime) {
  Plan plan = made_up_plan(10);
  for (std::size_t t = 0; t < 6; ++t) plan.trials[t].cost = 1000;
  RunOptions limited = options();
  limited.end_unix =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count() +
      30;
  limited.end_unix = std::stod(distributed::broadcast(std::to_string(limited.end_unix),
                                                      "the same end on all ranks", in_seconds(20)));
  int long_ones = 0;
  const Worker worker =
      one_by_one([&](const PlannedTrial& trial, Collective&, const trainer::Stopping&,
                     const trainer::CheckpointOptions&) {
        long_ones += trial.cost > 1 ? 1 : 0;
        std::this_thread::sleep_for(milliseconds{10});
        return trained(trial);
      });
  EXPECT_EQ(run_plan(mpi_world(), plan, limited, worker), Exit::interrupted);
  EXPECT_EQ(sum_over_ranks(long_ones), 0);
  EXPECT_EQ(folder().committed().size(), 4U) << "the short trials fit and were not done";
}

TEST_F(Runs, ARankWithoutStorageEndsTheRunInOrder) {
  const Plan plan = made_up_plan(40);
  const int last = mpi_world().size - 1;
  int calls = 0;
  const Worker worker =
      one_by_one([&](const PlannedTrial& trial, Collective&, const trainer::Stopping&,
                     const trainer::CheckpointOptions&) {
        if (++calls == 2 && mpi_world().rank == last) throw RunError("no space left on device");
        std::this_thread::sleep_for(milliseconds{10});
        return trained(trial);
      });
  EXPECT_EQ(run_plan(mpi_world(), plan, options(), worker), Exit::cannot_go_on);
  const RunStatus status = read_status(path_ / "run");
  EXPECT_EQ(status.state.state, "error");
  EXPECT_EQ(status.code, Exit::cannot_go_on);
  EXPECT_NE(status.state.message.find("rank " + std::to_string(last)), std::string::npos)
      << status.state.message;
  EXPECT_NE(status.state.message.find("no space left"), std::string::npos) << status.state.message;
}

TEST_F(Runs, ShardsAreThePlanTogetherAndTheirCodesAreTheirOwn) {
  const Plan plan = made_up_plan(31);
  int calls = 0;
  const Worker worker =
      one_by_one([&](const PlannedTrial& trial, Collective&, const trainer::Stopping&,
                     const trainer::CheckpointOptions&) {
        ++calls;
        if (trial.seed == 0) throw TrialError("non_finite", "loss is nan");
        return trained(trial);
      });
  RunOptions one = options(), two = options();
  one.shard = {1, 2};
  two.shard = {2, 2};
  EXPECT_EQ(run_plan(mpi_world(), plan, one, worker), Exit::trials_failed);
  EXPECT_EQ(sum_over_ranks(calls), 16);
  EXPECT_EQ(read_status(path_ / "run").code, Exit::interrupted) << "shard 2/2 was not run yet";
  distributed::barrier("shard 1 looked at", in_seconds(60));
  EXPECT_EQ(run_plan(mpi_world(), plan, two, worker), Exit::done) << "not its trial that failed";
  EXPECT_EQ(sum_over_ranks(calls), 31);
  EXPECT_EQ(folder().committed().size(), 30U);
  for (const auto& [id, n] : commit_lines()) EXPECT_EQ(n, 1) << id;
  const RunStatus status = read_status(path_ / "run");
  EXPECT_EQ(status.code, Exit::trials_failed);
  ASSERT_EQ(status.shards.size(), 2U);
  EXPECT_EQ(status.shards[0].state.planned, 16);
  EXPECT_EQ(status.shards[0].state.failed, 1);
  EXPECT_EQ(status.shards[1].state.done, 15);
  const auto summary = read_bytes(path_ / "run" / "summary.h5");
  distributed::barrier("shards looked at", in_seconds(60));

  EXPECT_EQ(run_plan(mpi_world(), plan, options(), worker), Exit::trials_failed);
  EXPECT_EQ(sum_over_ranks(calls), 31) << "a plain run trains what shards have committed";
  EXPECT_TRUE(read_status(path_ / "run").shards.empty());
  EXPECT_EQ(read_bytes(path_ / "run" / "summary.h5"), summary);
}

// Packs of 4; what ends a pack as a whole is its guilty trial's own, and tallies count trials.
TEST_F(Runs, PacksAreCommittedTrialByTrialAndTheGuiltyOneFailsAlone) {
  Plan plan = made_up_plan(48);
  for (PlannedTrial& trial : plan.trials) {
    trial.pack = 4;
    trial.shape = 1;
    trial.cost_alone = 3 * trial.cost;
  }
  std::map<std::size_t, int> sizes;
  int stones = 0;
  const Worker one = one_by_one([&](const PlannedTrial& trial, Collective&,
                                    const trainer::Stopping&, const trainer::CheckpointOptions&) {
    if (trial.seed == 9) throw TrialError("non_finite", "loss is nan", "epoch 2, step 7");
    if (trial.seed == 20 && ++stones > 0) throw std::bad_alloc();
    return trained(trial);
  });
  const Worker worker = [&](std::span<const PlannedTrial* const> trials, Collective& team,
                            const trainer::Stopping& stopping,
                            const trainer::CheckpointOptions& checkpoints,
                            const trainer::TellEpoch& tell_epoch) {
    ++sizes[trials.size()];
    EXPECT_EQ(checkpoints.folder.empty(), trials.size() > 1);
    return one(trials, team, stopping, checkpoints, tell_epoch);
  };
  EXPECT_EQ(run_plan(mpi_world(), plan, options(), worker), Exit::trials_failed);
  EXPECT_EQ(sum_over_ranks(stones), 2) << "once in its pack, once alone";
  EXPECT_EQ(sum_over_ranks(sizes[1]), 4) << "that pack's trials";
  EXPECT_EQ(folder().committed().size(), 46U);
  std::map<Digest, std::string> reasons;
  for (const results::Failure& failure : folder().failures()) reasons[failure.id] = failure.reason;
  EXPECT_EQ(reasons, (std::map<Digest, std::string>{{plan.trials[9].id, "non_finite"},
                                                    {plan.trials[20].id, "out_of_memory"}}));
  const auto lines = commit_lines();
  EXPECT_EQ(lines.size(), 46U);
  for (const auto& [id, n] : lines) EXPECT_EQ(n, 1) << id;
  std::map<int, int> packs;  // records by the size of their pack
  for (const Digest& id : folder().committed()) {
    ++packs[results::read_record(folder().record(id)).cost.pack];
  }
  EXPECT_EQ(packs[1], 3) << "of the pack that was taken apart";
  EXPECT_GT(packs[4], 20);
  const RunStatus status = read_status(path_ / "run");
  EXPECT_EQ(status.state.planned, 48);
  EXPECT_EQ(status.state.done, 46);
  EXPECT_EQ(status.state.failed, 2);
  EXPECT_EQ(status.state.running, 0);
}

// A pack that is interrupted is lost as a whole and nothing else is; its trials are packed anew.
TEST_F(Runs, AnInterruptedPackIsTrainedAgainAndNothingElse) {
  Plan plan = made_up_plan(40);
  for (PlannedTrial& trial : plan.trials) {
    trial.pack = 5;
    trial.shape = 1;
    trial.cost_alone = 3 * trial.cost;
  }
  int packs = 0, trials_done = 0;
  bool stop = true;
  const Worker worker = [&](std::span<const PlannedTrial* const> trials, Collective&,
                            const trainer::Stopping& stopping, const trainer::CheckpointOptions&,
                            const trainer::TellEpoch&) {
    if (stop && ++packs == 2) raise(SIGUSR2);
    for (int step = 0; step < 20; ++step) {
      if (stopping()) throw trainer::Interrupted{};
      std::this_thread::sleep_for(milliseconds{2});
    }
    std::vector<trainer::TrialOutcome> outcomes;
    for (const PlannedTrial* trial : trials) outcomes.emplace_back(trained(*trial));
    trials_done += static_cast<int>(trials.size());
    return outcomes;
  };
  EXPECT_EQ(run_plan(mpi_world(), plan, options(), worker), Exit::interrupted);
  const int first = sum_over_ranks(trials_done);
  EXPECT_GT(first, 0);
  EXPECT_LT(first, 40);
  EXPECT_EQ(folder().committed().size(), static_cast<std::size_t>(first));
  distributed::barrier("interruption looked at", in_seconds(60));
  forget_signals();
  stop = false;
  EXPECT_EQ(run_plan(mpi_world(), plan, options(), worker), Exit::done);
  EXPECT_EQ(sum_over_ranks(trials_done), 40);
  for (const auto& [id, n] : commit_lines()) EXPECT_EQ(n, 1) << id;
}

Exit code_of_start(const Plan& plan, const RunOptions& options) {
  try {
    return run_plan(mpi_world(), plan, options,
                    one_by_one([](const PlannedTrial& trial, Collective&, const trainer::Stopping&,
                                  const trainer::CheckpointOptions&) { return trained(trial); }));
  } catch (const Left& left) {
    // One rank speaks.
    EXPECT_EQ(sum_over_ranks(left.error ? 1 : 0), 1);
    return left.code;
  }
}

// All ranks are one team; the last rank alone fails, and its peers wait for it in a collective.
TEST_F(Runs, WhatOneRankOfATeamDoesWrongIsRecordedAndTheTeamGoesOn) {
  if (mpi_world().size == 1) return;
  Plan plan = made_up_plan(12);
  plan.ranks_per_trial = mpi_world().size;
  const int last = mpi_world().size - 1;
  const Worker worker =
      one_by_one([&](const PlannedTrial& trial, Collective& team, const trainer::Stopping&,
                     const trainer::CheckpointOptions&) {
        EXPECT_EQ(team.size, mpi_world().size);
        if (team.rank == team.size - 1) {
          if (trial.seed == 3) throw TrialError("non_finite", "nan here only", "epoch 2, step 7");
          if (trial.seed == 4) throw std::runtime_error("something odd");
          if (trial.seed == 5) throw std::bad_alloc();
        }
        EXPECT_EQ(team.sum(at::ones({1})).item<float>(), static_cast<float>(team.size));
        return trained(trial);
      });
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(run_plan(mpi_world(), plan, options(), worker), Exit::trials_failed);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds{15});
  EXPECT_EQ(folder().committed().size(), 9U);
  std::map<Digest, std::string> reasons;
  for (const results::Failure& failure : folder().failures()) {
    reasons[failure.id] = failure.reason;
    EXPECT_EQ(failure.rank, last) << "the rank that failed, not the one that wrote it down";
    EXPECT_EQ(failure.times, 1);
  }
  EXPECT_EQ(reasons, (std::map<Digest, std::string>{{plan.trials[3].id, "non_finite"},
                                                    {plan.trials[4].id, "exception"},
                                                    {plan.trials[5].id, "out_of_memory"}}));
  for (const auto& [id, n] : commit_lines()) EXPECT_EQ(n, 1) << id;
}

TEST_F(Runs, ATrialThatLosesItsTeamIsQueuedAgainAtMostTwice) {
  if (mpi_world().size == 1) return;
  Plan plan = made_up_plan(8);
  plan.ranks_per_trial = mpi_world().size;
  std::map<std::uint64_t, int> tries;
  const Worker worker = one_by_one([&](const PlannedTrial& trial, Collective& team,
                                       const trainer::Stopping&,
                                       const trainer::CheckpointOptions&) {
    const int n = ++tries[trial.seed];
    if (team.rank == 1 && (trial.seed == 2 || (trial.seed == 6 && n <= 2))) {
      const distributed::TeamFault fault{"communication", "the cable is out", "", "", team.rank};
      dynamic_cast<distributed::Team&>(team).fail(fault);
      throw distributed::TeamError(fault);
    }
    team.sum(at::ones({1}));
    return trained(trial);
  });
  EXPECT_EQ(run_plan(mpi_world(), plan, options(), worker), Exit::trials_failed);
  EXPECT_EQ(tries[2], 3);
  EXPECT_EQ(tries[6], 3);
  EXPECT_EQ(tries[0], 1);
  EXPECT_EQ(folder().committed().size(), 7U);
  const std::vector<results::Failure> failures = folder().failures();
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_EQ(failures[0].id, plan.trials[2].id);
  EXPECT_EQ(failures[0].reason, "communication");
}

// One rank of the team has no memory for the pack: all of it hear so, and go through it one by one.
TEST_F(Runs, APackThatOneRankOfATeamCannotTrainIsTakenApartByAll) {
  if (mpi_world().size == 1) return;
  Plan plan = made_up_plan(12);
  plan.ranks_per_trial = mpi_world().size;
  for (PlannedTrial& trial : plan.trials) {
    trial.pack = 6;
    trial.shape = 1;
  }
  std::vector<std::size_t> sizes;
  const Worker worker = [&](std::span<const PlannedTrial* const> trials, Collective& team,
                            const trainer::Stopping&, const trainer::CheckpointOptions&,
                            const trainer::TellEpoch&) {
    sizes.push_back(trials.size());
    const bool last = team.rank == team.size - 1;
    if (last && trials.size() > 1 && trials[0]->seed == 0) throw std::bad_alloc();
    EXPECT_EQ(team.sum(at::ones({1})).item<float>(), static_cast<float>(team.size));
    std::vector<trainer::TrialOutcome> outcomes;
    for (const PlannedTrial* trial : trials) outcomes.emplace_back(trained(*trial));
    return outcomes;
  };
  EXPECT_EQ(run_plan(mpi_world(), plan, options(), worker), Exit::done);
  EXPECT_EQ(sizes, (std::vector<std::size_t>{6, 1, 1, 1, 1, 1, 1, 6}));
  EXPECT_EQ(folder().committed().size(), 12U);
  for (const auto& [id, n] : commit_lines()) EXPECT_EQ(n, 1) << id;
}

TEST_F(Runs, TeamsThatDoNotDivideTheRanksAreRefusedByAll) {
  Plan plan = made_up_plan(3);
  plan.ranks_per_trial = mpi_world().size + 1;
  EXPECT_EQ(code_of_start(plan, options()), Exit::bad_input);
}

TEST_F(Runs, AnotherPlanOnOneRankIsRefusedByAll) {
  if (mpi_world().size == 1) return;
  const Plan plan = made_up_plan(mpi_world().rank == 1 ? 9 : 10);
  EXPECT_EQ(code_of_start(plan, options()), Exit::cannot_go_on);
  EXPECT_FALSE(fs::exists(path_ / "run" / "trials"));
}

TEST_F(Runs, AFolderInUseOrNoRunFolderIsRefusedByAll) {
  const Plan plan = made_up_plan(3);
  std::optional<Lease> lease;
  if (mpi_world().rank == 0) {
    fs::create_directories(path_ / "run");
    lease.emplace(path_ / "run");
  }
  EXPECT_EQ(code_of_start(plan, options()), Exit::cannot_go_on);
  lease.reset();
  RunOptions wrong = options();
  wrong.dir = path_ / "photos";
  if (mpi_world().rank == 0) {
    fs::create_directories(wrong.dir);
    std::ofstream(wrong.dir / "cat.jpg") << "x";
  }
  distributed::barrier("folder made", in_seconds(20));
  EXPECT_EQ(code_of_start(plan, wrong), Exit::bad_input);
  EXPECT_EQ(code_of_start(plan, options()), Exit::done);
}

}  // namespace
}  // namespace emosweep::launcher
