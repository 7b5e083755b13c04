// What trials will cost, before any of them has run: time, memory, disk.
#pragma once

#include <cstdint>

#include "data/dataset.h"
#include "data/splits.h"
#include "launcher/plan.h"
#include "trainer/trial.h"

namespace emosweep::launcher {

// All constants of the estimate, so that one measurement can replace them: seconds and bytes of
// configs/quickstart.yaml, ravdess_av.yaml and mosi.yaml on one core of a shared x86-64 server,
// LibTorch 2.11. Another machine may differ by a factor of two.
struct CostModel {
  // Seconds of one training step: dispatch and autograd, which small models spend most in, plus
  // arithmetic.
  double step = 0.15e-3;
  double step_per_modality = 0.15e-3;
  double step_per_attending_modality = 0.6e-3;
  // Of the three above, what every trial of a pack costs anew: its rows are gathered, its masks
  // drawn, its weights updated. The rest is spent once a pack.
  double packed_share = 0.12;
  double fused_step = 12e-6;  // with fused kernels, instead of the three above
  double fused_step_per_modality = 4e-6;
  double collective = 0.15e-3;        // of a team, in a step: counts, losses, gradient
  double reduced_per_second = 0.5e9;  // bytes of a gradient that a team sums
  double flops_per_second = 40e9;     // float32; float64 half of it
  double evaluation_share = 0.4;      // an evaluation batch relative to a training step
  double evaluation_rows = 32;        // rows of one evaluation batch
  double refit_share = 0.4;    // of the epochs that the refit trains, where an epoch is selected
  double patience_epochs = 3;  // epochs run with early stopping, in units of patience
  double trial = 2e-3;         // preparing, committing
  // The linear model: passes of its solver over the rows.
  double linear_passes = 60;
  double linear_flops_per_second = 6e9;
  // Bytes of memory.
  double process = 175e6;     // LibTorch, MPI and HDF5 loaded, activations of small models
  double values_copies = 4;   // of the dataset's values: the table, its folds' tensors
  double weights_copies = 8;  // weights, gradient, two moments, best, scratch
  double plan_trial = 400;    // a trial in the plan and in plan.json while it is built
  // Bytes of disk.
  double record = 6e3;           // an empty record
  double summary_trial = 3.5e3;  // a trial's rows in summary.h5, plan.json, timing.csv and the logs
  double prediction = 24;        // of one test row, without probabilities; in record and summary
  double curve_epoch = 12 * 8;
  double sample = 200;  // a row of the sample table; in samples/ and summary
};

// Seconds of one trial on a team of so many ranks: its share where so many trials are trained as
// one pack. spec.dataset and sizes are used, its fold is `fold`.
double trial_seconds(const trainer::TrialSpec& spec, const data::Fold& fold, int ranks = 1,
                     std::int64_t pack = 1, const CostModel& model = {});
// Everything of a plan but its trials' costs, which are already in it.
Estimate estimate(const Plan& plan, const CostModel& model = {});
// The makespan of the plan's trials on so many ranks.
double wall_seconds(const Plan& plan, int ranks);

}  // namespace emosweep::launcher
