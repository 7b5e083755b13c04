// NCCL for the ranks of a team on GPUs; only in builds with LIBTORCH_CUDA.
#pragma once

#include <chrono>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

namespace emosweep::distributed {

// Collective over the ranks of `store` (one PrefixStore a group), after the calling thread has
// chosen its device. A collective that takes longer than `timeout` ends the process with NCCL's own
// message. Throws c10's error where there is no GPU.
c10::intrusive_ptr<c10d::Backend> make_nccl_backend(const c10::intrusive_ptr<c10d::Store>& store,
                                                    int rank, int size,
                                                    std::chrono::milliseconds timeout);

}  // namespace emosweep::distributed
