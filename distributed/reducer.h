// Sums the gradients of a team's ranks.
#pragma once

#include <ATen/core/Tensor.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/collective.h"

namespace emosweep::distributed {

// What a step's reduction looked like, for benchmarks and tests. Times are seconds since the first
// gradient of the step was ready.
struct ReducerTrace {
  struct Bucket {
    std::int64_t elements = 0;
    double launched = 0, waited = 0;  // started; how long finalize() waited for it
  };
  std::vector<Bucket> buckets;
  double last_gradient = 0;  // the last parameter's gradient was ready
  double finalized = 0;      // all sums are there
};

// All ranks of the team make one with the same parameters in the same order and call in the same
// order. add() once for every parameter, then finalize() after every backward pass: the gradients
// are then sums over the ranks. One thread (the backward pass may run on another).
class Reducer {
 public:
  virtual ~Reducer() = default;
  // A leaf of the autograd graph whose grad() is preset to a view of `gradient`; parameters in the
  // order of their place in it. Its gradient must be accumulated in place, or be left there before
  // its accumulator runs, as blocks of models do that hand autograd an undefined one.
  virtual void add(const std::string& name, const at::Tensor& parameter) = 0;
  // TrialError names the parameters that got no gradient in this backward pass: summed anyway, they
  // would take a step that no loss asked for.
  virtual void finalize() = 0;
  virtual const ReducerTrace& trace() const = 0;  // of the last finalize()
};

struct ReducerOptions {
  // Parameters are summed in buckets of at least so many bytes, from the last on, each started from
  // the backward pass as soon as its gradients and those of the buckets before it are ready. A
  // gradient that is no larger than one bucket is summed as a whole afterwards.
  std::int64_t bucket_bytes = 4 << 20;
};

// gradient: [1,P] or [K,P] contiguous, all parameters' gradients; elements between them are summed
// too. K > 1 is summed as a whole.
std::unique_ptr<Reducer> make_reducer(Collective& team, const at::Tensor& gradient,
                                      const ReducerOptions& options = {});

}  // namespace emosweep::distributed
