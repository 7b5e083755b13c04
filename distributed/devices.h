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
// The calling thread computes on that device from here on, and every thread that autograd starts
// for it. Results are the same bits every time on one kind of GPU: cuDNN's and cuBLAS'
// deterministic algorithms. As in PyTorch, convolutions of float32 are computed in TF32, three
// times as fast on an H100, and products of matrices in float32. Once, before anything is computed
// there. RunError in builds without CUDA, c10's error where there is no such device.
void use_device(int device);
// After a trial failed there: gives unused memory back. Returns why nothing can be computed on the
// device by this process any more, "" where it can: an error within a kernel is for good.
std::string recover_device();
void wait_for_device();  // until all that was queued there is computed; for timings

// Collective over the world: choose_devices for this rank, with every rank's own list.
int find_device(const World& world, bool share);

}  // namespace emosweep::distributed
