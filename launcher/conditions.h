// From an experiment's settings to the resolved values of its conditions, and from those to the
// options of the rooms.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/splits.h"
#include "launcher/experiment_file.h"
#include "trainer/trial.h"

namespace emosweep::launcher {

// Defaults, then what is written. Axes are not in it.
Values written_values(const Experiment& experiment);
data::RowSelection row_selection(const Values& values);
data::SplitOptions split_options(const Values& values);

// The cartesian product of the axes, the first axis of the key table slowest; one condition without
// axes.
std::size_t condition_count(const Experiment& experiment);
// `written` with the axes' values of condition `index`. Nothing is resolved yet.
Values condition_values(const Values& written, const Experiment& experiment, std::size_t index);
std::string condition_label(const Experiment& experiment, const Values& values);

// What `resolve` needs to know of the data.
struct DataFacts {
  const data::Dataset* dataset = nullptr;
  std::int64_t least_validation = 0;  // rows of the smallest validation part
};
// Names of modalities, `auto` and what protocol `all` implies become values. Mistakes: unknown
// modalities, `both` without exactly two, class weights that are not one a class, everything of
// check_together.
void resolve(Values& values, const DataFacts& facts, const Experiment& experiment,
             FileMistakes& mistakes);

// Keys that are written but that trials with these values do not read, with the reason.
std::vector<std::string> idle_keys(const Experiment& experiment, const Values& values);

// All but id, canonical, seed and fold.
trainer::TrialSpec trial_spec(const Values& values, const data::Dataset& dataset);

// The experiment as YAML with every default filled in. `first`: its first condition, resolved; a
// key that `varies` from condition to condition (by index in the key table) stands as it is
// written.
std::string resolved_yaml(const Experiment& experiment, const Values& first,
                          const std::vector<bool>& varies);

}  // namespace emosweep::launcher
