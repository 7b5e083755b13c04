// Weights of convolutions with their channels innermost, as kernels over such images want them.
#pragma once

#include <ATen/core/Tensor.h>

namespace emosweep::models {

// weight.contiguous(ChannelsLast) with its backward pass, by block transposes: ATen's copy goes
// element by element, and takes a tenth of a step of resnet18. weight: [out, in, h, w], contiguous,
// float32 or float64; on the CPU (elsewhere ATen's copy is fast).
at::Tensor channels_last(const at::Tensor& weight);

}  // namespace emosweep::models
