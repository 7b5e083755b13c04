#include "launcher/run.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <set>
#include <thread>

#include "base/fault.h"
#include "base/log.h"
#include "distributed/team.h"
#include "launcher/fold_facts.h"
#include "launcher/packs.h"
#include "launcher/run_device.h"
#include "launcher/run_leases.h"
#include "launcher/run_products.h"
#include "launcher/run_rank.h"
#include "launcher/run_setup.h"
#include "launcher/run_together.h"
#include "launcher/shard.h"
#include "launcher/signals.h"
#include "launcher/summary_wish.h"
#include "results/report.h"
#include "results/run_folder.h"

namespace emosweep::launcher {
namespace {

constexpr std::size_t kFoldsTold = 6;  // in the log, of one experiment

using distributed::Coordinator;
using distributed::in_seconds;
using distributed::World;

constexpr auto kStoreTimeout = std::chrono::seconds{60};
constexpr auto kSummaryTime = std::chrono::hours{2};  // of rank 0 over very many records
constexpr char kSummaryOver[] = "summary over";

void agree_on_plan(const Plan& plan, double patience) {
  const std::vector<std::string> digests =
      distributed::gather(plan_digest(plan).hex(), "agreement on the plan", in_seconds(patience));
  for (std::size_t r = 1; r < digests.size(); ++r) {
    if (digests[r] == digests[0]) continue;
    throw RunError("rank " + std::to_string(r) +
                   " made another plan than rank 0: do all nodes see the same "
                   "experiment file, the same data and the same build of the program?");
  }
}

// Members are numbers of setup.todo.
std::vector<WorkPack> packs_of(const Plan& plan, const Setup& setup, int teams) {
  std::vector<std::uint32_t> trials;
  for (const Todo& todo : setup.todo) trials.push_back(todo.trial);
  return make_packs(plan, trials, teams);
}

std::vector<distributed::Work> work_of(const std::vector<WorkPack>& packs) {
  std::vector<distributed::Work> order;
  order.reserve(packs.size());
  for (std::uint32_t i = 0; i < packs.size(); ++i) {
    order.push_back({i, packs[i].cost, {}, packs[i].shape});
  }
  return order;
}

double total_cost(const std::vector<distributed::Work>& order) {
  double sum = 0;
  for (const distributed::Work& work : order) sum += work.cost;
  return sum;
}

void pin(const World& world) {
  if (distributed::pin_to_core(world) || world.rank != 0) return;
  log::warning(
      world.node_size > static_cast<int>(world.cores.size())
          ? std::to_string(world.node_size) + " ranks share " + std::to_string(world.cores.size()) +
                " cores of this node: ranks are not pinned; one rank per core is fastest"
          : "no core of this node is free of other runs or given to this rank alone: not pinned");
}

// Trials of other ranks may take hours: the wait ends when none of them has been heard of for long.
// Rank 0 a little before the others: it says so in the run's state.
void wait_for_all(Coordinator& coordinator, Monitor* monitor, std::chrono::seconds timeout) {
  using Clock = std::chrono::steady_clock;
  const auto patience = timeout + std::chrono::seconds{monitor != nullptr ? 0 : 5};
  std::int64_t sign = coordinator.sign_of_life();
  auto heard = Clock::now();
  bool told = false;
  while (!coordinator.over(std::chrono::milliseconds{200})) {
    if (monitor != nullptr) monitor->tick(coordinator);
    if (signalled() && !told) {
      told = true;
      coordinator.stop(signal_text());
    }
    if (Clock::now() - heard < std::chrono::seconds{1}) continue;
    const std::int64_t now = coordinator.sign_of_life();
    if (now != sign) {
      sign = now;
      heard = Clock::now();
    } else if (Clock::now() - heard > patience) {
      throw RunError("no rank that still trains has made a step for " +
                     std::to_string(timeout.count()) +
                     " s: a rank hangs (stopped, swapping, a dead file system?); what was "
                     "committed is safe: run again");
    }
  }
}

// The others have nothing to do but may wait long: rank 0's store answers as long as it lives.
void wait_for_summary(Coordinator& coordinator) {
  const auto end = std::chrono::steady_clock::now() + kSummaryTime;
  while (coordinator.add(kSummaryOver, 0) == 0 && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
}

struct Ended {
  std::int64_t done = 0, failed = 0, left = 0;
  Exit code() const {
    return left > 0 ? Exit::interrupted : failed > 0 ? Exit::trials_failed : Exit::done;
  }
};

// By the folder itself, not by counters.
Ended count_trials(const results::RunFolder& folder, const Plan& plan, const Shard& shard) {
  const std::vector<Digest> committed = folder.committed();
  const std::set<Digest> done(committed.begin(), committed.end());
  std::set<Digest> failed;
  for (const results::Failure& failure : folder.failures()) failed.insert(failure.id);
  Ended ended;
  for (const std::uint32_t t : dealt_trials(plan, shard)) {
    const Digest& id = plan.trials[t].id;
    if (done.contains(id)) {
      ++ended.done;
    } else if (failed.contains(id)) {
      ++ended.failed;
    } else {
      ++ended.left;
    }
  }
  return ended;
}

// Rank 0's own: what only one rank may hold.
struct Owner {
  explicit Owner(const RunOptions& options)
      : lease(options.dir, options.lease, lease_name(options.shard)) {
    exclude_others(options.dir, options.shard, lease, options.lease);
  }
  Lease lease;
  StateOwner state;
  std::optional<Monitor> monitor;
};

// DIR/report.html, and the report on standard output if `print`. After the state was committed:
// whatever happens here changes nothing of the run's end. Of several shards the last one does it.
void make_report(const results::RunFolder& folder, const Plan& plan, const Shard& shard,
                 bool print) {
  try {
    fault_point("report.begin");
    const Ended all = count_trials(folder, plan, {});
    if (!shard.whole() && all.left > 0) {
      log::info("shard " + shard.text() + " has ended; " + std::to_string(all.left) +
                " trials of the whole plan are left (emosweep status " + folder.path().string() +
                ")");
      return;
    }
    const results::Report report(results::ReportSources{{folder}});
    if (print) {
      std::fputs(report.in("text").c_str(), stdout);
      std::fflush(stdout);
    }
    const auto page = folder.path() / "report.html";
    commit_file(page, report.in("html"), "page");
    log::info("the report as a page: " + page.string());
  } catch (const std::exception& e) {
    log::warning(std::string("no report: ") + e.what());
  }
}

// The ranks cannot agree on this end any more: the error ends the job.
void wait_or_say_why(const Plan& plan, const RunOptions& options, const results::RunFolder& folder,
                     Coordinator& coordinator, Owner* owner) {
  Monitor* const monitor = owner != nullptr ? &*owner->monitor : nullptr;
  try {
    wait_for_all(coordinator, monitor, options.timeout);
  } catch (const RunError& e) {
    if (monitor != nullptr && !owner->lease.lost()) {
      const Ended ended = count_trials(folder, plan, options.shard);
      monitor->finish(coordinator, Exit::cannot_go_on, ended.done, ended.failed, e.what());
    }
    throw;
  }
}

Exit end_of_run(const Plan& plan, const RunOptions& options, const results::RunFolder& folder,
                Coordinator& coordinator, Owner* owner, const std::string& trouble) {
  const auto patience = [&] { return in_seconds(static_cast<double>(options.timeout.count())); };
  std::string message = coordinator.stop_reason();
  int worst = severity(Exit::done);
  for (const std::string& text : distributed::gather(trouble, "end of training", patience())) {
    if (text.empty()) continue;
    worst = severity(Exit::cannot_go_on);
    message = text;
  }
  Ended ended;
  if (owner != nullptr && worst < severity(Exit::cannot_go_on)) {
    try {
      ended = count_trials(folder, plan, options.shard);
      share_summary(folder, owner->lease, options.lease);
      worst = severity(ended.code());
    } catch (const std::exception& e) {
      message = std::string("the summary could not be built: ") + e.what();
      worst = severity(Exit::cannot_go_on);
    }
  }
  if (owner != nullptr) {
    coordinator.add(kSummaryOver, 1);
  } else {
    wait_for_summary(coordinator);
  }
  const Exit code =
      exit_of_severity(distributed::agree_max(worst, "end of the summary", patience()));
  if (owner != nullptr) {
    if (code == Exit::interrupted && message.empty() && options.end_unix > 0)
      message = "time limit";
    if (code == Exit::cannot_go_on) ended = count_trials(folder, plan, options.shard);
    if (!owner->lease.lost())
      owner->monitor->finish(coordinator, code, ended.done, ended.failed, message);
    if (code == Exit::cannot_go_on) {
      log::error("the run cannot go on: " + message + "; what was committed is safe: run again");
    } else if (code == Exit::interrupted) {
      log::warning("stopped (" +
                   (message.empty() ? std::string("trials were given back") : message) + ") with " +
                   std::to_string(ended.left) + " trials left; run again to go on");
    }
    owner->lease.release();
    if (code != Exit::cannot_go_on) make_report(folder, plan, options.shard, options.print_report);
  }
  return code;
}

}  // namespace

Exit run_plan(const World& world, const Plan& plan, const RunOptions& options,
              const Worker& worker) {
  const auto patience = static_cast<double>(options.timeout.count());
  together(
      world, "agreement on the plan", [&] { agree_on_plan(plan, patience); }, patience);
  const distributed::TeamPlace place = together(
      world, "teams", [&] { return distributed::find_team(world, plan.ranks_per_trial); },
      patience);
  const results::RunFolder folder(options.dir);
  const bool needed = together(
      world, "trials that are left", [&] { return world.rank == 0 && needs_gpu(plan, options); },
      patience);
  const bool needs =
      !distributed::broadcast(needed ? "a GPU" : "", "need of GPUs", in_seconds(patience)).empty();
  const RankDevice device = together(
      world, "GPUs", [&] { return take_device(world, plan, needs); }, patience);
  warn_of_other_gpus(world, device);
  std::unique_ptr<Owner> owner;
  std::unique_ptr<SyncedLines> log;
  const auto set_up = [&] {
    if (world.rank != 0) return Setup{};
    check_run_folder(options.dir);
    folder.create();
    owner = std::make_unique<Owner>(options);
    log = std::make_unique<SyncedLines>(folder.log(0, options.shard));
    owner->state = state_owner(plan, options, owner->lease, world.size);
    return set_up_folder(folder, plan, options, owner->state, *log);
  };
  // A shard may have to wait until another has written the plan or a summary.
  Setup setup = together(world, "set-up of the run folder", set_up,
                         options.shard.whole() ? patience : std::max(patience, kPlanSeconds));
  setup = decode_setup(
      distributed::broadcast(encode(setup), "trials to be done", in_seconds(patience)));
  const auto open_log = [&] {
    if (world.rank != 0) log = std::make_unique<SyncedLines>(folder.log(world.rank, options.shard));
  };
  together(world, "log of the rank", open_log, patience);

  const std::vector<WorkPack> packs = packs_of(plan, setup, place.teams);
  std::vector<distributed::Work> order = work_of(packs);
  const double cost = total_cost(order);
  // Before pinning: the store's thread must not share the training thread's core.
  std::shared_ptr<distributed::RunStore> store = distributed::make_store(
      world, {std::min<std::chrono::milliseconds>(kStoreTimeout, options.timeout)});
  std::unique_ptr<Coordinator> coordinator =
      distributed::make_coordinator(world, store, std::move(order));
  const std::unique_ptr<distributed::Team> team =
      distributed::make_team(world, place, store, {options.timeout, device.cuda});
  if (owner) {
    owner->monitor.emplace(folder, setup, cost, place.teams, owner->state, options.progress);
    log::info(
        (options.shard.whole() ? "" : "shard " + options.shard.text() + ": ") +
        std::to_string(setup.todo.size()) + " trials to do" +
        (packs.size() < setup.todo.size() ? " in " + std::to_string(packs.size()) + " packs" : "") +
        ", " + std::to_string(setup.done) + " done before, " + std::to_string(setup.failed) +
        " failed before" + (setup.failed > 0 ? " (--retry-failed tries them again)" : "") + "; " +
        std::to_string(world.size) + (world.size == 1 ? " rank" : " ranks") +
        (place.size > 1
             ? " in " + std::to_string(place.teams) + (place.teams == 1 ? " team" : " teams") +
                   " of " + std::to_string(place.size)
             : ""));
    for (const PlannedExperiment& experiment : plan.experiments) {
      const std::vector<results::FoldFacts> folds = fold_facts(experiment);
      const std::size_t shown = folds.size() <= kFoldsTold ? folds.size() : 1;
      for (std::size_t f = 0; f < shown; ++f)
        log::info(experiment.name + ": " + fold_text(experiment, folds[f]));
      if (shown < folds.size())
        log::info(experiment.name + ": " + std::to_string(folds.size() - shown) +
                  " more folds stand in plan.json and in the report");
    }
    if (place.nodes > 1 && place.size <= world.node_size)
      log::warning("teams of " + std::to_string(place.size) +
                   " ranks do not fill the nodes: some train across the network; start a multiple "
                   "of " +
                   std::to_string(place.size) + " ranks on every node");
  }
  warn_of_products(world, plan, setup, patience);
  // Beside a GPU other threads compute too: the driver's, and autograd's for the backward pass.
  if (options.pin && device.cuda < 0) pin(world);

  Monitor* const monitor = owner ? &*owner->monitor : nullptr;
  RankLoop loop({world, plan, options, setup, packs, folder, *coordinator, *team, *log, worker,
                 monitor, owner ? &owner->lease : nullptr, device.name});
  const std::string trouble = loop.run();
  team->close();
  wait_or_say_why(plan, options, folder, *coordinator, owner.get());
  const Exit code = end_of_run(plan, options, folder, *coordinator, owner.get(), trouble);
  log.reset();
  if (world.rank != 0) {  // rank 0 serves the store to the last
    coordinator.reset();
    store.reset();
  }
  distributed::barrier("end of the run", in_seconds(patience));
  return code;
}

}  // namespace emosweep::launcher
