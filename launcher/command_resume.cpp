#include <boost/program_options/value_semantic.hpp>
#include <chrono>

#include "launcher/command_line.h"
#include "launcher/run_options.h"
#include "launcher/run_setup.h"
#include "launcher/run_together.h"

namespace emosweep::launcher {
namespace {

namespace po = boost::program_options;

CommandLine command_line() {
  CommandLine line;
  line.name = "resume";
  line.usage = "resume DIR [options]";
  line.about = "Goes on with a run folder, whose experiment file and options are remembered.";
  line.options.add_options()("retry-failed", "try trials with a recorded failure again");
  line.options.add_options()(
      "time-limit", po::value<std::string>(),
      "no trial starts that cannot finish: seconds or 1:30:00 (SLURM_JOB_END_TIME)");
  line.options.add_options()("rehash", "read all data again instead of trusting remembered hashes");
  line.hidden.add_options()("dir", po::value<std::string>(), "run folder");
  line.positional.add("dir", 1);
  return line;
}

std::optional<RunOptions> read_arguments(const distributed::World& world,
                                         const Arguments& arguments) {
  const auto values = parse(command_line(), arguments);
  if (!values) return std::nullopt;
  log::Options log_options;
  log_options.level = log_level(*values);
  log_options.rank = world.rank;
  log_options.ranks = world.size;
  log::configure(log_options);
  if (!values->count("dir")) {
    throw InputError("which run folder? Write it after the command: emosweep resume DIR");
  }
  RunOptions options = remembered_options((*values)["dir"].as<std::string>());
  options.plan.rehash = values->count("rehash") > 0;
  options.retry_failed = values->count("retry-failed") > 0;
  options.end_unix = slurm_end_unix();
  if (values->count("time-limit")) {
    options.end_unix =
        std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count() +
        parse_time_limit((*values)["time-limit"].as<std::string>());
  }
  options.progress = ProgressLine::kind_of_stderr(values->count("quiet") > 0);
  return options;
}

}  // namespace

Exit resume_command(const Arguments& arguments) {
  return in_world([&](const distributed::World& world) {
    const std::optional<RunOptions> options =
        together(world, "the arguments", [&] { return read_arguments(world, arguments); });
    return options ? plan_and_run(world, *options) : Exit::done;
  });
}

}  // namespace emosweep::launcher
