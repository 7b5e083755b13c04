// NCCL for the ranks of a team on GPUs; only in builds with LIBTORCH_CUDA.
#pragma once

#include <chrono>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

namespace emosweep::distributed {

// Collective over the ranks of `store` (one PrefixStore a group); the calling thread computes on
// `device` from here on. Nothing here ends the process: whoever waits for a collective polls, and
// aborts the group when a peer has failed or the time is over (group.h). Throws c10's error where
// there is no GPU.
c10::intrusive_ptr<c10d::Backend> make_nccl_backend(const c10::intrusive_ptr<c10d::Store>& store,
                                                    int rank, int size,
                                                    std::chrono::milliseconds timeout, int device);

}  // namespace emosweep::distributed
