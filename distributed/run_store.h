// The key-value store of a run: a TCPStore that rank 0 serves, or the memory of a lone process.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "distributed/world.h"

namespace emosweep::distributed {

// Keys are shared by all ranks. One thread per object. Every call is one round trip (25 to 50 us)
// unless it says otherwise, and throws RunError, with what it was for and the rank, when rank 0
// does not answer within the options' timeout; after that every call throws the same at once.
class RunStore {
 public:
  struct Backend;  // run_store_backend.h: holds the c10d store
  RunStore(int rank, std::unique_ptr<Backend> backend);
  ~RunStore();

  std::int64_t add(const std::string& key,
                   std::int64_t by);  // a counter, 0 at first; the new value
  bool has(const std::string& key);
  std::string get(const std::string& key);  // waits for it
  void set(const std::string& key, const std::string& value);
  // Sets it unless another did before; true where this call was the first.
  bool set_first(const std::string& key, const std::string& value);
  // Asks and sleeps, costs no CPU; false where the key was not there in time.
  bool wait_for(const std::string& key, std::chrono::milliseconds time);

  Backend& backend() { return *backend_; }

 private:
  template <typename F>
  auto guarded(const std::string& what, F call) -> decltype(call());

  int rank_;
  std::unique_ptr<Backend> backend_;
  std::string broken_;  // why there is no answer any more
};

struct StoreOptions {
  std::chrono::milliseconds timeout{60'000};  // of one operation
};
// Collective. Rank 0 serves from a thread of its own, on world.address only (the loopback address
// when all ranks share a node). Call before pin_to_core, so that this thread is free to leave the
// training thread's core. The order in which ranks let go of it: all others first, rank 0 after a
// barrier. RunError.
std::shared_ptr<RunStore> make_store(const World& world, const StoreOptions& options = {});

}  // namespace emosweep::distributed
