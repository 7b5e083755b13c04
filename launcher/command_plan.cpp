#include <cstdio>

#include "launcher/command_line.h"

namespace emosweep::launcher {

namespace po = boost::program_options;

Exit plan_command(const Arguments& arguments) {
  CommandLine line;
  line.name = "plan";
  line.usage = "plan FILE [options]";
  line.about =
      "Checks an experiment file, its data and splits, expands it into trials and estimates their "
      "cost.";
  add_plan_options(line);
  line.options.add_options()("ranks", po::value<int>()->default_value(1),
                             "estimate the time on so many ranks");
  line.options.add_options()("json", "print JSON, with every fold and condition");
  const auto values = parse(line, arguments);
  if (!values) return Exit::done;
  const int ranks = (*values)["ranks"].as<int>();
  if (ranks < 1) throw InputError("--ranks " + std::to_string(ranks) + ": expected a number >= 1");
  const Plan plan = make_plan(plan_options(*values));
  const std::string text = values->count("json") ? plan_json(plan, ranks) : plan_text(plan, ranks);
  std::fputs(text.c_str(), stdout);
  return Exit::done;
}

}  // namespace emosweep::launcher
