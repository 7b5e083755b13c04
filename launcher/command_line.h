// What the commands share of reading their arguments: --help, --version, -v/-q, nearest known
// option, plan options.
#pragma once

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/positional_options.hpp>
#include <boost/program_options/variables_map.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "launcher/commands.h"
#include "launcher/plan.h"

namespace emosweep::launcher {

struct CommandLine {
  std::string name;   // "plan"
  std::string usage;  // "plan FILE [options]"
  std::string about;  // one sentence
  boost::program_options::options_description
      options;  // the command's own; common ones are added by parse
  boost::program_options::options_description hidden;  // positional ones: not in the help
  boost::program_options::positional_options_description positional;
};

// nullopt: --help, --version or (where the command has it) --help-keys was asked for and has been
// printed to stdout. InputError: an unknown option (with the nearest known one), a missing or a
// wrong value. Sets the log's level.
std::optional<boost::program_options::variables_map> parse(const CommandLine& line,
                                                           const Arguments& arguments);

// The level that -v / -q ask for; for the commands that configure the log again once their rank is
// known.
log::Level log_level(const boost::program_options::variables_map& values);

// FILE, -e/--experiment, --all, --seeds, --set, --rehash, --help-keys.
void add_plan_options(CommandLine& line);
PlanOptions plan_options(const boost::program_options::variables_map& values);

// "1,2,3", "1-5", "7,10-12". InputError for anything else, duplicates included.
std::vector<std::uint64_t> parse_seeds(const std::string& text);

// The names of all commands and the help of `emosweep` alone.
std::vector<std::string> command_names();
std::string program_help();

}  // namespace emosweep::launcher
