#include <boost/program_options/value_semantic.hpp>
#include <cstdio>

#include "launcher/command_line.h"
#include "launcher/run_status.h"

namespace emosweep::launcher {

namespace po = boost::program_options;

Exit status_command(const Arguments& arguments) {
  CommandLine line;
  line.name = "status";
  line.usage = "status DIR [options]";
  line.about = "Done, running, failed and left trials of a run folder, while it runs or after.";
  line.options.add_options()("json", "as JSON");
  line.options.add_options()(
      "exit-code", "end with the run's own exit code (75 while it runs or after it was killed)");
  line.hidden.add_options()("dir", po::value<std::string>(), "run folder");
  line.positional.add("dir", 1);
  const auto values = parse(line, arguments);
  if (!values) return Exit::done;
  if (!values->count("dir")) {
    throw InputError("which run folder? Write it after the command: emosweep status DIR");
  }
  const std::filesystem::path dir = (*values)["dir"].as<std::string>();
  const RunStatus status = read_status(dir);
  std::fputs((values->count("json") ? status_json(status) : status_text(dir, status)).c_str(),
             stdout);
  return values->count("exit-code") ? status.code : Exit::done;
}

}  // namespace emosweep::launcher
