// The DIR of the commands that look at a run folder.
#pragma once

#include "launcher/command_line.h"
#include "results/run_folder.h"

namespace emosweep::launcher {

void add_run_argument(CommandLine& line, int most = 1);
// InputError where DIR is missing or is no run folder.
results::RunFolder run_argument(const boost::program_options::variables_map& values,
                                const std::string& command);
std::vector<results::RunFolder> run_arguments(const boost::program_options::variables_map& values,
                                              const std::string& command);

}  // namespace emosweep::launcher
