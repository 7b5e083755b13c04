#include "distributed/devices.h"

#ifdef USE_C10D_NCCL
#include <cuda_runtime_api.h>
#endif

namespace emosweep::distributed {

#ifdef USE_C10D_NCCL
bool built_with_cuda() { return true; }

std::vector<std::string> cuda_devices() {
  std::vector<std::string> names;
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) {
    cudaGetLastError();  // no driver is no error here: clear it for those who ask later
    return names;
  }
  for (int device = 0; device < count; ++device) {
    cudaDeviceProp properties;
    if (cudaGetDeviceProperties(&properties, device) == cudaSuccess) {
      names.emplace_back(properties.name);
    }
  }
  return names;
}
#else
bool built_with_cuda() { return false; }
std::vector<std::string> cuda_devices() { return {}; }
#endif

std::string device_text() {
  const std::vector<std::string> names = cuda_devices();
  if (names.empty()) {
    return built_with_cuda() ? "cpu (built with CUDA, but no CUDA device is here)" : "cpu";
  }
  std::string text = "cuda:";
  for (std::size_t i = 0; i < names.size();) {  // runs of equal names
    std::size_t end = i;
    while (end < names.size() && names[end] == names[i]) ++end;
    text += (i == 0 ? " " : ", ") + std::to_string(end - i) + " x " + names[i];
    i = end;
  }
  return text;
}

}  // namespace emosweep::distributed
