// Value and gradient of the single-label losses in one pass over the logits: one node in the
// autograd graph.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace emosweep::trainer {

// Of one trial.
struct LossShape {
  bool focal = false;
  double gamma = 0;                // focal
  double temperature = 1;          // T > 0
  double smoothing = 0;            // e in [0, 1)
  bool weights_of_target = false;  // smoothing: a row's target weighs the whole row
};

// What the rows are compared with. All on the CPU, contiguous.
struct LossRows {
  at::Tensor index;  // [K,b] int64, or
  at::Tensor value;  // [K,b,C] float64: soft targets, each row sums to 1
  at::Tensor
      weight;  // [K,b] float64; a row of weight 0 is not looked at, its logits may be anything
  at::Tensor class_weights;      // [K,C] float64
  std::vector<LossShape> shape;  // [K]
};

// Sums over the rows, [K] float64, differentiable with respect to logits [K,b,C] (float32 or
// float64, CPU). With t the target distribution (one-hot, or soft), l = log_softmax(z / T), p =
// exp(l), w the class weights:
//   cross entropy   t' = (1 - e) t + e / C;  sum_c w_c t'_c (-l_c)              per class
//                   (sum_c w_c t_c) sum_c t'_c (-l_c)                           weights_of_target
//   focal           sum_c w_c t_c (1 - p_c)^gamma (-l_c)
// Arithmetic is float64 whatever the logits are: it costs nothing beside the exponentials.
at::Tensor loss_sum(const at::Tensor& logits, const LossRows& rows);

// The rows of one trial in plain memory.
struct TrialRows {
  std::int64_t rows = 0, classes = 0;
  const double* weight = nullptr;         // [rows]
  const std::int64_t* index = nullptr;    // [rows], or
  const double* value = nullptr;          // [rows, classes]
  const double* class_weights = nullptr;  // [classes]
};

constexpr std::int64_t loss_scratch(std::int64_t rows, std::int64_t classes) {
  return rows * (classes + 1) + 2 * classes;
}

// The same for one trial, without a graph. gradient [rows, classes]: of the sum with respect to the
// logits, overwritten; null: not wanted. scratch: loss_scratch() numbers. T is float or double. A
// row's part has the same bits wherever it stands and whatever the processor is.
template <typename T>
double trial_loss(const T* logits, const TrialRows& rows, const LossShape& shape, double* scratch,
                  T* gradient);

}  // namespace emosweep::trainer
