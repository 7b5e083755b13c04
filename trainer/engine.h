// How a step of training is computed: forward, loss, backward, and the gradient's sum over the
// team. What is kept beside it, bookkeeping.h has.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "trainer/loop.h"

namespace emosweep::trainer {

// One loss term of every trial of a pack.
struct TermValues {
  std::string name;
  // [K * parts], see Term; sum over this rank's rows, count over the team's
  std::vector<double> sum, count;
  std::vector<double> weight;  // [K]

  double value(std::size_t k) const {
    const std::size_t parts = sum.size() / weight.size();
    return term_value({sum.data() + k * parts, parts}, {count.data() + k * parts, parts});
  }
};

struct StepPlace {
  std::int64_t epoch = 0, step = 0;  // from 0; step within the epoch
  std::int64_t number = 0;           // step over all epochs
};

class Engine {
 public:
  virtual ~Engine() = default;
  // Before the first step of an epoch, and after a resume: the rows of every trial in their order.
  virtual void begin_epoch(const std::vector<std::vector<std::int64_t>>& orders) = 0;
  // The terms stay valid until the next call. A trial that has ended may have any values.
  virtual const std::vector<TermValues>& forward(const StepPlace& at,
                                                 const at::Tensor& dropout) = 0;
  // Of the last forward(), for the trials that are `active`: leaves the gradient, summed over the
  // team, in model.flat_grad().
  virtual void backward(const std::vector<std::uint8_t>& active) = 0;
};

// All ranks of the team make one, and call it alike. The pack outlives it.
std::unique_ptr<Engine> make_engine(Pack& pack, Collective& team);

}  // namespace emosweep::trainer
