// What trials will cost, before any of them has run: time, memory, disk.
#pragma once

#include <cstdint>

#include "data/dataset.h"
#include "data/splits.h"
#include "launcher/plan.h"
#include "trainer/trial.h"

namespace emosweep::launcher {

// Measured on one core at 2.x GHz with AVX-512, LibTorch 2.11; another machine may differ by a
// factor of two. All constants of the estimate stand here, so that one measurement can replace
// them.
struct CostModel {
  // Seconds of one training step: dispatch and autograd, which small models spend most in, plus
  // arithmetic.
  double step = 0.45e-3;
  double step_per_modality = 0.17e-3;
  double step_per_attending_modality = 1.25e-3;
  double flops_per_second = 40e9;  // float32; float64 half of it
  double evaluation_share = 0.3;   // an evaluation batch relative to a training step
  double evaluation_rows = 256;    // rows of one evaluation batch
  double refit_share = 0.6;    // of the epochs that the refit trains, where an epoch is selected
  double patience_epochs = 3;  // epochs run with early stopping, in units of patience
  double trial = 4e-3;         // preparing, committing
  // The linear model: passes of its solver over the rows.
  double linear_passes = 150;
  double linear_flops_per_second = 4e9;
  // Bytes.
  double process = 450e6;     // LibTorch, MPI and HDF5 loaded
  double values_copies = 4;   // of the dataset's values: the table, its folds' tensors
  double weights_copies = 8;  // weights, gradient, two moments, best, scratch
  double plan_trial = 400;    // a trial in the plan and in plan.json while it is built
  double record = 20e3;       // an empty record with its datasets' chunks
  double summary_trial = 2e3;
  double prediction = 24;  // of one test row, without probabilities; in record and summary
  double curve_epoch = 12 * 8;
};

// CPU seconds of one trial on one core. spec.dataset and sizes are used, its fold is `fold`.
double trial_seconds(const trainer::TrialSpec& spec, const data::Fold& fold,
                     const CostModel& model = {});
// Everything of a plan but its trials' costs, which are already in it.
Estimate estimate(const Plan& plan, const CostModel& model = {});
// The makespan of the plan's trials on so many ranks.
double wall_seconds(const Plan& plan, int ranks);

}  // namespace emosweep::launcher
