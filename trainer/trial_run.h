// A trial on its way to its record; private to trainer/.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "models/model.h"
#include "trainer/evaluate.h"
#include "trainer/fold_cache.h"
#include "trainer/linear.h"
#include "trainer/trial.h"

namespace emosweep::trainer {

struct TrialRun {
  const TrialSpec* spec = nullptr;
  std::size_t number = 0;  // among the trials of the call
  Trained trained;
  std::optional<TrialError> failure;  // then the rest is of no meaning
  // Of its last fit.
  std::shared_ptr<const PreparedFold> prepared;
  std::vector<std::int32_t> train;
  std::vector<std::string> start;          // what was left out of pretrained weights
  std::shared_ptr<models::Model> network;  // of the pack, and this trial's place in it; or
  std::int64_t row = 0;
  LinearModel linear;
  std::vector<double> validation_probability, thresholds;  // as in LoopResult; of the first fit
};

// What a rank trains with.
struct Workplace {
  FoldCache& cache;
  Collective& team;
  const Stopping& stopping;
  const TellEpoch& tell_epoch;
};

std::vector<std::int32_t> train_and_validation(const data::Fold& fold);
std::vector<std::int32_t> in_table_order(const data::Dataset& dataset,
                                         std::vector<std::int32_t> rows);
at::Tensor class_counts(const data::Dataset& dataset,
                        std::span<const std::int32_t> rows);  // [1, blocks * classes]
void add_warnings(std::vector<std::string>& all, const std::vector<std::string>& more);

// Fits and refits the networks of one pack; a single trial with checkpoints, where their folder is
// given. Leaves the selected weights in `network`, and in the records what training gave.
void train_networks(std::span<TrialRun> runs, const Workplace& place,
                    const CheckpointOptions& checkpoints);

// The test rows of every trial without a failure; of equal length as runs, default elsewhere.
std::vector<Evaluation> test_networks(std::span<const TrialRun> runs,
                                      std::span<const std::vector<std::int32_t>> rows,
                                      const Workplace& place);

}  // namespace emosweep::trainer
