#include "launcher/run_options.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>

#include <cctype>
#include <cstdlib>
#include <memory>

#include "base/log.h"
#include "launcher/run_together.h"
#include "trainer/fold_cache.h"

namespace emosweep::launcher {
namespace {

// One rank per core: threads of ATen would only get in each other's way. Denormals cost a hundred
// times a normal number and carry nothing.
void prepare_rank() {
  at::set_num_threads(1);
  at::set_num_interop_threads(1);
  at::globalContext().setFlushDenormal(true);
}

Worker make_worker(const Plan& plan) {
  auto cache = std::make_shared<trainer::FoldCache>();
  return [&plan, cache](std::span<const PlannedTrial* const> trials, Collective& team,
                        const trainer::Stopping& stopping,
                        const trainer::CheckpointOptions& checkpoints,
                        const trainer::TellEpoch& tell_epoch) {
    std::vector<trainer::TrialSpec> specs;
    for (const PlannedTrial* trial : trials) specs.push_back(spec_of(plan, *trial));
    return trainer::train_trials(specs, *cache, team, stopping, checkpoints, tell_epoch);
  };
}

}  // namespace

double parse_time_limit(const std::string& text) {
  const InputError wrong("--time-limit '" + text +
                         "': write seconds (3600), 1:30:00 or 1-12:00:00");
  double days = 0;
  std::string rest = text;
  const std::size_t dash = text.find('-');
  std::vector<double> parts;
  auto number = [&](const std::string& digits) {
    if (digits.empty() || digits.size() > 9 ||
        digits.find_first_not_of("0123456789") != std::string::npos) {
      throw wrong;
    }
    return std::strtod(digits.c_str(), nullptr);
  };
  if (dash != std::string::npos) {
    days = number(text.substr(0, dash));
    rest = text.substr(dash + 1);
  }
  for (std::size_t begin = 0; begin <= rest.size();) {
    const std::size_t end = std::min(rest.find(':', begin), rest.size());
    parts.push_back(number(rest.substr(begin, end - begin)));
    begin = end + 1;
  }
  if (parts.size() > 3 || (dash != std::string::npos && parts.size() != 3)) throw wrong;
  double seconds = 0;
  for (double part : parts) seconds = seconds * 60 + part;
  seconds += days * 86'400;
  if (seconds <= 0) throw wrong;
  return seconds;
}

double slurm_end_unix() {
  const char* text = std::getenv("SLURM_JOB_END_TIME");
  if (text == nullptr) return 0;
  char* end = nullptr;
  const double value = std::strtod(text, &end);
  return end != text && *end == '\0' && value > 0 ? value : 0;
}

Exit plan_and_run(const distributed::World& world, const RunOptions& options) {
  prepare_rank();
  const Plan plan = together(world, "the plan", [&] { return make_plan(options.plan); });
  if (world.rank == 0) {
    for (const std::string& warning : plan.warnings) log::warning(warning);
  }
  return run_plan(world, plan, options, make_worker(plan));
}

}  // namespace emosweep::launcher
