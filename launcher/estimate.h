// What trials will cost, before any of them has run: time, memory, disk.
#pragma once

#include <cstdint>

#include "data/dataset.h"
#include "data/splits.h"
#include "launcher/plan.h"
#include "trainer/trial.h"

namespace emosweep::launcher {

// All constants of the estimate, so that one measurement can replace them. Another machine may
// differ by a factor of two. Seconds of a step are those of bench/run packs on one core of an AMD
// EPYC with AVX-512 (docs/packs.md), LibTorch 2.11; the rest is of configs/quickstart.yaml,
// ravdess_av.yaml and mosi.yaml on a shared x86-64 server.
struct CostModel {
  // Seconds of one training step with torch's kernels: dispatch and autograd, once for all trials
  // of a pack; then, of each trial, what models/work.h counts.
  double step = 50e-6;
  double step_per_modality = 45e-6;
  double flops_per_second = 85e9;  // of products, float32; float64 half of it
  double value = 0.7e-9;           // of a row: made, masked, normalised, and its gradient
  double weight = 0.9e-9;          // its optimiser, its gradient's norm
  // The same with fused kernels, where each trial has all of it for itself.
  double fused_step = 5e-6;
  double fused_flops_per_second = 100e9;
  double fused_value = 0.4e-9;
  double fused_weight = 0.4e-9;
  // On a GPU: resnet18 and small_cnn in batches of 16 on an H100, one rank.
  double gpu_step = 1.6e-3;
  double gpu_flops_per_second = 20e12;
  double gpu_trial = 0.1;             // preparing, committing
  double collective = 0.15e-3;        // of a team, in a step: counts, losses, gradient
  double reduced_per_second = 0.5e9;  // bytes of a gradient that a team sums
  double evaluation_share = 0.4;      // an evaluation batch relative to a training step
  double evaluation_rows = 32;        // rows of one evaluation batch
  double refit_share = 0.4;    // of the epochs that the refit trains, where an epoch is selected
  double patience_epochs = 3;  // epochs run with early stopping, in units of patience
  double trial = 2e-3;         // preparing, committing
  // The linear model: passes of its solver over the rows.
  double linear_passes = 60;
  double linear_flops_per_second = 6e9;
  // Bytes of memory.
  double process = 168e6;            // LibTorch, MPI and HDF5 loaded
  double values_copies = 3;          // of the dataset's values: the table, a fold in preparation
  double folds_kept = 256e6;         // of prepared folds between trials, trainer/fold_cache.h
  double folds_copies = 1.9;         // of prepared folds: what lies between them in the heap
  double weights_copies = 6;         // weights, gradient, two moments, best, scratch
  double activations_copies = 1.25;  // of what models/work.h counts: with gradients and scratch
  double plan_trial = 400;           // a trial in the plan and in plan.json while it is built
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
// Peak of one rank that trains the plan's packs as large as they may be.
double memory_bytes(const Plan& plan, const CostModel& model = {});
// Everything of a plan but its trials' costs, which are already in it.
Estimate estimate(const Plan& plan, const CostModel& model = {});
// The makespan of the plan's trials on so many ranks.
double wall_seconds(const Plan& plan, int ranks);

}  // namespace emosweep::launcher
