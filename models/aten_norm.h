// Batch norm by ATen's kernels, on devices for which the kernels of batch_norm.h do not exist.
// Private to models/.
#pragma once

#include <ATen/core/Tensor.h>

#include "models/batch_norm.h"

namespace emosweep::models {

// batch_norm(x), as batch_norm_train has it: by the batch of the team (torch.nn.SyncBatchNorm's
// kernels, CUDA alone) or of this rank's rows where `team` is null or of one.
at::Tensor aten_norm_train(const at::Tensor& x, const BatchNormAt& at, Collective* team);
// With the running values. Without autograd.
at::Tensor aten_norm_evaluate(const at::Tensor& x, const BatchNormAt& at);

// relu(norm + residual); residual may be undefined.
at::Tensor behind_norm(const at::Tensor& norm, const at::Tensor& residual, bool relu);

}  // namespace emosweep::models
