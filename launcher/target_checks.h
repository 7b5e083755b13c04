// What an experiment may ask of a target of its kind.
#pragma once

#include "base/target.h"
#include "launcher/experiment_file.h"

namespace emosweep::launcher {

// Defaults that follow from the kind (mse of values, means over rows of several labels), and a
// mistake at its place for every key that the kind does not have: losses, metrics, class weights,
// samplers, models.
void resolve_target(Values& values, const TargetSpec& target, const Experiment& experiment,
                    FileMistakes& mistakes);

}  // namespace emosweep::launcher
