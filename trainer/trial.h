// From one planned trial to its record: what the launcher fills in and what comes back.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/collective.h"
#include "base/error.h"
#include "base/hash.h"
#include "data/features.h"
#include "data/splits.h"
#include "models/model.h"
#include "results/record.h"
#include "trainer/curriculum.h"
#include "trainer/objective_options.h"

namespace emosweep::trainer {

struct OptimizerOptions {
  std::string optimizer = "adamw";  // adamw | adam | sgd
  double lr = 1e-3;
  double weight_decay = 0.01;         // adamw: decoupled; adam, sgd: added to the gradient
  double momentum = 0;                // sgd
  std::string schedule = "constant";  // constant | cosine | linear (to 0 at the end)
  std::int64_t warmup_steps = 0;      // linear, see schedule.h; counted in steps, or
  double warmup_epochs = 0;           // in epochs; one of the two
  double clip_norm = 0;               // of the whole gradient; 0 = off
};

struct LoopOptions {
  std::int64_t epochs = 50;
  std::int64_t batch_size = 32;  // global
  std::int64_t patience = 0;     // epochs without a better selection metric; 0 = no early stopping
  std::string selection_metric = "loss";  // loss | accuracy | macro_f1 | weighted_f1 | uar | last
  double dropout = 0.3;
  double ema_decay = 0;  // of the moving average of the weights (weight_average.h); 0 = off
  CurriculumOptions curriculum;
  // An epoch has as many rows as the training part, drawn so that all classes are equally likely.
  bool balanced_sampler = false;
  // Retrain on train + validation for the selected number of epochs before testing.
  bool refit = false;
};

struct LinearOptions {
  double C = 1;        // inverse strength of the L2 penalty, as scikit-learn's LogisticRegression
  bool refit = false;  // fit on train + validation
};

struct TrialSpec {
  Digest id;
  std::string canonical;
  std::uint64_t seed = 0;
  const data::Dataset* dataset = nullptr;
  const data::Fold* fold = nullptr;
  data::PrepareOptions prepare;
  models::ModelOptions model;
  // Of image networks: a safetensors file whose weights training starts from (models/pretrained.h);
  // "" = none. What it holds is checked when the plan is made.
  std::filesystem::path pretrained;
  bool random_encoder = false;  // of transformer: prepare.encoder gives no weights
  ObjectiveOptions objective;
  OptimizerOptions optimizer;
  LoopOptions loop;
  LinearOptions linear;
  data::AugmentOptions augment;         // of recordings
  std::string predictions = "all";      // all | labels | none
  bool validation_predictions = false;  // keep the probabilities of validation rows too
  bool save_models = false;
};

// Of trials that take long. Affects how much is lost when one is interrupted, and no result.
struct CheckpointOptions {
  std::filesystem::path folder;  // a folder per trial is made here; "" = no checkpoints
  // The first is written after so many seconds of a trial, then one in at least so many seconds,
  // and when a trial that took as long is interrupted. Written less often where it would take more
  // than 2.5 % of the time.
  double after_seconds = 60;
  // Rank 0 of the team tells from where a trial is resumed, and (trouble) why a checkpoint is not
  // used or not written.
  std::function<void(const std::string& what, bool trouble)> tell;
};

// Called on rank 0 of the team when a trial of a network has trained an epoch: its place among the
// specs, the curves up to this epoch (LoopResult), and how long the epoch took, for all trials of
// the pack together. A refit, whose curves have no validation, begins anew.
struct ToldEpoch {
  const std::vector<results::Curve>& curves;
  double seconds = 0;
  bool refit = false;
};
using TellEpoch = std::function<void(std::size_t trial, const ToldEpoch& epoch)>;

struct Trained {
  // id, canonical, result; provenance: steps, and the seconds spent before this process went on
  // from a checkpoint
  results::TrialRecord record;
  // Where save_models asks for it: safetensors with the JSON of model_file.h in its metadata.
  std::optional<std::vector<std::uint8_t>> weights;
};

// Asked once per step; true on any rank of the team = all leave after this step (signal, time
// limit). train_trials then throws Interrupted.
using Stopping = std::function<bool()>;
struct Interrupted {};

// Feature tensors of folds, kept between trials of one rank (bounded by bytes). Not thread-safe:
// one per rank.
class FoldCache;

// How a trial of a pack ended: with a record, or it turned non-finite by itself.
using TrialOutcome = std::variant<Trained, TrialError>;
Trained trained_or_throw(TrialOutcome outcome);

// What trials must have in common to be trained as one pack, as text: data, model sizes, dtype,
// batch size, epochs, steps an epoch, and which optimiser and loss; all else is each trial's own.
// spec.fold is not looked at. "" for trials that are always alone: linear models, image networks,
// and large layers with a hidden_size that is no multiple of 16.
std::string pack_shape(const TrialSpec& spec, const data::Fold& fold);

// Trains one pack (K = specs.size(), of one pack_shape) in this team, evaluates the test parts
// once, returns the outcomes in order. A trial's outcome is bit for bit what it is alone, whatever
// else is in the pack and however that ends; in teams of three ranks or more up to rounding, as
// they sum in an order that follows places in the pack. All ranks of the team call with the same
// specs and get the same results; what they find by themselves (a signal, a loss that is not
// finite) they agree on. Throws Interrupted, or what ends the pack as a whole: TrialError,
// std::bad_alloc, std::exception. A single network with a usable checkpoint goes on from there, to
// the same bits on the same number of ranks; linear models are done in seconds and have none, nor
// have packs of several trials. The caller removes a trial's checkpoints.
std::vector<TrialOutcome> train_trials(std::span<const TrialSpec> specs, FoldCache& cache,
                                       Collective& team, const Stopping& stopping,
                                       const CheckpointOptions& checkpoints = {},
                                       const TellEpoch& tell_epoch = {});

}  // namespace emosweep::trainer
