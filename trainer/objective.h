// Named, weighted loss terms over the leading trial axis.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "data/batch.h"
#include "models/model.h"
#include "trainer/objective_options.h"

namespace emosweep::trainer {

// sum is local and differentiable, count is global; a term's value is sum / count, the loss is the
// sum of weight * value.
struct Term {
  std::string name;
  at::Tensor sum, count, weight;  // [K] float64, CPU
};

class Objective {
 public:
  virtual ~Objective() = default;
  virtual std::vector<Term> terms(const data::Batch& batch, const models::Output& output,
                                  const models::Step& step) = 0;
  virtual void after_step(const data::Batch&, const models::Output&, const models::Step&) {}
  virtual std::vector<models::Leaf>& state() = 0;
};

// Where step.train is false, batch class weights count as 1: otherwise the loss would depend on how
// rows fall into batches. train_counts: [K, C] rows of each class in each trial's training part
// (balanced weights). The formulas are those of Lin et al. 2017 (focal) and of the documentation's
// page on losses; every value is >= 0.
std::unique_ptr<Objective> make_objective(const std::vector<ObjectiveOptions>& options,
                                          const at::Tensor& train_counts, at::ScalarType dtype);

}  // namespace emosweep::trainer
