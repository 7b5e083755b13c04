#include "launcher/run_rank.h"

#include <ATen/Version.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <new>
#include <optional>

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

double thread_cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
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

// ATen reports a failed allocation as an error of its own family.
bool is_out_of_memory(const std::string& message) {
  return message.find("can't allocate memory") != std::string::npos ||
         message.find("out of memory") != std::string::npos;
}

}  // namespace

RankLoop::RankLoop(const distributed::World& world, const Plan& plan, const Setup& setup,
                   const results::RunFolder& folder, distributed::Coordinator& coordinator,
                   SyncedLines& log, const Worker& worker, Monitor* monitor, const Lease* lease)
    : world_(world),
      plan_(plan),
      setup_(setup),
      folder_(folder),
      coordinator_(coordinator),
      log_(log),
      worker_(worker),
      monitor_(monitor),
      lease_(lease) {}

std::string RankLoop::run() {
  std::optional<std::uint32_t> taken;
  try {
    while (!stopping()) {
      const std::vector<std::uint32_t> numbers = coordinator_.take(1);
      if (numbers.empty()) break;
      taken = numbers.front();
      const Todo& todo = setup_.todo.at(*taken);
      const PlannedTrial& trial = plan_.trials.at(todo.trial);
      const Done done = fits(trial) ? train_one(trial, todo) : Done::returned;
      coordinator_.finish(*taken, done);
      taken.reset();
    }
    return "";
  } catch (const std::exception& e) {  // failures of a trial do not come here
    const std::string why =
        "rank " + std::to_string(world_.rank) + " on " + world_.host + ": " + e.what();
    if (monitor_ != nullptr) monitor_->clear_line();
    if (taken) coordinator_.finish(*taken, Done::returned);
    coordinator_.stop(why);
    return why;
  }
}

Done RankLoop::train_one(const PlannedTrial& trial, const Todo& todo) {
  log_.add(log_line("start", trial.id,
                    plan_.experiments.empty() ? "" : "seed " + std::to_string(trial.seed)));
  const double start_unix = unix_time(), start_cpu = thread_cpu_seconds();
  const auto start = std::chrono::steady_clock::now();
  std::string reason, message, where;
  trainer::Trained trained;
  try {
    trained = worker_(trial, [this] { return stopping(); });
  } catch (const trainer::Interrupted&) {
    log_.add(log_line("return", trial.id));
    return Done::returned;
  } catch (const TrialError& e) {
    reason = e.reason();
    message = e.what();
    where = e.where();
  } catch (const RunError&) {
    throw;
  } catch (const std::bad_alloc&) {
    reason = "out_of_memory";
    message = "out of memory";
  } catch (const std::exception& e) {
    message = e.what();
    reason = is_out_of_memory(message) ? "out_of_memory" : "exception";
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  coordinator_.add(kBusySum, static_cast<std::int64_t>(1e6 * seconds));
  coordinator_.add(kCostSum, static_cast<std::int64_t>(1e6 * trial.cost));
  if (!reason.empty()) {
    fail(trial, reason, message, where);
    return Done::failed;
  }
  if (trained.record.id != trial.id) {
    fail(trial, "exception",
         "the trainer returned the record of another trial: " + trained.record.id.hex(), "");
    return Done::failed;
  }
  results::Provenance& cost = trained.record.cost;
  const std::int64_t steps = cost.steps;
  cost = provenance(todo, start_unix);
  cost.steps = steps;
  cost.wall_seconds = seconds;
  cost.cpu_seconds = thread_cpu_seconds() - start_cpu;
  if (trained.record.instructions.empty()) trained.record.instructions = instruction_level();
  // Weights first: a record that names weights must not stand without them.
  if (trained.weights) {
    make_folders(folder_.model(trial.id).parent_path());
    commit_file(folder_.model(trial.id), *trained.weights, "model");
  }
  folder_.commit(trained.record);
  log_.add(log_line(todo.again ? "again" : "commit", trial.id, seconds_text(seconds)));
  return Done::committed;
}

results::Provenance RankLoop::provenance(const Todo& todo, double start_unix) const {
  results::Provenance out;
  out.start_unix = start_unix;
  out.peak_memory_bytes = peak_memory_bytes();
  out.restarts = todo.restarts;
  out.host = world_.host;
  out.device = "cpu";
  out.source_revision = source_revision();
  out.libraries = libraries_text();
  out.rank = world_.rank;
  out.ranks = world_.size;
  return out;
}

void RankLoop::fail(const PlannedTrial& trial, const std::string& reason,
                    const std::string& message, const std::string& where) {
  results::Failure failure;
  failure.id = trial.id;
  failure.reason = reason;
  failure.message = message;
  failure.where = where;
  failure.host = world_.host;
  failure.rank = world_.rank;
  failure.unix_time = unix_time();
  folder_.commit_failure(failure);
  log_.add(log_line("fail", trial.id, reason + ": " + message));
  std::string who = "trial " + trial.id.brief();
  if (trial.experiment < plan_.experiments.size()) {
    const PlannedExperiment& experiment = plan_.experiments[trial.experiment];
    who += " (" + experiment.name + ", " + experiment.conditions.at(trial.condition).label +
           ", seed " + std::to_string(trial.seed) + ")";
  }
  if (monitor_ != nullptr) monitor_->clear_line();
  log::warning(who + " failed, " + reason + ": " + message);
}

bool RankLoop::fits(const PlannedTrial& trial) {
  if (setup_.end_unix <= 0) return true;
  const double busy = static_cast<double>(coordinator_.add(kBusySum, 0));
  const double cost = static_cast<double>(coordinator_.add(kCostSum, 0));
  const double scale = cost > 0 && busy > 0 ? busy / cost : 1;
  constexpr double kReserve = 1.1;   // trials of one estimate differ
  constexpr double kEndSeconds = 2;  // to commit, and to build the summary
  const double left = setup_.end_unix - unix_time() - kEndSeconds;
  if (trial.cost * scale * kReserve <= left) return true;
  // The order is longest first: when the shortest does not fit, nothing does.
  const PlannedTrial& shortest = plan_.trials.at(setup_.todo.back().trial);
  if (shortest.cost * scale * kReserve > left) coordinator_.stop("time limit");
  return false;
}

bool RankLoop::stopping() {
  if (monitor_ != nullptr) monitor_->tick(coordinator_);
  if (stopped_) return true;
  std::string why;
  if (signalled()) {
    why = signal_text();
  } else if (setup_.end_unix > 0 && unix_time() >= setup_.end_unix - 1) {
    why = "time limit";
  } else if (lease_ != nullptr && lease_->lost()) {
    throw RunError(folder_.path().string() +
                   ": another run took over the folder while this one was suspended");
  }
  if (!why.empty()) coordinator_.stop(why);
  stopped_ = coordinator_.stopping();
  return stopped_;
}

}  // namespace emosweep::launcher
