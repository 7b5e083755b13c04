#include <boost/program_options/value_semantic.hpp>

#include "launcher/command_line.h"
#include "launcher/run_arguments.h"
#include "launcher/run_options.h"
#include "launcher/run_together.h"
#include "launcher/signals.h"

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
  add_run_options(line);
  return line;
}

// nullopt: help was printed.
std::optional<RunOptions> read_arguments(const distributed::World& world,
                                         const Arguments& arguments) {
  const auto values = parse(command_line(), arguments);
  if (!values) return std::nullopt;
  RunOptions options;
  options.plan = plan_options(*values);
  options.original = fs::absolute(options.plan.file).lexically_normal();
  options.dir = values->count("output") ? fs::path((*values)["output"].as<std::string>())
                                        : fs::path("runs") / options.plan.file.stem();
  read_run_options(*values, world, options);
  return options;
}

}  // namespace

Exit run_command(const Arguments& arguments) {
  catch_signals();  // from here on: one that comes while MPI starts must not kill the rank
  return in_world([&](const distributed::World& world) {
    const std::optional<RunOptions> options =
        together(world, "the arguments", [&] { return read_arguments(world, arguments); });
    return options ? plan_and_run(world, *options) : Exit::done;
  });
}

}  // namespace emosweep::launcher
