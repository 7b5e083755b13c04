// What the training loop keeps beside the model: learning rates, meters, curves, selection and the
// best weights.
#pragma once

#include <cstdint>
#include <vector>

#include "trainer/engine.h"
#include "trainer/evaluate.h"
#include "trainer/loop.h"
#include "trainer/schedule.h"
#include "trainer/selection.h"

namespace emosweep::trainer {

struct Place;

// "epoch 3, step 41": both from 0, steps over all epochs.
std::string step_text(std::int64_t epoch, std::int64_t step);

class Bookkeeping {
 public:
  explicit Bookkeeping(Pack& pack);  // prepares the validation batches; errors of the options
  std::int64_t steps_per_epoch() const { return steps_per_epoch_; }
  const at::Tensor& dropout() const { return dropout_; }               // [K]
  const std::vector<std::uint8_t>& active() const { return active_; }  // [K] 0: stopped early
  bool any_active() const;

  std::vector<std::vector<std::int64_t>> orders(std::int64_t epoch) const;  // of the epoch's rows
  const std::vector<double>& rates(std::int64_t step);                      // [K]
  // The team's one decision a step, made from sums that are the same on every rank: true where a
  // rank wants to stop; TrialError where the loss is not finite.
  bool meter(const std::vector<TermValues>& terms, const StepPlace& step, bool stop,
             Collective& team);
  void check(const std::vector<double>& norms,
             const StepPlace& step) const;  // TrialError: gradient not finite
  void end_epoch(std::int64_t epoch,
                 Collective& team);  // curves, validation, selection, early stop
  std::vector<LoopResult> finish();  // puts the selected weights back

  // All of this, `at`, and the model's and objective's values: what is not the optimizer's.
  void archive(Archive& a, Place& at);

 private:
  void archive_metered(Archive& a);
  void archive_best(Archive& a);
  void record(std::size_t k, const std::string& curve, double value);
  void validate(std::int64_t epoch, Collective& team);
  void keep(std::size_t k);

  Pack& pack_;
  std::int64_t steps_per_epoch_ = 0;
  at::Tensor dropout_;
  std::vector<std::uint8_t> active_;
  std::vector<Schedule> schedules_;
  std::vector<double> rates_;
  at::Tensor sums_;                  // of a step's terms, and the votes to stop
  std::vector<TermValues> metered_;  // of the unfinished epoch; empty before its first step
  bool select_ = false;
  EvaluationRows validation_;
  std::vector<Selection> selections_;
  at::Tensor best_;                      // [K,P]; undefined until an epoch was kept
  std::vector<at::Tensor> best_states_;  // copies of model.state()
  std::vector<LoopResult> results_;
};

}  // namespace emosweep::trainer
