#include "launcher/run_arguments.h"

#include <unistd.h>

#include <boost/program_options/value_semantic.hpp>
#include <chrono>
#include <fstream>
#include <thread>

#include "base/log.h"
#include "launcher/run_options.h"
#include "launcher/shard.h"

namespace emosweep::launcher {
namespace {

namespace po = boost::program_options;

constexpr double kLongest = 1e9;  // seconds, for clocks of 64-bit nanoseconds
constexpr auto kForADebugger = std::chrono::hours{24};

double unix_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

bool traced() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("TracerPid:")) return line.find_first_not_of(" \t0", 10) != line.npos;
  }
  return false;
}

void wait_for_debugger(const distributed::World& world) {
  const std::string pid = std::to_string(getpid());
  log::warning("rank " + std::to_string(world.rank) + " waits for a debugger: gdb -p " + pid +
               " on " + world.host + ", set breakpoints, continue");
  while (!traced()) std::this_thread::sleep_for(std::chrono::milliseconds{100});
}

}  // namespace

void add_run_options(CommandLine& line) {
  line.options.add_options()("retry-failed", "try trials with a recorded failure again");
  line.options.add_options()(
      "time-limit", po::value<std::string>(),
      "no trial starts that cannot finish: seconds or 1:30:00 (SLURM_JOB_END_TIME)");
  line.options.add_options()(
      "shard", po::value<std::string>()->value_name("I/N"),
      "only the I-th of N parts of the plan (job arrays); all N work on one run folder");
  line.options.add_options()("timeout", po::value<int>()->value_name("SECONDS"),
                             "a rank that does not answer for so long is taken for hanging (600)");
  line.options.add_options()(
      "checkpoint-after", po::value<double>()->value_name("SECONDS"),
      "a trial that takes longer is checkpointed, and goes on from there (60; 0 = every trial)");
  line.options.add_options()("hang-rank", po::value<int>()->value_name("N"),
                             "rank N waits for a debugger before it begins, and nobody times out");
}

void read_run_options(const po::variables_map& values, const distributed::World& world,
                      RunOptions& options) {
  log::Options log_options;
  log_options.level = log_level(values);
  log_options.rank = world.rank;
  log_options.ranks = world.size;
  log::configure(log_options);
  options.retry_failed = values.count("retry-failed") > 0;
  options.end_unix = values.count("time-limit")
                         ? unix_time() + parse_time_limit(values["time-limit"].as<std::string>())
                         : slurm_end_unix();
  if (values.count("shard")) options.shard = read_shard(values["shard"].as<std::string>());
  options.progress = ProgressLine::kind_of_stderr(values.count("quiet") > 0);
  if (values.count("timeout")) {
    const int seconds = values["timeout"].as<int>();
    if (seconds < 1) throw InputError("--timeout: a whole number of seconds from 1 is expected");
    options.timeout = std::chrono::seconds{seconds};
  }
  if (values.count("checkpoint-after")) {
    options.checkpoint_after = values["checkpoint-after"].as<double>();
    if (!(options.checkpoint_after >= 0 && options.checkpoint_after <= kLongest)) {
      throw InputError("--checkpoint-after: seconds from 0 to 1e9 are expected");
    }
  }
  if (!values.count("hang-rank")) return;
  const int rank = values["hang-rank"].as<int>();
  if (rank < 0 || rank >= world.size) {
    throw InputError("--hang-rank " + std::to_string(rank) + ": the ranks are 0 to " +
                     std::to_string(world.size - 1));
  }
  options.timeout = kForADebugger;
  if (rank == world.rank) wait_for_debugger(world);
}

}  // namespace emosweep::launcher
