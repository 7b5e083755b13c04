// A back-end as NCCL is one: work ends on another thread, may end late, with an error, or never,
// and a peer that leaves wakes nobody. Ranks are threads of this process.
#pragma once

#include <ATen/ATen.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <vector>

namespace emosweep::distributed::test {

class FakeWork final : public c10d::Work {
 public:
  using c10d::Work::Work;
  void end(std::exception_ptr error = nullptr) { finish(std::move(error)); }
  bool isCompleted() override {
    std::lock_guard lock(mutex_);
    return completed_;
  }
};

// What the ranks of one group share: for collective number i, what each rank brought.
struct FakeFabric {
  struct Round {
    std::vector<at::Tensor> in;
    std::vector<std::vector<at::Tensor>> out;
    std::vector<c10::intrusive_ptr<FakeWork>> work;
    std::size_t arrived = 0;
  };
  std::mutex mutex;
  std::vector<Round> rounds;
  int size = 0;
  std::chrono::milliseconds delay{2};
  std::atomic<int> fail_round{-1}, aborts{0};
};

class FakeBackend final : public c10d::Backend {
 public:
  FakeBackend(std::shared_ptr<FakeFabric> fabric, int rank, int size)
      : c10d::Backend(rank, size), fabric_(std::move(fabric)) {}
  ~FakeBackend() override {
    for (std::thread& t : threads_) t.join();
  }
  const std::string getBackendName() const override { return "fake"; }
  void setTimeout(std::chrono::milliseconds) override {}
  // Of rank 0 alone: every group is aborted in the end, by each of its ranks.
  void abort() override {
    if (getRank() == 0) ++fabric_->aborts;
  }

  c10::intrusive_ptr<c10d::Work> allreduce(std::vector<at::Tensor>& x,
                                           const c10d::AllreduceOptions&) override {
    return bring(x[0], x);
  }
  c10::intrusive_ptr<c10d::Work> allgather(std::vector<std::vector<at::Tensor>>& out,
                                           std::vector<at::Tensor>& in,
                                           const c10d::AllgatherOptions&) override {
    return bring(in[0], out[0]);
  }

 private:
  // The last to arrive starts the thread that ends the collective for all.
  c10::intrusive_ptr<c10d::Work> bring(const at::Tensor& in, const std::vector<at::Tensor>& out) {
    std::lock_guard lock(fabric_->mutex);
    const std::size_t round = next_++;
    if (fabric_->rounds.size() <= round) fabric_->rounds.resize(round + 1);
    FakeFabric::Round& r = fabric_->rounds[round];
    const auto n = static_cast<std::size_t>(getSize());
    r.in.resize(n);
    r.out.resize(n);
    r.work.resize(n);
    const auto rank = static_cast<std::size_t>(getRank());
    r.in[rank] = in.clone();
    r.out[rank] = out;
    auto work = c10::make_intrusive<FakeWork>(getRank(), c10d::OpType::UNKNOWN);
    r.work[rank] = work;
    if (++r.arrived == n) {
      threads_.emplace_back([fabric = fabric_, done = r, round] {
        std::this_thread::sleep_for(fabric->delay);
        complete(*fabric, done, static_cast<int>(round));
      });
    }
    return work;
  }

  static void complete(const FakeFabric& fabric, const FakeFabric::Round& r, int round) {
    std::exception_ptr error;
    if (fabric.fail_round == round) {
      error = std::make_exception_ptr(std::runtime_error("the fabric broke"));
    }
    at::Tensor sum = r.in[0].clone();
    for (std::size_t i = 1; i < r.in.size(); ++i) sum += r.in[i];
    for (std::size_t i = 0; i < r.in.size(); ++i) {
      const bool gather = r.out[i].size() > 1;
      for (std::size_t j = 0; j < r.out[i].size(); ++j) {
        at::Tensor(r.out[i][j]).copy_(gather ? r.in[j] : sum);
      }
      r.work[i]->end(error);
    }
  }

  std::shared_ptr<FakeFabric> fabric_;
  std::size_t next_ = 0;
  std::vector<std::thread> threads_;
};

}  // namespace emosweep::distributed::test
