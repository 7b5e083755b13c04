// Between the host, where rows are gathered and losses are taken, and the device of a model.
#pragma once

#include "data/batch.h"
#include "models/model.h"

namespace emosweep::trainer {

// One forward pass: the batch's features go to the device on which the model's parameters stand,
// heads and embedding come back, differentiably. On the CPU nothing is copied. Where the batch has
// further views, there is a pass for each, and heads and embedding are the means over all.
models::Output forward_on_device(models::Model& model, const data::Batch& batch,
                                 const models::Step& step);

}  // namespace emosweep::trainer
