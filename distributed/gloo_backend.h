// Gloo for the ranks of a team on CPUs. Include it in few files: c10d's headers are heavy.
#pragma once

#include <chrono>
#include <string>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

namespace emosweep::distributed {

// Collective over the ranks of `store`, which no other group may share (wrap it in a PrefixStore).
// `host` is the local address that the others reach: by host name Gloo binds 127.0.1.1 on a stock
// Debian. Errors are c10's.
c10::intrusive_ptr<c10d::Backend> make_gloo_backend(const c10::intrusive_ptr<c10d::Store>& store,
                                                    int rank, int size,
                                                    std::chrono::milliseconds timeout,
                                                    const std::string& host);

}  // namespace emosweep::distributed
