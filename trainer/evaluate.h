// Validation, test and prediction: forward passes without dropout over rows in batches of one fixed
// shape.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/batch.h"
#include "models/model.h"
#include "results/metrics.h"
#include "results/record.h"
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
  // Of recordings, whose other windows are cut when a batch is evaluated; outlives this.
  const data::FoldTensors* recordings = nullptr;
};
EvaluationRows evaluation_rows(std::span<const data::FoldTensors* const> folds,
                               std::span<const std::vector<std::int64_t>> rows);

// o, w: target_outputs and target_width (base/target.h).
struct Evaluation {
  results::Confusion confusion;
  double loss = 0;              // NaN without rows and where a logit is not finite
  results::NamedValues terms;   // of the loss, without their weights
  results::NamedValues scores;  // named_scores (results/metrics.h), of several labels also
                                // subset_accuracy and jaccard
  // [n, o] argmax of the logits, the first of equals; of several labels probability >= threshold
  std::vector<std::int32_t> predicted;
  std::vector<float> probability;  // [n, w] of logits / T; filled where asked for
  std::vector<double> value;       // [n, o] of regression, which has neither
  std::vector<double> thresholds;  // [o] of several labels
};

struct EvaluationOptions {
  bool probabilities = false;  // keep them
  // Of several labels: [K], each [o] or empty: chosen on these very rows, for which they must be
  // those of validation.
  std::span<const std::vector<double>> thresholds = {};
};

// The batches are dealt over the ranks of the team, and every rank gets the same evaluation, bit
// for bit that of a team of one: sums are added in the order of the batches. Objective: the same as
// in training, but batch class weights count as 1 (they are defined for batches of training only),
// and a contrastive term compares the rows of an evaluation batch.
std::vector<Evaluation> evaluate(models::Model& model, Objective& objective,
                                 const EvaluationRows& rows, std::span<const StreamKey> keys,
                                 Collective& team, const EvaluationOptions& options = {});

// Numbers that a model gives of one row (target_width) as probabilities: softmax(z / T), of every
// aspect; of several labels the sigmoid. In float64, rounded to float: the one definition for
// records and predictions. Not of regression.
void probabilities_row(const TargetSpec& target, std::span<const double> z, double temperature,
                       float* probability);
// What is predicted of one row, target_outputs numbers: the place of the greatest of each block; of
// several labels 1 where probability >= threshold, for which both are needed.
void predict_row(const TargetSpec& target, std::span<const double> z,
                 std::span<const float> probability, std::span<const double> thresholds,
                 std::int32_t* predicted);
// softmax(z / T) of one row.
void softmax_row(std::span<const double> z, double temperature, float* probability);

}  // namespace emosweep::trainer
