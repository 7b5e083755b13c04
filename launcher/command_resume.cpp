#include <boost/program_options/value_semantic.hpp>

#include "launcher/command_line.h"
#include "launcher/run_arguments.h"
#include "launcher/run_options.h"
#include "launcher/run_setup.h"
#include "launcher/run_together.h"
#include "launcher/signals.h"

namespace emosweep::launcher {
namespace {

namespace po = boost::program_options;

CommandLine command_line() {
  CommandLine line;
  line.name = "resume";
  line.usage = "resume DIR [options]";
  line.about = "Goes on with a run folder, whose experiment file and options are remembered.";
  add_run_options(line);
  line.options.add_options()("rehash", "read all data again instead of trusting remembered hashes");
  line.hidden.add_options()("dir", po::value<std::string>(), "run folder");
  line.positional.add("dir", 1);
  return line;
}

std::optional<RunOptions> read_arguments(const distributed::World& world,
                                         const Arguments& arguments) {
  const auto values = parse(command_line(), arguments);
  if (!values) return std::nullopt;
  if (!values->count("dir")) {
    throw InputError("which run folder? Write it after the command: emosweep resume DIR");
  }
  RunOptions options = remembered_options((*values)["dir"].as<std::string>());
  options.plan.rehash = values->count("rehash") > 0;
  read_run_options(*values, world, options);
  return options;
}

}  // namespace

Exit resume_command(const Arguments& arguments) {
  catch_signals();  // from here on: one that comes while MPI starts must not kill the rank
  return in_world([&](const distributed::World& world) {
    const std::optional<RunOptions> options =
        together(world, "the arguments", [&] { return read_arguments(world, arguments); });
    return options ? plan_and_run(world, *options) : Exit::done;
  });
}

}  // namespace emosweep::launcher
