#include "launcher/run_rank.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <new>
#include <optional>

#include "base/clock.h"
#include "base/log.h"
#include "distributed/devices.h"
#include "launcher/epoch_line.h"
#include "launcher/run_device.h"
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
         message.find("out of memory") != std::string::npos ||
         message.find("ALLOC_FAILED") != std::string::npos;  // of cuBLAS, cuDNN
}

results::Provenance measure(const distributed::World& world, const std::string& device) {
  results::Provenance out;
  out.peak_memory_bytes = peak_memory_bytes();
  out.host = world.host;
  out.device = device;
  out.source_revision = source_revision();
  out.libraries = libraries_text();
  out.rank = world.rank;
  out.ranks = world.size;
  return out;
}

}  // namespace

RankLoop::RankLoop(const RankParts& parts) : RankParts(parts), start_unix_(unix_time()) {}

std::string RankLoop::run() {
  try {
    while (const std::optional<Members> members = next()) {
      const Done done = train(*members);
      if (team.place().leads()) end(done);
    }
    return "";
  } catch (const distributed::TeamLost& e) {
    if (monitor != nullptr) monitor->clear_line();
    log::error(e.what());
    // Trials of a pack that was taken apart may have ended: another team must not repeat them.
    if (taken_) coordinator.finish(*taken_, apart_ ? Done::returned : Done::requeued);
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

std::optional<RankLoop::Members> RankLoop::next() { return team.place().leads() ? take() : hear(); }

// An order's number is a pack's, or beyond them a single trial's of a pack that failed as a whole.
RankLoop::Members RankLoop::members_of(std::int64_t order) const {
  const auto number = static_cast<std::size_t>(order);
  if (number < packs.size()) return packs[number].members;
  return {static_cast<std::uint32_t>(number - packs.size())};
}

const PlannedTrial& RankLoop::trial_of(std::uint32_t member) const {
  return plan.trials.at(setup.todo.at(member).trial);
}

std::optional<RankLoop::Members> RankLoop::take() {
  if (taken_) {  // a pack that is trained one by one
    const std::uint32_t member = alone_.front();
    alone_.erase(alone_.begin());
    order_ = team.tell(static_cast<std::int64_t>(packs.size() + member));
    return Members{member};
  }
  while (!stopping()) {
    const std::vector<std::uint32_t> numbers = coordinator.take(1);
    if (numbers.empty()) break;
    if (fits(packs.at(numbers.front()))) {
      taken_ = numbers.front();
      order_ = team.tell(*taken_);
      return members_of(*taken_);
    }
    coordinator.finish(numbers.front(), Done::returned);
  }
  team.tell(distributed::TeamOrder::kOver);
  return std::nullopt;
}

// The pack is done with when none of its trials is left to be trained alone.
void RankLoop::end(Done done) {
  if (!alone_.empty() && done != Done::returned) return;
  alone_.clear();
  coordinator.finish(*taken_, apart_ && done == Done::requeued ? Done::committed : done);
  taken_.reset();
  apart_ = false;
}

// A member that only waits gives no sign of life: when no other rank does either, the leader hangs.
std::optional<RankLoop::Members> RankLoop::hear() {
  using Clock = std::chrono::steady_clock;
  std::int64_t sign = -1;
  auto heard = Clock::now();
  for (;;) {
    if (const auto order = team.hear(std::chrono::seconds{1})) {
      order_ = *order;
      if (order->number == distributed::TeamOrder::kOver) return std::nullopt;
      return members_of(order->number);
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

Done RankLoop::train(const Members& members) {
  const bool leads = team.place().leads();
  const auto trials = static_cast<std::int64_t>(members.size());
  if (leads) {
    coordinator.add(kRunningSum, trials);
    for (const std::uint32_t m : members) {
      log.add(log_line("start", trial_of(m).id,
                       plan.experiments.empty() ? "" : "seed " + std::to_string(trial_of(m).seed)));
    }
  }
  const double start_unix = unix_time(), start_cpu = thread_cpu_seconds();
  const auto start = std::chrono::steady_clock::now();
  Outcomes outcomes;
  std::optional<distributed::TeamFault> fault;
  bool interrupted = false;
  try {
    fault = outcomes_of(members, outcomes);
  } catch (const trainer::Interrupted&) {
    interrupted = true;
  }
  if (!leads) return Done::committed;  // what became of it, only the leader says
  coordinator.add(kRunningSum, -trials);
  if (interrupted) {
    for (const std::uint32_t m : members) log.add(log_line("return", trial_of(m).id));
    return Done::returned;
  }
  results::Provenance cost = measure(world, on_gpu(plan, trial_of(members.front())) ? gpu : "cpu");
  cost.pack = static_cast<std::int32_t>(trials);
  cost.start_unix = start_unix;
  cost.wall_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  cost.cpu_seconds = thread_cpu_seconds() - start_cpu;
  note_costs(members, outcomes, cost.wall_seconds);
  if (!fault) {
    const std::string mistake = mistake_in(members, outcomes);
    if (!mistake.empty()) fault = own_fault("exception", mistake);
  }
  if (fault) return give_up(members, *fault);
  keep_all(members, outcomes, cost);
  return trials == 1 && std::holds_alternative<TrialError>(outcomes[0]) ? Done::failed
                                                                        : Done::committed;
}

// What is estimated from what was measured so far: the time left, and what still fits into it.
void RankLoop::note_costs(const Members& members, const Outcomes& outcomes, double seconds) {
  double cost = 0;
  for (const std::uint32_t m : members) {
    cost += packed_cost(trial_of(m), static_cast<std::int64_t>(members.size()));
  }
  if (outcomes.size() == 1) {  // it may have been resumed: then a part of it was trained here
    if (const auto* trained = std::get_if<trainer::Trained>(&outcomes[0])) {
      cost *= seconds / std::max(seconds + trained->record.cost.wall_seconds, 1e-9);
    }
  }
  coordinator.add(kBusySum, static_cast<std::int64_t>(1e6 * seconds));
  coordinator.add(kCostSum, static_cast<std::int64_t>(1e6 * cost));
}

std::string RankLoop::mistake_in(const Members& members, const Outcomes& outcomes) const {
  if (outcomes.size() != members.size()) {
    return "the trainer returned " + std::to_string(outcomes.size()) + " outcomes for " +
           std::to_string(members.size()) + " trials";
  }
  for (std::size_t k = 0; k < members.size(); ++k) {
    const auto* trained = std::get_if<trainer::Trained>(&outcomes[k]);
    if (trained != nullptr && trained->record.id != trial_of(members[k]).id) {
      return "the trainer returned the record of another trial: " + trained->record.id.hex();
    }
  }
  return "";
}

// Trial by trial: what is committed when this process dies is safe. A pack's cost is shared by
// steps.
void RankLoop::keep_all(const Members& members, Outcomes& outcomes,
                        const results::Provenance& whole) {
  double steps = 0;
  for (const trainer::TrialOutcome& outcome : outcomes) {
    const auto* trained = std::get_if<trainer::Trained>(&outcome);
    if (trained != nullptr) steps += static_cast<double>(trained->record.cost.steps);
  }
  for (std::size_t k = 0; k < members.size(); ++k) {
    const Todo& todo = setup.todo.at(members[k]);
    if (const auto* error = std::get_if<TrialError>(&outcomes[k])) {
      fail(trial_of(members[k]), own_fault(error->reason(), error->what(), error->where()));
      continue;
    }
    auto& trained = std::get<trainer::Trained>(outcomes[k]);
    const results::Provenance earlier = trained.record.cost;  // before it was resumed here
    const double share = members.size() == 1 || steps <= 0
                             ? 1 / static_cast<double>(members.size())
                             : static_cast<double>(earlier.steps) / steps;
    results::Provenance& cost = trained.record.cost;
    cost = whole;
    // The bits are those of this kind of GPU.
    if (on_gpu(plan, trial_of(members[k]))) trained.record.instructions = gpu;
    cost.steps = earlier.steps;
    cost.restarts = todo.restarts;
    cost.wall_seconds = earlier.wall_seconds + share * whole.wall_seconds;
    cost.cpu_seconds = earlier.cpu_seconds + share * whole.cpu_seconds;
    commit(trial_of(members[k]), todo, trained);
  }
}

// What this rank itself does wrong its peers are told, so that they leave their collectives.
std::optional<distributed::TeamFault> RankLoop::outcomes_of(const Members& members,
                                                            Outcomes& outcomes) {
  distributed::TeamFault fault;
  try {
    team.join(order_);
    std::vector<const PlannedTrial*> trials;
    for (const std::uint32_t m : members) trials.push_back(&trial_of(m));
    outcomes = worker(
        trials, team, [this] { return stopping(); }, checkpoints(members), tell_epoch(members));
    return std::nullopt;
  } catch (const trainer::Interrupted&) {
    throw;
  } catch (const distributed::TeamLost&) {
    throw;
  } catch (const distributed::TeamError& e) {
    recover_gpu(e.fault());  // an error of this rank's GPU shows within a collective
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
  team.fail(fault);  // first: the GPU may wait for a peer within a collective
  recover_gpu(fault);
  return fault;
}

void RankLoop::recover_gpu(const distributed::TeamFault& fault) const {
  if (gpu.empty()) return;
  const std::string lost = distributed::recover_device();
  if (!lost.empty())
    throw RunError(gpu + " cannot be used any more: " + lost + " (" + fault.message + ")");
}

void RankLoop::commit(const PlannedTrial& trial, const Todo& todo, trainer::Trained& trained) {
  // Weights first: a record that names weights must not stand without them.
  if (trained.weights) {
    make_folders(folder.model(trial.id).parent_path());
    commit_file(folder.model(trial.id), *trained.weights, "model");
  }
  folder.commit(trained.record);
  log.add(log_line(todo.again ? "again" : "commit", trial.id,
                   seconds_text(trained.record.cost.wall_seconds)));
  coordinator.add(kCommittedSum, 1);
}

// Packs of several trials have none.
trainer::CheckpointOptions RankLoop::checkpoints(const Members& members) {
  trainer::CheckpointOptions out;
  if (members.size() > 1) return out;
  const PlannedTrial& trial = trial_of(members.front());
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

// One line a second and trial, or the log of a sweep of short trials would be larger than its
// results: all epochs that a person waits for, the first of others. All are in the curves.
trainer::TellEpoch RankLoop::tell_epoch(const Members& members) {
  using Clock = std::chrono::steady_clock;
  auto told = std::make_shared<std::vector<std::optional<Clock::time_point>>>(members.size());
  return [this, members, told](std::size_t k, const trainer::ToldEpoch& epoch) {
    if (members.size() > 1 && !has_terms(epoch.curves)) return;
    std::optional<Clock::time_point>& last = told->at(k);
    const Clock::time_point now = Clock::now();
    if (last && now - *last < std::chrono::seconds(1)) return;
    last = now;
    const PlannedTrial& trial = trial_of(members[k]);
    const std::string text = epoch_line(epoch);
    if (!log.note(log_line("epoch", trial.id, text)) && !note_failed_) {
      note_failed_ = true;
      log::warning("epochs cannot be written to the log of " + folder.path().string() +
                   " (a full disk?); training goes on");
    }
    if (members.size() > 1 || epoch.seconds < 1) return;
    if (monitor != nullptr) monitor->clear_line();
    log::info(title(trial) + ", " + text);
  };
}

Done RankLoop::give_up(const Members& members, const distributed::TeamFault& fault) {
  const PlannedTrial& first = trial_of(members.front());
  const std::string who = members.size() == 1 ? title(first)
                                              : "the pack of " + std::to_string(members.size()) +
                                                    " trials with " + title(first);
  const bool environment = fault.reason == "communication";
  if (environment && coordinator.add("tries of " + first.id.hex(), 1) <= kRequeues) {
    for (const std::uint32_t m : members) {
      log.add(log_line("requeue", trial_of(m).id, fault.message));
    }
    if (monitor != nullptr) monitor->clear_line();
    log::warning(who + " goes back into the queue: " + fault.message +
                 (fault.where.empty() ? "" : " at " + fault.where));
    if (apart_) alone_.push_back(members.front());
    return Done::requeued;
  }
  if (members.size() > 1) {  // whoever is to blame shall fail alone
    for (const std::uint32_t m : members) log.add(log_line("apart", trial_of(m).id, fault.message));
    if (monitor != nullptr) monitor->clear_line();
    log::warning(who + " failed, " + fault.reason + ": " + fault.message +
                 "; its trials are trained one by one");
    alone_ = members;
    apart_ = true;
    return Done::requeued;
  }
  fail(first, fault);
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
  coordinator.add(kFailedSum, 1);
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

bool RankLoop::fits(const WorkPack& pack) {
  if (setup.end_unix <= 0) return true;
  const double busy = static_cast<double>(coordinator.add(kBusySum, 0));
  const double cost = static_cast<double>(coordinator.add(kCostSum, 0));
  const double scale = cost > 0 && busy > 0 ? busy / cost : 1;
  constexpr double kReserve = 1.1;   // packs of one estimate differ
  constexpr double kEndSeconds = 2;  // to commit, and to build the summary
  constexpr double kWorthACheckpoint = 120;
  const double left = setup.end_unix - unix_time() - kEndSeconds;
  if (pack.cost * scale * kReserve <= left) return true;
  // A trial that is longer than the whole job fits into no job of this kind: it starts, and its
  // checkpoint goes on in the next.
  const bool whole_job = pack.cost * scale > setup.end_unix - start_unix_;
  if (pack.members.size() == 1 && whole_job && left > kWorthACheckpoint) return true;
  // The order is longest first: when the shortest does not fit, nothing does.
  if (packs.back().cost * scale * kReserve > left) coordinator.stop("time limit");
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
