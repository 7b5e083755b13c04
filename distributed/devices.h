// What this process can compute on.
#pragma once

#include <string>
#include <vector>

namespace emosweep::distributed {

// Names of the CUDA devices that this process sees; empty without any, and in builds without CUDA.
// Never throws.
std::vector<std::string> cuda_devices();
bool built_with_cuda();
// For people: "cpu"; "cpu (built with CUDA, but no CUDA device is here)"; "cuda: 2 x NVIDIA H100".
std::string device_text();

}  // namespace emosweep::distributed
