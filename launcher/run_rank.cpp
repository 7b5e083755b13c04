#include "launcher/run_rank.h"

#include <ATen/Version.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <new>
#include <optional>

#include "base/clock.h"
#include "base/log.h"
#include "distributed/devices.h"
#include "launcher/run_log.h"
#include "launcher/run_version.h"
#include "launcher/signals.h"

namespace emosweep::launcher {
namespace {

using distributed::Done;

double unix_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::int64_t peak_memory_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * 1024;
}

std::string instruction_level() {
  std::string level = at::get_cpu_capability();
  std::transform(level.begin(), level.end(), level.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return level;
}

std::string seconds_text(double seconds) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.3f s", seconds);
  return text;
}

// A trial that lost its team through no fault of its own is tried again so often.
constexpr std::int64_t kRequeues = 2;

// ATen reports a failed allocation as an error of its own family.
bool is_out_of_memory(const std::string& message) {
  return message.find("can't allocate memory") != std::string::npos ||
         message.find("out of memory") != std::string::npos;
}

results::Provenance measure(const Todo& todo, const distributed::World& world, std::int64_t steps) {
  results::Provenance out;
  out.peak_memory_bytes = peak_memory_bytes();
  out.restarts = todo.restarts;
  out.host = world.host;
  out.device = "cpu";
  out.source_revision = source_revision();
  out.libraries = libraries_text();
  out.rank = world.rank;
  out.ranks = world.size;
  out.steps = steps;
  return out;
}

}  // namespace

RankLoop::RankLoop(const RankParts& parts) : RankParts(parts), start_unix_(unix_time()) {}

std::string RankLoop::run() {
  try {
    while (const std::optional<std::uint32_t> number = next()) {
      const Todo& todo = setup.todo.at(*number);
      const Done done = train_one(plan.trials.at(todo.trial), todo);
      if (team.place().leads()) coordinator.finish(*number, done);
      taken_.reset();
    }
    return "";
  } catch (const distributed::TeamLost& e) {
    if (monitor != nullptr) monitor->clear_line();
    log::error(e.what());
    if (taken_) coordinator.finish(*taken_, Done::requeued);
    // For the rank that was lost, should it wake up again.
    if (team.place().leads()) team.tell(distributed::TeamOrder::kOver);
    return e.what();
  } catch (const std::exception& e) {  // failures of a trial do not come here
    const std::string why =
        "rank " + std::to_string(world.rank) + " on " + world.host + ": " + e.what();
    if (monitor != nullptr) monitor->clear_line();
    team.fail(own_fault("communication", why));
    if (taken_) coordinator.finish(*taken_, Done::returned);
    coordinator.stop(why);
    if (team.place().leads()) team.tell(distributed::TeamOrder::kOver);
    return why;
  }
}

std::optional<std::uint32_t> RankLoop::next() { return team.place().leads() ? take() : hear(); }

std::optional<std::uint32_t> RankLoop::take() {
  while (!stopping()) {
    const std::vector<std::uint32_t> numbers = coordinator.take(1);
    if (numbers.empty()) break;
    if (fits(plan.trials.at(setup.todo.at(numbers.front()).trial))) {
      taken_ = numbers.front();
      order_ = team.tell(*taken_);
      return taken_;
    }
    coordinator.finish(numbers.front(), Done::returned);
  }
  team.tell(distributed::TeamOrder::kOver);
  return std::nullopt;
}

// A member that only waits gives no sign of life: when no other rank does either, the leader hangs.
std::optional<std::uint32_t> RankLoop::hear() {
  using Clock = std::chrono::steady_clock;
  std::int64_t sign = -1;
  auto heard = Clock::now();
  for (;;) {
    if (const auto order = team.hear(std::chrono::seconds{1})) {
      order_ = *order;
      if (order->number == distributed::TeamOrder::kOver) return std::nullopt;
      return static_cast<std::uint32_t>(order->number);
    }
    if (signalled()) coordinator.stop(signal_text());
    const std::int64_t now = coordinator.sign_of_life();
    if (now != sign) {
      sign = now;
      heard = Clock::now();
    } else if (Clock::now() - heard > options.timeout) {
      throw RunError("no order from the leader of " + team.place().text() + ", and no rank that " +
                     "trains, for " + std::to_string(options.timeout.count()) +
                     " s; what was committed is safe: run again");
    }
  }
}

Done RankLoop::train_one(const PlannedTrial& trial, const Todo& todo) {
  const bool leads = team.place().leads();
  if (leads) {
    log.add(log_line("start", trial.id,
                     plan.experiments.empty() ? "" : "seed " + std::to_string(trial.seed)));
  }
  const double start_unix = unix_time(), start_cpu = thread_cpu_seconds();
  const auto start = std::chrono::steady_clock::now();
  trainer::Trained trained;
  std::optional<distributed::TeamFault> fault;
  try {
    fault = train(trial, trained);
  } catch (const trainer::Interrupted&) {
    if (leads) log.add(log_line("return", trial.id));
    return Done::returned;
  }
  if (!leads) return fault ? Done::failed : Done::committed;
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const results::Provenance earlier = trained.record.cost;  // before it was resumed here
  const double part = seconds / std::max(seconds + earlier.wall_seconds, 1e-9);
  coordinator.add(kBusySum, static_cast<std::int64_t>(1e6 * seconds));
  coordinator.add(kCostSum, static_cast<std::int64_t>(1e6 * trial.cost * part));
  if (!fault && trained.record.id != trial.id) {
    fault = own_fault("exception", "the trainer returned the record of another trial: " +
                                       trained.record.id.hex());
  }
  if (fault) return give_up(trial, *fault);
  results::Provenance& cost = trained.record.cost;
  cost = measure(todo, world, earlier.steps);
  cost.start_unix = start_unix;
  cost.wall_seconds = earlier.wall_seconds + seconds;
  cost.cpu_seconds = earlier.cpu_seconds + thread_cpu_seconds() - start_cpu;
  commit(trial, todo, trained);
  return Done::committed;
}

// What this rank itself does wrong its peers are told, so that they leave their collectives.
std::optional<distributed::TeamFault> RankLoop::train(const PlannedTrial& trial,
                                                      trainer::Trained& trained) {
  distributed::TeamFault fault;
  try {
    team.join(order_);
    trained = worker(
        trial, team, [this] { return stopping(); }, checkpoints(trial));
    return std::nullopt;
  } catch (const trainer::Interrupted&) {
    throw;
  } catch (const distributed::TeamLost&) {
    throw;
  } catch (const distributed::TeamError& e) {
    return e.fault();
  } catch (const TrialError& e) {
    fault = own_fault(e.reason(), e.what(), e.where());
  } catch (const RunError&) {
    throw;
  } catch (const std::bad_alloc&) {
    fault = own_fault("out_of_memory", "out of memory");
  } catch (const std::exception& e) {
    fault = own_fault(is_out_of_memory(e.what()) ? "out_of_memory" : "exception", e.what());
  }
  team.fail(fault);
  return fault;
}

void RankLoop::commit(const PlannedTrial& trial, const Todo& todo, trainer::Trained& trained) {
  if (trained.record.instructions.empty()) trained.record.instructions = instruction_level();
  // Weights first: a record that names weights must not stand without them.
  if (trained.weights) {
    make_folders(folder.model(trial.id).parent_path());
    commit_file(folder.model(trial.id), *trained.weights, "model");
  }
  folder.commit(trained.record);
  log.add(log_line(todo.again ? "again" : "commit", trial.id,
                   seconds_text(trained.record.cost.wall_seconds)));
}

trainer::CheckpointOptions RankLoop::checkpoints(const PlannedTrial& trial) {
  trainer::CheckpointOptions out;
  out.folder = folder.checkpoints();
  out.after_seconds = options.checkpoint_after;
  out.tell = [this, &trial](const std::string& what, bool trouble) {
    if (monitor != nullptr) monitor->clear_line();
    if (trouble) {
      log::warning(title(trial) + ": " + what);
    } else {
      log.add(log_line("resume", trial.id, what));
      log::info(title(trial) + " " + what);
    }
  };
  return out;
}

Done RankLoop::give_up(const PlannedTrial& trial, const distributed::TeamFault& fault) {
  const bool environment = fault.reason == "communication";
  if (environment && coordinator.add("tries of " + trial.id.hex(), 1) <= kRequeues) {
    log.add(log_line("requeue", trial.id, fault.message));
    if (monitor != nullptr) monitor->clear_line();
    log::warning(title(trial) + " goes back into the queue: " + fault.message +
                 (fault.where.empty() ? "" : " at " + fault.where));
    return Done::requeued;
  }
  fail(trial, fault);
  return Done::failed;
}

void RankLoop::fail(const PlannedTrial& trial, const distributed::TeamFault& fault) {
  results::Failure failure;
  failure.id = trial.id;
  failure.reason = fault.reason;
  failure.message = fault.message;
  failure.where = fault.where;
  failure.host = fault.host;
  failure.rank = fault.rank;
  failure.unix_time = unix_time();
  folder.commit_failure(failure);
  log.add(log_line("fail", trial.id, fault.reason + ": " + fault.message));
  if (monitor != nullptr) monitor->clear_line();
  log::warning(title(trial) + " failed, " + fault.reason + ": " + fault.message);
}

distributed::TeamFault RankLoop::own_fault(const std::string& reason, const std::string& message,
                                           const std::string& where) const {
  const std::string who =
      team.size > 1 ? "rank " + std::to_string(world.rank) + " on " + world.host + ": " : "";
  return {reason, who + message, where, world.host, world.rank};
}

std::string RankLoop::title(const PlannedTrial& trial) const {
  std::string who = "trial " + trial.id.brief();
  if (trial.experiment >= plan.experiments.size()) return who;
  const PlannedExperiment& experiment = plan.experiments[trial.experiment];
  return who + " (" + experiment.name + ", " + experiment.conditions.at(trial.condition).label +
         ", seed " + std::to_string(trial.seed) + ")";
}

bool RankLoop::fits(const PlannedTrial& trial) {
  if (setup.end_unix <= 0) return true;
  const double busy = static_cast<double>(coordinator.add(kBusySum, 0));
  const double cost = static_cast<double>(coordinator.add(kCostSum, 0));
  const double scale = cost > 0 && busy > 0 ? busy / cost : 1;
  constexpr double kReserve = 1.1;   // trials of one estimate differ
  constexpr double kEndSeconds = 2;  // to commit, and to build the summary
  constexpr double kWorthACheckpoint = 120;
  const double left = setup.end_unix - unix_time() - kEndSeconds;
  if (trial.cost * scale * kReserve <= left) return true;
  // A trial that is longer than the whole job fits into no job of this kind: it starts, and its
  // checkpoint goes on in the next.
  if (trial.cost * scale > setup.end_unix - start_unix_ && left > kWorthACheckpoint) return true;
  // The order is longest first: when the shortest does not fit, nothing does.
  const PlannedTrial& shortest = plan.trials.at(setup.todo.back().trial);
  if (shortest.cost * scale * kReserve > left) coordinator.stop("time limit");
  return false;
}

bool RankLoop::stopping() {
  if (monitor != nullptr) monitor->tick(coordinator);
  if (stopped_) return true;
  std::string why;
  if (signalled()) {
    why = signal_text();
  } else if (setup.end_unix > 0 && unix_time() >= setup.end_unix - 1) {
    why = "time limit";
  } else if (lease != nullptr && lease->lost()) {
    throw RunError(folder.path().string() +
                   ": another run took over the folder while this one was suspended");
  }
  if (!why.empty()) coordinator.stop(why);
  stopped_ = coordinator.stopping();
  return stopped_;
}

}  // namespace emosweep::launcher
