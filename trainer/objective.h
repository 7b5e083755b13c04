// Named, weighted loss terms over the leading trial axis.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/target.h"
#include "data/batch.h"
#include "models/model.h"
#include "trainer/objective_options.h"

namespace emosweep::trainer {

// sum is local and differentiable, count is global. A term's value is sum / count; where it has
// parts, such as aspects, the mean of sum / count over the parts whose count is above 0. The loss
// is the sum of weight * value.
struct Term {
  std::string name;
  at::Tensor sum, count;  // [K], or [K, parts], float64, CPU
  at::Tensor weight;      // [K]
};
// The value of one trial from the sums and counts of its parts; 0 where none has a count.
double term_value(std::span<const double> sum, std::span<const double> count);

// Rows of one trial for a step without autograd.
struct RowTargets {
  std::int64_t rows = 0;
  const std::int64_t* index = nullptr;  // [rows]
  const double* weight = nullptr;       // [rows] 0: padding
};
struct RowTerm {
  double sum = 0, count = 0, weight = 1;  // as in Term
};

// An objective of one term over plain memory, one trial at a time; for training. Not thread-safe.
class RowLoss {
 public:
  virtual ~RowLoss() = default;
  virtual const std::string& name() const = 0;
  virtual std::int64_t classes() const = 0;
  // Adds what this rank's rows have of every class to counts [C].
  virtual void count(const RowTargets& rows, double* counts) const = 0;
  // counts [C]: the team's, of the global batch. gradient [rows, C]: d sum / d logits, overwritten.
  virtual RowTerm loss(std::size_t trial, const RowTargets& rows, const double* counts,
                       const float* logits, float* gradient) = 0;
  virtual RowTerm loss(std::size_t trial, const RowTargets& rows, const double* counts,
                       const double* logits, double* gradient) = 0;
};

// n / (C * count) of every class [C], by how often each stands in the training rows (once, where it
// does not); with a cap above 0 no weight is above cap times the smallest.
std::vector<double> balanced_weights(const std::vector<double>& counts, double cap);

class Objective {
 public:
  virtual ~Objective() = default;
  virtual std::vector<Term> terms(const data::Batch& batch, const models::Output& output,
                                  const models::Step& step) = 0;
  virtual void after_step(const data::Batch&, const models::Output&, const models::Step&) {}
  virtual std::vector<models::Leaf>& state() = 0;
  virtual const TargetSpec& target() const = 0;
  // Divides the logits of a trial before they become probabilities.
  virtual double temperature(std::size_t trial) const = 0;
  // Of a loss that is no mean over rows: its value for all rows of an evaluation together. truth,
  // predicted: [n, outputs].
  virtual std::optional<double> whole(std::span<const double> /*truth*/,
                                      std::span<const double> /*predicted*/) const {
    return std::nullopt;
  }
  // The same loss for steps without autograd, which do not call after_step; null where there is
  // none.
  virtual RowLoss* rows() { return nullptr; }
  // These trials of the pack as an objective of their own.
  virtual std::unique_ptr<Objective> select(std::span<const std::int64_t> trials) const = 0;
};

// Where step.train is false, batch class weights count as 1: otherwise the loss would depend on how
// rows fall into batches. train_counts: [K, C] rows of each class in each trial's training part
// (balanced weights). The formulas are those of Lin et al. 2017 (focal) and of the documentation's
// page on losses; every value is >= 0.
std::unique_ptr<Objective> make_objective(const std::vector<ObjectiveOptions>& options,
                                          const at::Tensor& train_counts, at::ScalarType dtype);
// The same for a target of any kind. train_counts: [K, blocks * classes] (base/target.h).
// InputError: a loss or an option that the kind does not have.
std::unique_ptr<Objective> make_objective(const TargetSpec& target,
                                          const std::vector<ObjectiveOptions>& options,
                                          const at::Tensor& train_counts, at::ScalarType dtype);

}  // namespace emosweep::trainer
