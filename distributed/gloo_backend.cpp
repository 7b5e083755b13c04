#include "distributed/gloo_backend.h"

#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

// libtorch_cpu carries gloo without its headers. What is on the include path are declarations of
// our own (cmake/gloo_shims) that suffice to call the three functions below; with a real gloo of
// another version the layouts could differ. Never derive from gloo's classes or create them here.
#ifdef GLOO_STORE_HAS_STORE_V2
#error "a real gloo is on the include path"
#endif

namespace emosweep::distributed {

c10::intrusive_ptr<c10d::Backend> make_gloo_backend(const c10::intrusive_ptr<c10d::Store>& store,
                                                    int rank, int size,
                                                    std::chrono::milliseconds timeout,
                                                    const std::string& host) {
  auto options = c10d::ProcessGroupGloo::Options::create(timeout);
  options->devices.push_back(c10d::ProcessGroupGloo::createDeviceForHostname(host));
  return c10::make_intrusive<c10d::ProcessGroupGloo>(store, rank, size, options);
}

}  // namespace emosweep::distributed
