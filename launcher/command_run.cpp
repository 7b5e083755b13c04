#include <boost/program_options/value_semantic.hpp>
#include <chrono>

#include "launcher/command_line.h"
#include "launcher/run_options.h"
#include "launcher/run_together.h"

namespace emosweep::launcher {
namespace {

namespace po = boost::program_options;
namespace fs = std::filesystem;

CommandLine command_line() {
  CommandLine line;
  line.name = "run";
  line.usage = "run FILE [-o DIR] [options]";
  line.about =
      "Trains what the experiment file plans and the run folder lacks; alone, or under mpirun or "
      "srun.";
  add_plan_options(line);
  line.options.add_options()("output,o", po::value<std::string>(),
                             "run folder (runs/<name of FILE>)");
  line.options.add_options()("retry-failed", "try trials with a recorded failure again");
  line.options.add_options()(
      "time-limit", po::value<std::string>(),
      "no trial starts that cannot finish: seconds or 1:30:00 (SLURM_JOB_END_TIME)");
  line.hidden.add_options()("shard", po::value<std::string>(), "");
  return line;
}

double unix_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// nullopt: help was printed.
std::optional<RunOptions> read_arguments(const distributed::World& world,
                                         const Arguments& arguments) {
  const auto values = parse(command_line(), arguments);
  if (!values) return std::nullopt;
  if (values->count("shard")) {
    throw InputError("--shard does not exist yet: run the file as one job of several ranks");
  }
  log::Options log_options;
  log_options.level = log_level(*values);
  log_options.rank = world.rank;
  log_options.ranks = world.size;
  log::configure(log_options);
  RunOptions options;
  options.plan = plan_options(*values);
  options.original = fs::absolute(options.plan.file).lexically_normal();
  options.dir = values->count("output") ? fs::path((*values)["output"].as<std::string>())
                                        : fs::path("runs") / options.plan.file.stem();
  options.retry_failed = values->count("retry-failed") > 0;
  options.end_unix = values->count("time-limit")
                         ? unix_time() + parse_time_limit((*values)["time-limit"].as<std::string>())
                         : slurm_end_unix();
  options.progress = ProgressLine::kind_of_stderr(values->count("quiet") > 0);
  return options;
}

}  // namespace

Exit run_command(const Arguments& arguments) {
  return in_world([&](const distributed::World& world) {
    const std::optional<RunOptions> options =
        together(world, "the arguments", [&] { return read_arguments(world, arguments); });
    return options ? plan_and_run(world, *options) : Exit::done;
  });
}

}  // namespace emosweep::launcher
