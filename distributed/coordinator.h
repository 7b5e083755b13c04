// Hands out numbered work by tickets of a TCPStore; knows no trial.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "distributed/world.h"

namespace emosweep::distributed {

struct Work {
  std::uint32_t number = 0;          // caller's own index
  double cost = 0;                   // estimated seconds
  std::vector<std::uint32_t> needs;  // numbers of work that must be committed first (stages)
  std::uint32_t shape = 0;           // work of equal shape may be packed
};

enum class Done { committed, failed, returned };

struct Counts {
  std::int64_t taken = 0, committed = 0, failed = 0, returned = 0;
};

// Leaders of teams call; waiting costs no CPU.
class Coordinator {
 public:
  virtual ~Coordinator() = default;
  virtual std::vector<std::uint32_t> take(int most) = 0;  // {} = over
  virtual void finish(std::uint32_t number, Done done) = 0;
  virtual bool stopping() = 0;  // a rank asked for the end; cheap enough to be asked every step
  virtual void stop(const std::string& why) = 0;  // asks all ranks to end at the next step boundary
  virtual Counts counts() = 0;                    // of all ranks
};

struct CoordinatorOptions {
  std::chrono::milliseconds timeout{60'000};  // of one store operation
};
// Collective. `order` is the same on every rank (RunError otherwise): longest first. Rank 0 serves
// the store from a thread of its own; it binds the loopback address when all ranks share a node.
std::unique_ptr<Coordinator> make_coordinator(const World& world, std::vector<Work> order,
                                              const CoordinatorOptions& options = {});

}  // namespace emosweep::distributed
