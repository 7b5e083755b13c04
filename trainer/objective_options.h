// Options of the objectives of every kind of target.
#pragma once

#include <string>
#include <vector>

namespace emosweep::trainer {

enum class ClassWeights { none, balanced, batch, list };

struct ObjectiveOptions {
  // cross_entropy | focal of classes and labels (of several labels a row their binary forms); mse |
  // ccc of values.
  std::string loss = "cross_entropy";
  double focal_gamma = 2.0;
  double loss_temperature = 1.0;  // T divides the logits before the log-softmax, in both losses
  // balanced: n / (C * count) of the training rows (of each aspect, its known ones); of several
  // labels a row the weight of presence, (n - count) / count. batch: 1 / (count + 0.1) over the
  // global batch, absent classes count 1, sum 1; of single labels only.
  ClassWeights class_weights = ClassWeights::none;
  // balanced: no weight is above so many times the smallest (of several labels: above that of
  // absence, which is 1); 0: off
  double class_weight_cap = 0;
  std::vector<double> weights;   // of list: [C] single, [L] of presence, aspects [C] or [A, C]
  std::string weight_reduction;  // weights: divide by the sum of class weights; rows: by rows.
                                 // default: cross_entropy weights, focal rows
  double label_smoothing = 0;    // in [0, 1); cross_entropy
  std::string smoothing_weights = "per_class";  // per_class (PyTorch's) | of_target
  // Of aspects: loss = focal_weight * (cross_entropy or focal) + contrastive_weight * contrastive.
  double focal_weight = 1;
  double contrastive_weight = 0;        // 0: the term is left out
  double contrastive_temperature = .1;  // divides cosines
};

}  // namespace emosweep::trainer
