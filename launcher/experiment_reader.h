// One experiment of the tree: its keys, its grid, what the command line sets. Internal to
// experiment_file.cpp.
#pragma once

#include "launcher/experiment_file.h"

namespace emosweep::launcher {

// --set and --seeds as settings whose place reads "--set 'key=value'".
std::map<Key, Setting> read_overrides(const Overrides& overrides, FileMistakes& mistakes);

Experiment read_experiment(const Node& node, const std::string& name,
                           const std::map<Key, Setting>& overrides, FileMistakes& mistakes);

}  // namespace emosweep::launcher
