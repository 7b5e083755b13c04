// Options of the objectives of single-label classification.
#pragma once

#include <string>
#include <vector>

namespace emosweep::trainer {

enum class ClassWeights { none, balanced, batch, list };

struct ObjectiveOptions {
  std::string loss = "cross_entropy";  // cross_entropy | focal
  double focal_gamma = 2.0;
  double loss_temperature = 1.0;  // T divides the logits before the log-softmax, in both losses
  ClassWeights class_weights = ClassWeights::none;  // balanced: n / (C * count) of the training
                                                    // rows; batch: 1 / (count + 0.1) over the
                                                    // global batch, absent classes count 1, sum 1
  double class_weight_cap = 0;   // balanced: no weight is above so many times the smallest; 0: off
  std::vector<double> weights;   // of list, [C]
  std::string weight_reduction;  // weights: divide by the sum of class weights; rows: by rows.
                                 // default: cross_entropy weights, focal rows
  double label_smoothing = 0;    // in [0, 1); cross_entropy
  std::string smoothing_weights = "per_class";  // per_class (PyTorch's) | of_target
};

}  // namespace emosweep::trainer
