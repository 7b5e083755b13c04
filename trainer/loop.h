// The training loop: the one place where a step is made.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/collective.h"
#include "base/error.h"
#include "data/batch.h"
#include "models/model.h"
#include "results/record.h"
#include "trainer/curriculum.h"
#include "trainer/objective.h"
#include "trainer/trial.h"

namespace emosweep::trainer {

class Archive;
class Checkpoints;

// A pack of K trials: everything per trial is a vector of length K. Trials of a pack have the same
// batch size, the same number of steps an epoch and the same `epochs`; their rows, and how many
// these are, are their own.
struct Pack {
  models::Model& model;
  Objective& objective;
  std::vector<const data::FoldTensors*> folds;
  std::vector<std::vector<std::int32_t>> train,
      validation;  // rows; no validation: the last epoch is kept
  std::vector<StreamKey> keys;
  std::vector<OptimizerOptions> optimizer;
  std::vector<LoopOptions> loop;
  // Epochs that each trial runs, {} = loop.epochs. A refit runs fewer: its schedule still spans
  // loop.epochs, so that its learning rates are those under which the epoch was selected.
  std::vector<std::int64_t> run_epochs;
  Checkpoints* checkpoints = nullptr;      // null: none are kept
  data::AugmentOptions augment = {};       // of images: of the one trial that has them
  std::vector<Curriculum> curricula = {};  // {}: all rows in every epoch
  TellEpoch tell_epoch = {};               // by the trial's place in this pack
};

struct LoopResult {
  std::int64_t best_epoch = -1, epochs = 0, steps = 0;
  // train_loss, train_<term>, of several terms weight_<term> (the loss is the sum of weight times
  // term), lr (of the epoch's last step), and with validation rows
  // validation_loss, validation_<term> of several terms, two metrics (accuracy and macro_f1; of
  // several labels micro_f1 and macro_f1, of values mae and ccc) and the selection metric, with a
  // curriculum train_rows and dropout: one value an epoch.
  std::vector<results::Curve> curves;
  results::NamedValues
      validation;  // scores and "loss" of the selected epoch; empty without validation rows
  // [v, C] of the validation rows in ascending order of the table, by the selected weights; where
  // the trial asks for them. (They live here because a refit overwrites the weights.)
  std::vector<double> validation_probability;
  std::vector<double> thresholds;  // [L] of several labels, chosen in the selected epoch
  // The trial turned non-finite and left the pack; the error says where (epoch and step from 0).
  std::optional<TrialError> failure;
};
void archive(Archive& a, const std::string& prefix, LoopResult& result);

// All ranks of the team call. Afterwards the model holds each trial's selected weights, those of
// trials without a failure. A trial that ends, early or by a failure, changes no bit of the others;
// when half of a pack has ended, the rest goes on as a smaller pack (not where checkpoints are
// kept). Throws Interrupted after the first step before which `stopping` said so, CheckpointError
// before the first step.
std::vector<LoopResult> train_pack(Pack& pack, Collective& team, const Stopping& stopping);

}  // namespace emosweep::trainer
