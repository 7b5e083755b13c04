// `model: linear`: L2-regularised multinomial logistic regression to convergence, in float64.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "base/collective.h"
#include "data/batch.h"
#include "trainer/objective_options.h"
#include "trainer/trial.h"

namespace emosweep::trainer {

struct LinearModel {
  at::Tensor weight,
      bias;  // [C,D], [C] float64; a class without training rows has weight 0 and bias -inf
  std::int64_t iterations = 0;
  double gradient = 0;  // largest absolute element of the objective's gradient at the end
};

// Minimises, as scikit-learn's LogisticRegression (solver lbfgs) does,
//   C * sum_i w_i * (-log p_i[y_i]) + 0.5 * ||W||^2        p_i = softmax(W x_i + b), the bias is
//   not penalised
// until no element of the gradient exceeds 1e-6 * max(1, C * sum_i w_i). With two classes
// scikit-learn penalises the one row v = W_1 - W_0 by 0.5 * ||v||^2, which is ||W||^2 here: C
// counts half. Class weights: none | list | balanced, the last n / (present classes * count), as
// there. x: [n,D] float64; label: [n]. TrialError where 1000 iterations do not suffice;
// Interrupted at the evaluation at which `stopping` says true on any rank of the team. Collective:
// each rank evaluates its share of the rows; all get the same model.
LinearModel fit_linear(const at::Tensor& x, std::span<const std::int64_t> label,
                       std::int64_t classes, double C, const ObjectiveOptions& weights,
                       Collective& team, const Stopping& stopping = {});

// The prepared features of all inputs side by side (absent modalities are 0): [rows, sum of
// widths].
at::Tensor side_by_side(const data::FoldTensors& fold, std::span<const std::int32_t> rows);

// W x + b, [n,C], each row by plain loops: a row's bits do not depend on the rows beside it.
std::vector<double> linear_logits(const LinearModel& model, const at::Tensor& x);

}  // namespace emosweep::trainer
