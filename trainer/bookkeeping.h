// What the training loop keeps beside the model: learning rates, meters, curves, selection and the
// best weights.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "trainer/engine.h"
#include "trainer/evaluate.h"
#include "trainer/loop.h"
#include "trainer/schedule.h"
#include "trainer/selection.h"
#include "trainer/weight_average.h"

namespace emosweep::trainer {

struct Place;

// "epoch 3, step 41": both from 0, steps over all epochs.
std::string step_text(std::int64_t epoch, std::int64_t step);

// Of K rows, which are the trials that are computed: those of the whole pack at first, fewer after
// compact().
class Bookkeeping {
 public:
  explicit Bookkeeping(Pack& pack);  // prepares the validation batches; errors of the options
  Pack& pack() { return part_ ? part_->pack : whole_; }  // that is computed
  std::int64_t steps(std::int64_t epoch) const;
  const at::Tensor& dropout() const { return dropout_; }               // [K] of this epoch
  const std::vector<std::uint8_t>& active() const { return active_; }  // [K] 0: ended
  bool any_active() const;

  // Also after a resume within the epoch. Returns every trial's rows in their order.
  std::vector<std::vector<std::int64_t>> begin_epoch(std::int64_t epoch);
  const std::vector<double>& rates(std::int64_t step);  // [K]
  // The team's one decision a step, made from sums that are the same on every rank: true where a
  // rank wants to stop. A trial whose loss is not finite ends.
  bool meter(const std::vector<TermValues>& terms, const StepPlace& step, bool stop,
             Collective& team);
  // usable: of the optimizer. A trial whose gradient is not ends.
  void check(const std::vector<std::uint8_t>& usable, const StepPlace& step);
  // Takes the weights of active trials into their averages, after update `step` (from 0).
  void average(std::int64_t step);
  // Curves, validation, selection; trials that stop early or have run their epochs end.
  void end_epoch(std::int64_t epoch, Collective& team);
  // Where half of the rows have ended: pack() becomes one of the others alone, a copy of its own.
  // Which rows these were; {} = nothing has changed.
  std::vector<std::int64_t> compact();
  // Of every trial of the whole pack, whose model gets the selected weights.
  std::vector<LoopResult> finish();

  // All of this, `at`, and the model's and objective's values: what is not the optimizer's.
  void archive(Archive& a, Place& at);

 private:
  // A smaller pack with what it refers to.
  struct Part {
    Part(const Pack& from, std::span<const std::int64_t> rows);
    std::unique_ptr<models::Model> model;
    std::unique_ptr<Objective> objective;
    Pack pack;
  };
  void archive_metered(Archive& a);
  void archive_best(Archive& a);
  std::vector<std::int64_t> steps_before(std::size_t trial) const;
  void set_rows();
  void fail(std::size_t k, const std::string& what, const StepPlace& step);
  void validate(std::int64_t epoch, Collective& team);
  void keep(std::size_t k);
  void tell(const std::vector<std::uint8_t>& trained) const;
  void hand_back();
  void finish(std::size_t trial);

  Pack& whole_;
  std::unique_ptr<Part> part_;
  // [epochs + 1] steps before each epoch; all trials make the same number of steps in an epoch.
  std::vector<std::int64_t> steps_before_;
  // [K]
  std::vector<std::size_t> trial_;  // of each row, counted in the whole pack
  at::Tensor dropout_;
  std::vector<std::uint8_t> active_;
  std::vector<double> rates_;
  at::Tensor sums_;                  // of a step's terms, and the votes to stop
  std::vector<TermValues> metered_;  // of the unfinished epoch; empty before its first step
  std::chrono::steady_clock::time_point began_;  // the epoch, or its rest after a resume
  EvaluationRows validation_;
  // Of the whole pack's trials.
  bool select_ = false;
  std::vector<Schedule> schedules_;
  std::vector<Selection> selections_;
  std::vector<std::int64_t> epochs_;  // that each of them runs
  WeightAverage average_;
  at::Tensor best_;                      // [trials, P]; undefined until an epoch was kept
  std::vector<at::Tensor> best_states_;  // like model.state()
  std::vector<LoopResult> results_;
};

}  // namespace emosweep::trainer
