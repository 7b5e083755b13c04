// The objectives of the kinds of targets, and what they share. Private to trainer/.
#pragma once

#include <memory>
#include <vector>

#include "trainer/loss_kernel.h"
#include "trainer/objective.h"

namespace emosweep::trainer {

// Several labels a row, or aspects: a classification a block.
std::unique_ptr<Objective> make_block_objective(const TargetSpec& target,
                                                const std::vector<ObjectiveOptions>& options,
                                                const at::Tensor& train_counts);
// Values.
std::unique_ptr<Objective> make_value_objective(const TargetSpec& target,
                                                const std::vector<ObjectiveOptions>& options);

// Of options that do not depend on the number of classes; InputError.
void check_objective(const ObjectiveOptions& options, const ObjectiveOptions& first);
bool divides_by_rows(const ObjectiveOptions& options);
LossShape loss_shape(const ObjectiveOptions& options);

}  // namespace emosweep::trainer
