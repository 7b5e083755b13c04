// What this process can compute on.
#pragma once

#include <string>
#include <vector>

#include "distributed/world.h"

namespace emosweep::distributed {

struct CudaDevice {
  std::string name;  // "NVIDIA H100 80GB HBM3"
  std::string uuid;  // of the GPU itself: the same for every process of a node that sees it
};
// The CUDA devices that this process sees, by index; empty without any, and in builds without CUDA.
// Never throws.
std::vector<CudaDevice> cuda_devices();
bool built_with_cuda();
// For people: "cpu"; "cpu (built with CUDA, but no CUDA device is here)"; "cuda: 2 x NVIDIA H100".
std::string device_text();

// Which device each rank of a node takes, by node rank; uuids holds what each of them sees. Ranks
// that see the same list take one each, in order; a rank that sees one device takes it (a launcher
// has dealt them). InputError: a rank without a device, or two ranks on one GPU, which `share`
// allows (NCCL does not within a team).
std::vector<int> choose_devices(const std::vector<std::vector<std::string>>& uuids, bool share);
// Collective over the world: choose_devices for this rank, with every rank's own list.
int find_device(const World& world, bool share);

}  // namespace emosweep::distributed
