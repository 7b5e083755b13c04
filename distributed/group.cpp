#include "distributed/group.h"

#include <algorithm>
#include <stdexcept>
#include <thread>

namespace emosweep::distributed {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kAskPeers = std::chrono::milliseconds{200};

std::string seconds_text(std::chrono::milliseconds time) {
  return std::to_string(time.count() / 1000) + "." + std::to_string(time.count() % 1000 / 100) +
         " s";
}

}  // namespace

Group::~Group() {
  if (options_.wakes_waiting || aborted_) return;  // Gloo's connections close by themselves
  try {
    backend_->abort();               // what was started was waited for, or is lost
  } catch (const std::exception&) {  // the group is over either way
  }
}

Group::Work Group::start_sum(std::vector<at::Tensor>& x) { return backend_->allreduce(x); }

Group::Work Group::start_gather(const at::Tensor& x, std::vector<at::Tensor>& all) {
  std::vector<std::vector<at::Tensor>> out{all};
  std::vector<at::Tensor> in{x};
  return backend_->allgather(out, in);
}

void Group::wait(c10d::Work& work) {
  if (!options_.wakes_waiting) return poll(work);
  // The back-end ends it at its own deadline; ours is for one that does not.
  work.wait(2 * options_.timeout);
}

void Group::poll(c10d::Work& work) {
  const auto end = Clock::now() + options_.timeout;
  auto ask = Clock::now() + kAskPeers;
  std::chrono::microseconds pause{0};
  while (!work.isCompleted()) {
    const auto now = Clock::now();
    const bool late = now >= end;
    if (late || (now >= ask && options_.peer_failed && options_.peer_failed())) {
      aborted_ = true;
      backend_->abort();
      throw std::runtime_error(late ? "no answer within " + seconds_text(options_.timeout)
                                    : "a peer left the trial");
    }
    if (now >= ask) ask = now + kAskPeers;
    if (pause.count() == 0) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(pause);
    }
    pause = std::min(pause + std::chrono::microseconds{1}, std::chrono::microseconds{200});
  }
  work.wait();  // rethrows what came late; on a GPU orders the streams
}

}  // namespace emosweep::distributed
