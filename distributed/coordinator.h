// Hands out numbered work by tickets of a TCPStore; knows no trial.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "distributed/run_store.h"

namespace emosweep::distributed {

struct Work {
  std::uint32_t number = 0;          // caller's own index
  double cost = 0;                   // estimated seconds
  std::vector<std::uint32_t> needs;  // numbers of work that must be committed first (stages)
  std::uint32_t shape = 0;           // work of equal shape may be packed
};

// requeued: the environment failed it, whoever asks next takes it again; it stays running until
// then. Callers bound how often.
enum class Done { committed, failed, returned, requeued };

struct Counts {
  std::int64_t taken = 0, committed = 0, failed = 0, returned = 0;
  std::int64_t running() const { return taken - committed - failed - returned; }
};

// Leaders of teams call; waiting costs no CPU. One thread per object. Every call is one or a few
// round trips to the store and throws its RunError.
class Coordinator {
 public:
  virtual ~Coordinator() = default;
  // One requeued number, or the next `most` tickets of the order; {} = over, or a rank asked for
  // the end. Waits until the needs of each are committed; work whose needs failed or were returned
  // is returned here and not handed out.
  virtual std::vector<std::uint32_t> take(int most) = 0;
  virtual void finish(std::uint32_t number, Done done) = 0;  // once for every number taken
  // A rank asked for the end. Cheap enough to be asked every step: the store is asked at most every
  // 50 ms.
  virtual bool stopping() = 0;
  virtual void stop(const std::string& why) = 0;  // asks all ranks to end at the next step boundary
  virtual std::string stop_reason() = 0;          // of the first that asked; "" = nobody did
  virtual Counts counts() = 0;                    // of all ranks

  // A number that all ranks add to, 0 at first; returns the sum so far. Names are the caller's.
  virtual std::int64_t add(const std::string& name, std::int64_t value) = 0;

  // This rank takes no more. Waits up to `wait` for all ranks to say so; true when they did. Call
  // again until true.
  virtual bool over(std::chrono::milliseconds wait) = 0;
  // A number that changes as long as any rank lives: stopping() beats at most once a second. A
  // caller that waits in over() gives up when it has not changed for long.
  virtual std::int64_t sign_of_life() = 0;
};

// Collective. `order` is the same on every rank (RunError that names the rank otherwise), longest
// first, and needs stand before the work that needs them.
std::unique_ptr<Coordinator> make_coordinator(const World& world, std::shared_ptr<RunStore> store,
                                              std::vector<Work> order);

}  // namespace emosweep::distributed
