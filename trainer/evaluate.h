// Validation, test and prediction: forward passes without dropout over rows in batches of one fixed
// shape.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/batch.h"
#include "models/model.h"
#include "results/metrics.h"
#include "trainer/objective.h"

namespace emosweep::trainer {

// Whatever the batch size of training: a row's logits must not depend on the trial that asks, nor
// on how many rows are asked.
inline constexpr std::int64_t kEvaluationRows = 32;

// Rows of every trial of a pack in evaluation batches, padded with weight 0. Made once, used every
// epoch.
struct EvaluationRows {
  std::vector<data::Batch> batches;
  std::vector<std::int64_t> rows;  // [K] how many of the batches' rows are real, from the first on
};
EvaluationRows evaluation_rows(std::span<const data::FoldTensors* const> folds,
                               std::span<const std::vector<std::int64_t>> rows);

struct Evaluation {
  results::Confusion confusion;
  double loss = 0;                      // NaN without rows and where a logit is not finite
  std::vector<std::int32_t> predicted;  // [n] argmax of the logits, the first of equals
  std::vector<float> probability;       // [n, C] softmax(logits / T); filled where asked for
};

// The batches are dealt over the ranks of the team, and every rank gets the same evaluation, bit
// for bit that of a team of one: sums are added in the order of the batches. temperature: [K] for
// the probabilities; {} = none are kept. Objective: the same as in training, but batch class
// weights count as 1 (they are defined for batches of training only).
std::vector<Evaluation> evaluate(models::Model& model, Objective& objective,
                                 const EvaluationRows& rows, std::span<const StreamKey> keys,
                                 Collective& team, std::span<const double> temperature = {});

// softmax(z / T) of one row in float64, rounded to float: the one definition for records and
// predictions.
void softmax_row(std::span<const double> z, double temperature, float* probability);

}  // namespace emosweep::trainer
