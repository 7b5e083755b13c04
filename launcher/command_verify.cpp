#include <cstdio>

#include "launcher/command_line.h"
#include "launcher/run_argument.h"
#include "results/summary.h"

namespace emosweep::launcher {

Exit verify_command(const Arguments& arguments) {
  CommandLine line;
  line.name = "verify";
  line.usage = "verify DIR";
  line.about =
      "Checks every record of a run folder and that summary.h5 follows from them. Prints what is "
      "wrong,\n"
      "one line each; exit code 0 where all is well, 1 where something is wrong.";
  add_run_argument(line);
  const auto values = parse(line, arguments);
  if (!values) return Exit::done;
  const results::RunFolder folder = run_argument(*values, "verify");
  const std::vector<std::string> problems = results::verify(folder);
  for (const std::string& problem : problems) std::printf("%s\n", problem.c_str());
  if (!problems.empty()) return Exit::trials_failed;
  std::printf("%s: %zu records, all well\n", folder.path().c_str(), folder.committed().size());
  return Exit::done;
}

}  // namespace emosweep::launcher
