#include <cstdio>

#include "launcher/command_line.h"
#include "launcher/run_argument.h"
#include "results/report.h"

namespace emosweep::launcher {

namespace po = boost::program_options;

Exit report_command(const Arguments& arguments) {
  CommandLine line;
  line.name = "report";
  line.usage = "report DIR [DIR...] [--format text|json]";
  line.about = "One report of the experiments of one or several run folders, from their records.";
  add_run_argument(line, -1);
  line.options.add_options()("format", po::value<std::string>()->default_value("text"),
                             "text or json");
  const auto values = parse(line, arguments);
  if (!values) return Exit::done;
  results::ReportOptions options;
  options.format = (*values)["format"].as<std::string>();
  if (options.format != "text" && options.format != "json") {
    const std::string near = nearest(options.format, {"text", "json"});
    throw InputError("--format " + options.format + ": expected text or json" +
                     (near.empty() ? "" : "; did you mean '" + near + "'?"));
  }
  const results::ReportSources sources{run_arguments(*values, "report")};
  std::fputs(results::report(sources, options).c_str(), stdout);
  return Exit::done;
}

}  // namespace emosweep::launcher
