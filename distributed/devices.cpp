#include "distributed/devices.h"

#include <map>
#include <sstream>

#include "base/error.h"

#ifdef USE_C10D_NCCL
#include <ATen/Context.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <cuda_runtime_api.h>

#include <cstdio>
#include <cstdlib>
#endif

namespace emosweep::distributed {

#ifdef USE_C10D_NCCL
namespace {

std::string uuid_text(const cudaUUID_t& uuid) {
  std::string text = "GPU-";
  for (const char byte : uuid.bytes) {
    char hex[3];
    std::snprintf(hex, sizeof(hex), "%02x", static_cast<unsigned char>(byte));
    text += hex;
  }
  return text;
}

}  // namespace

bool built_with_cuda() { return true; }

std::vector<CudaDevice> cuda_devices() {
  std::vector<CudaDevice> devices;
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) {
    cudaGetLastError();  // no driver is no error here: clear it for those who ask later
    return devices;
  }
  for (int device = 0; device < count; ++device) {
    cudaDeviceProp properties;
    if (cudaGetDeviceProperties(&properties, device) == cudaSuccess) {
      devices.push_back({properties.name, uuid_text(properties.uuid)});
    }
  }
  return devices;
}

void use_device(int device) {
  setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", 0);  // read when cuBLAS begins
  at::Context& context = at::globalContext();
  context.setDeterministicCuDNN(true);
  context.setBenchmarkCuDNN(false);
  context.setAllowTF32CuDNN(true);
  context.setAllowTF32CuBLAS(false);
  c10::cuda::set_device(static_cast<c10::DeviceIndex>(device));
}

void wait_for_device() { c10::cuda::device_synchronize(); }

std::string recover_device() {
  cudaGetLastError();  // one that was only told, such as too little memory
  const cudaError_t error = cudaDeviceSynchronize();
  if (error != cudaSuccess) return cudaGetErrorString(error);
  c10::cuda::CUDACachingAllocator::emptyCache();
  return "";
}
#else
bool built_with_cuda() { return false; }
std::vector<CudaDevice> cuda_devices() { return {}; }
void use_device(int) {
  throw RunError("this program was built without CUDA: device: cuda needs the cuda preset");
}
std::string recover_device() { return ""; }
void wait_for_device() {}
#endif

std::vector<int> choose_devices(const std::vector<std::vector<std::string>>& uuids, bool share) {
  std::vector<int> chosen;
  std::map<std::string, std::size_t> owner;  // uuid -> node rank
  for (std::size_t rank = 0; rank < uuids.size(); ++rank) {
    const std::vector<std::string>& seen = uuids[rank];
    const std::string who = "rank " + std::to_string(rank) + " of this node";
    if (seen.empty()) {
      throw InputError(who + (built_with_cuda()
                                  ? " sees no CUDA device: check the driver and "
                                    "CUDA_VISIBLE_DEVICES, or write device: cpu"
                                  : " has a program that was built without CUDA: build the cuda "
                                    "preset (docs/distributed.md), or write device: cpu"));
    }
    chosen.push_back(static_cast<int>(rank % seen.size()));
    const std::string& uuid = seen[static_cast<std::size_t>(chosen.back())];
    const auto [other, first] = owner.emplace(uuid, rank);
    if (first || share) continue;
    throw InputError(who + " and rank " + std::to_string(other->second) + " would share the GPU " +
                     uuid + ": start at most one rank a GPU (" + std::to_string(seen.size()) +
                     " here)");
  }
  return chosen;
}

int find_device(const World& world, bool share) {
  constexpr double kAgreeSeconds = 120;
  std::string mine = std::to_string(world.node);
  for (const CudaDevice& device : cuda_devices()) mine += ' ' + device.uuid;
  std::vector<std::vector<std::string>> node;  // world order is node order
  for (const std::string& text : gather(mine, "GPUs of the ranks", in_seconds(kAgreeSeconds))) {
    std::istringstream in(text);
    int number = 0;
    in >> number;
    if (number != world.node) continue;
    node.emplace_back();
    for (std::string uuid; in >> uuid;) node.back().push_back(uuid);
  }
  return choose_devices(node, share).at(static_cast<std::size_t>(world.node_rank));
}

std::string device_text() {
  const std::vector<CudaDevice> names = cuda_devices();
  if (names.empty()) {
    return built_with_cuda() ? "cpu (built with CUDA, but no CUDA device is here)" : "cpu";
  }
  std::string text = "cuda:";
  for (std::size_t i = 0; i < names.size();) {  // runs of equal names
    std::size_t end = i;
    while (end < names.size() && names[end].name == names[i].name) ++end;
    text += (i == 0 ? " " : ", ") + std::to_string(end - i) + " x " + names[i].name;
    i = end;
  }
  return text;
}

}  // namespace emosweep::distributed
