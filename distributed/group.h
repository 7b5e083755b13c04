// A c10d process group with waits that end. Inside distributed/ and its tests only.
#pragma once

#include <functional>
#include <string>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <vector>

namespace emosweep::distributed {

struct GroupOptions {
  std::chrono::milliseconds timeout{600'000};
  // Gloo wakes a waiting rank when a peer closes its connections, NCCL does not: then waiting asks
  // whether it is done, whether a peer failed, whether the time is over, and aborts the group.
  bool wakes_waiting = true;
  std::function<bool()> peer_failed;  // asked now and then by such a wait
};

// One thread. Errors are std::exception, c10's or our own, and leave the group broken: drop it.
class Group {
 public:
  using Work = c10::intrusive_ptr<c10d::Work>;
  Group(c10::intrusive_ptr<c10d::Backend> backend, GroupOptions options)
      : backend_(std::move(backend)), options_(std::move(options)) {}
  ~Group();  // waits for no peer
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  Work start_sum(std::vector<at::Tensor>& x);  // one contiguous tensor, in place
  Work start_gather(const at::Tensor& x, std::vector<at::Tensor>& all);  // equal shapes
  void wait(c10d::Work& work);

 private:
  void poll(c10d::Work& work);

  c10::intrusive_ptr<c10d::Backend> backend_;
  GroupOptions options_;
  bool aborted_ = false;
};

}  // namespace emosweep::distributed
