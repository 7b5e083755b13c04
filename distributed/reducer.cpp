#include "distributed/reducer.h"

#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/utils/lambda_post_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <exception>

#include "base/error.h"

namespace emosweep::distributed {
namespace {

using Clock = std::chrono::steady_clock;

// What both kinds share: which parameters got a gradient in this backward pass.
class HookedReducer : public Reducer {
 public:
  HookedReducer(Collective& team, const at::Tensor& gradient) : team_(team), gradient_(gradient) {
    EMO_CHECK(gradient.dim() == 2 && gradient.is_contiguous(), "a gradient [K,P] expected");
  }
  ~HookedReducer() override {
    for (Watched& w : watched_) w.accumulator->del_post_hook(w.hook);
  }
  HookedReducer(const HookedReducer&) = delete;
  HookedReducer& operator=(const HookedReducer&) = delete;

  void add(const std::string& name, const at::Tensor& parameter) override {
    EMO_CHECK(parameter.grad().defined() && parameter.grad().is_alias_of(gradient_),
              name + ": its gradient is not part of the gradient that is summed");
    const std::size_t index = watched_.size();
    Watched w;
    w.name = name;
    w.offset = parameter.grad().storage_offset() - gradient_.storage_offset();
    w.accumulator = torch::autograd::impl::grad_accumulator(parameter);
    w.hook = w.accumulator->add_post_hook(std::make_unique<torch::autograd::utils::LambdaPostHook>(
        [this, index](const torch::autograd::variable_list& out,
                      const torch::autograd::variable_list&) {
          on_gradient(index);
          return out;
        }));
    watched_.push_back(std::move(w));
  }

  const ReducerTrace& trace() const override { return trace_; }

 protected:
  struct Watched {
    std::string name;
    std::int64_t offset = 0;  // of a row of the gradient
    bool ready = false;
    std::shared_ptr<torch::autograd::Node> accumulator;  // hooks live on it
    std::uintptr_t hook = 0;
  };

  // An exception must not cross the autograd engine: finalize() throws it.
  void on_gradient(std::size_t index) {
    if (ready_ == 0) begin_ = Clock::now();
    if (!watched_[index].ready) ++ready_;
    watched_[index].ready = true;
    trace_.last_gradient = since_begin();
    if (error_) return;
    try {
      gradient_ready(index);
    } catch (...) {
      error_ = std::current_exception();
    }
  }

  void finalize() override {
    const std::exception_ptr error = std::exchange(error_, nullptr);
    std::string missing;
    int count = 0;
    for (Watched& w : watched_) {
      if (!w.ready && ++count <= 8) missing += (count > 1 ? ", " : "") + w.name;
      w.ready = false;
    }
    ready_ = 0;
    if (error) std::rethrow_exception(error);
    if (count > 0) {
      throw TrialError("exception",
                       "no gradient reached " + missing +
                           (count > 8 ? " and " + std::to_string(count - 8) + " more" : "") +
                           " in this step: every parameter must have a part in the "
                           "loss of every rank");
    }
    sum();
    trace_.finalized = since_begin();
  }

  double since_begin() const {
    return std::chrono::duration<double>(Clock::now() - begin_).count();
  }

  virtual void gradient_ready(std::size_t index) = 0;
  virtual void sum() = 0;  // of all that is not yet summed

  Collective& team_;
  at::Tensor gradient_;
  std::vector<Watched> watched_;
  std::size_t ready_ = 0;
  std::exception_ptr error_;
  ReducerTrace trace_;
  Clock::time_point begin_;
};

class WholeReducer final : public HookedReducer {
 public:
  using HookedReducer::HookedReducer;

 private:
  void gradient_ready(std::size_t) override {}
  void sum() override {
    trace_.buckets.assign(1, {gradient_.numel(), since_begin(), 0});
    team_.start_sum(gradient_)->wait();
    trace_.buckets[0].waited = since_begin() - trace_.buckets[0].launched;
  }
};

// Buckets are neighbours in memory: nothing is copied. Started in their order only, so that all
// ranks start the same collective whatever the order of their gradients.
class BucketReducer final : public HookedReducer {
 public:
  BucketReducer(Collective& team, const at::Tensor& gradient, std::int64_t bucket_bytes)
      : HookedReducer(team, gradient), least_(bucket_bytes / gradient.element_size()) {}

 private:
  struct Bucket {
    std::int64_t begin = 0, end = 0;  // elements
    std::size_t parameters = 0, ready = 0;
    std::unique_ptr<Pending> pending;
  };

  // From the last parameter on: its gradient is the first to be ready.
  void make_buckets() {
    bucket_of_.assign(watched_.size(), 0);
    std::int64_t end = gradient_.numel();
    std::size_t parameters = 0;
    for (std::size_t i = watched_.size(); i-- > 0;) {
      const std::int64_t begin = i == 0 ? 0 : watched_[i].offset;
      EMO_CHECK(begin < end, watched_[i].name +
                                 ": parameters stand in another order than their "
                                 "gradients");
      bucket_of_[i] = buckets_.size();
      ++parameters;
      if (i > 0 && end - begin < least_) continue;
      buckets_.push_back({begin, end, parameters, 0, nullptr});
      end = begin;
      parameters = 0;
    }
    trace_.buckets.resize(buckets_.size());
  }

  void gradient_ready(std::size_t index) override {
    if (buckets_.empty()) make_buckets();
    ++buckets_[bucket_of_[index]].ready;
    while (next_ < buckets_.size() && buckets_[next_].ready == buckets_[next_].parameters) launch();
  }

  void launch() {
    Bucket& bucket = buckets_[next_];
    trace_.buckets[next_] = {bucket.end - bucket.begin, since_begin(), 0};
    bucket.pending =
        team_.start_sum(gradient_.view(-1).narrow(0, bucket.begin, bucket.end - bucket.begin));
    ++next_;
  }

  void sum() override {
    for (std::size_t b = 0; b < buckets_.size(); ++b) {
      const double begin = since_begin();
      buckets_[b].pending->wait();
      buckets_[b].pending.reset();
      buckets_[b].ready = 0;
      trace_.buckets[b].waited = since_begin() - begin;
    }
    next_ = 0;
  }

  std::int64_t least_;
  std::vector<Bucket> buckets_;
  std::vector<std::size_t> bucket_of_;
  std::size_t next_ = 0;
};

}  // namespace

std::unique_ptr<Reducer> make_reducer(Collective& team, const at::Tensor& gradient,
                                      const ReducerOptions& options) {
  const std::int64_t bytes = gradient.numel() * gradient.element_size();
  if (gradient.size(0) > 1 || bytes <= options.bucket_bytes) {
    return std::make_unique<WholeReducer>(team, gradient);
  }
  return std::make_unique<BucketReducer>(team, gradient, options.bucket_bytes);
}

}  // namespace emosweep::distributed
