#include "trainer/objective.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "base/error.h"
#include "trainer/loss_kernel.h"
#include "trainer/objective_kinds.h"

namespace emosweep::trainer {

void check_objective(const ObjectiveOptions& o, const ObjectiveOptions& first) {
  const auto need = [](bool good, const std::string& message) {
    if (!good) throw InputError(message);
  };
  need(o.loss == "cross_entropy" || o.loss == "focal",
       "loss: " + o.loss + " is unknown (cross_entropy, focal)");
  need(o.loss == first.loss, "the trials of a pack share one loss");
  need(o.loss_temperature > 0, "loss_temperature: a number above 0 is expected");
  need(o.focal_gamma >= 0, "focal_gamma: a number from 0 is expected");
  need(o.label_smoothing >= 0 && o.label_smoothing < 1, "label_smoothing: 0 <= e < 1 is expected");
  need(o.label_smoothing == 0 || o.loss == "cross_entropy",
       "label_smoothing: only cross_entropy has it");
  need(o.smoothing_weights == "per_class" || o.smoothing_weights == "of_target",
       "smoothing_weights: " + o.smoothing_weights + " is unknown (per_class, of_target)");
  need(
      o.weight_reduction.empty() || o.weight_reduction == "weights" || o.weight_reduction == "rows",
      "weight_reduction: " + o.weight_reduction + " is unknown (weights, rows)");
  need(o.class_weight_cap == 0 || o.class_weight_cap >= 1,
       "class_weight_cap: 0 or a number from 1 is expected");
  for (double w : o.weights) need(w >= 0, "class_weights: a number below 0");
}

bool divides_by_rows(const ObjectiveOptions& o) {
  return o.weight_reduction.empty() ? o.loss == "focal" : o.weight_reduction == "rows";
}

LossShape loss_shape(const ObjectiveOptions& o) {
  return {o.loss == "focal", o.focal_gamma, o.loss_temperature, o.label_smoothing,
          o.smoothing_weights == "of_target"};
}

double term_value(std::span<const double> sum, std::span<const double> count) {
  double total = 0;
  std::int64_t parts = 0;
  for (std::size_t p = 0; p < sum.size(); ++p) {
    if (!(count[p] > 0)) continue;
    total += sum[p] / count[p];
    ++parts;
  }
  return parts > 0 ? total / static_cast<double>(parts) : 0;
}

namespace {

void check(const ObjectiveOptions& o, const ObjectiveOptions& first, std::int64_t classes) {
  check_objective(o, first);
  if (o.class_weights == ClassWeights::list &&
      static_cast<std::int64_t>(o.weights.size()) != classes) {
    throw InputError("class_weights: " + std::to_string(o.weights.size()) + " numbers for " +
                     std::to_string(classes) + " classes");
  }
}

class ClassificationLoss final : public Objective, public RowLoss {
 public:
  ClassificationLoss(const TargetSpec& target, std::vector<ObjectiveOptions> options,
                     const at::Tensor& train_counts)
      : target_(target),
        options_(std::move(options)),
        classes_(train_counts.size(1)),
        train_counts_(train_counts.to(at::kCPU, at::kDouble).contiguous()),
        ones_(at::ones({train_counts.size(0)}, at::kDouble)) {
    EMO_CHECK(train_counts.size(0) == static_cast<std::int64_t>(options_.size()),
              "one row of class counts a trial");
    fixed_ = at::ones({train_counts.size(0), classes_}, at::kDouble);
    for (std::size_t k = 0; k < options_.size(); ++k) {
      const ObjectiveOptions& o = options_[k];
      check(o, options_[0], classes_);
      shape_.push_back(loss_shape(o));
      by_rows_.push_back(divides_by_rows(o));
      double* w = fixed_.mutable_data_ptr<double>() + static_cast<std::int64_t>(k) * classes_;
      const double* n =
          train_counts_.const_data_ptr<double>() + static_cast<std::int64_t>(k) * classes_;
      set_fixed_weights(o, n, w);
    }
  }

  std::vector<Term> terms(const data::Batch& batch, const models::Output& output,
                          const models::Step& step) override {
    const data::Targets& targets = batch.targets.at(0);
    LossRows rows;
    rows.shape = shape_;
    if (targets.value.defined())
      rows.value = targets.value.to(at::kDouble).contiguous();
    else
      rows.index = targets.index.contiguous();
    rows.weight = batch.weight.to(at::kDouble).contiguous();
    if (targets.known.defined()) rows.weight = rows.weight * targets.known.to(at::kDouble);

    // One collective a step: the counts of the global batch give batch weights and denominators.
    const at::Tensor counts = step.team.sum(class_counts(rows)).contiguous();
    rows.class_weights = class_weights(counts, step.train);
    const at::Tensor count = denominators(counts, rows.class_weights);
    return {{options_[0].loss, loss_sum(output.heads.at(0), rows), count, ones_}};
  }

  std::vector<models::Leaf>& state() override { return state_; }
  const TargetSpec& target() const override { return target_; }
  double temperature(std::size_t trial) const override {
    return options_.at(trial).loss_temperature;
  }
  RowLoss* rows() override { return this; }

  const std::string& name() const override { return options_[0].loss; }
  std::int64_t classes() const override { return classes_; }
  void count(const RowTargets& rows, double* counts) const override {
    for (std::int64_t r = 0; r < rows.rows; ++r) {
      if (rows.weight[r] == 0) continue;
      const std::int64_t target = rows.index[r];
      EMO_CHECK(target >= 0 && target < classes_, "a target is not a class index");
      counts[target] += rows.weight[r];
    }
  }
  RowTerm loss(std::size_t trial, const RowTargets& rows, const double* counts, const float* logits,
               float* gradient) override {
    return row_term(trial, rows, counts, logits, gradient);
  }
  RowTerm loss(std::size_t trial, const RowTargets& rows, const double* counts,
               const double* logits, double* gradient) override {
    return row_term(trial, rows, counts, logits, gradient);
  }

  std::unique_ptr<Objective> select(std::span<const std::int64_t> trials) const override {
    std::vector<ObjectiveOptions> options;
    std::vector<at::Tensor> counts;
    for (const std::int64_t k : trials) {
      options.push_back(options_.at(static_cast<std::size_t>(k)));
      counts.push_back(train_counts_[k]);
    }
    return std::make_unique<ClassificationLoss>(target_, std::move(options), at::stack(counts));
  }

 private:
  template <typename T>
  RowTerm row_term(std::size_t k, const RowTargets& rows, const double* counts, const T* logits,
                   T* gradient) {
    const double* weights =
        fixed_.const_data_ptr<double>() + static_cast<std::int64_t>(k) * classes_;
    const std::int64_t need = loss_scratch(rows.rows, classes_);
    scratch_.resize(static_cast<std::size_t>(need + classes_));
    if (options_[k].class_weights == ClassWeights::batch) {
      set_batch_weights(counts, scratch_.data() + need);
      weights = scratch_.data() + need;
    }
    const TrialRows trial{rows.rows, classes_, rows.weight, rows.index, nullptr, weights};
    return {trial_loss(logits, trial, shape_[k], scratch_.data(), gradient),
            denominator(k, counts, weights)};
  }

  void set_fixed_weights(const ObjectiveOptions& o, const double* counts, double* w) const {
    if (o.class_weights == ClassWeights::list) std::copy(o.weights.begin(), o.weights.end(), w);
    if (o.class_weights != ClassWeights::balanced) return;
    const std::vector<double> balanced =
        balanced_weights({counts, counts + classes_}, o.class_weight_cap);
    std::copy(balanced.begin(), balanced.end(), w);
  }

  at::Tensor class_counts(const LossRows& rows) const {  // [K,C] of this rank's rows
    const std::int64_t K = rows.weight.size(0), b = rows.weight.size(1);
    at::Tensor counts = at::zeros({K, classes_}, at::kDouble);
    double* n = counts.mutable_data_ptr<double>();
    const double* weight = rows.weight.const_data_ptr<double>();
    for (std::int64_t k = 0; !rows.value.defined() && k < K; ++k) {
      count({b, rows.index.const_data_ptr<std::int64_t>() + k * b, weight + k * b},
            n + k * classes_);
    }
    for (std::int64_t r = 0; rows.value.defined() && r < K * b; ++r) {
      if (weight[r] == 0) continue;
      const double* soft = rows.value.const_data_ptr<double>() + r * classes_;
      for (std::int64_t c = 0; c < classes_; ++c) n[r / b * classes_ + c] += weight[r] * soft[c];
    }
    return counts;
  }

  void set_batch_weights(const double* n, double* w) const {
    double total = 0;
    for (std::int64_t c = 0; c < classes_; ++c) {
      w[c] = 1 / ((n[c] > 0 ? n[c] : 1.0) + 0.1);
      total += w[c];
    }
    for (std::int64_t c = 0; c < classes_; ++c) w[c] /= total;
  }

  // Batch weights exist in training only: in validation they would make the loss depend on how rows
  // fall into batches.
  at::Tensor class_weights(const at::Tensor& counts, bool train) const {
    at::Tensor weights = fixed_;
    for (std::size_t k = 0; train && k < options_.size(); ++k) {
      if (options_[k].class_weights != ClassWeights::batch) continue;
      if (weights.is_same(fixed_)) weights = fixed_.clone();
      const std::int64_t row = static_cast<std::int64_t>(k) * classes_;
      set_batch_weights(counts.const_data_ptr<double>() + row,
                        weights.mutable_data_ptr<double>() + row);
    }
    return weights;
  }

  double denominator(std::size_t k, const double* counts, const double* weights) const {
    double total = 0;
    for (std::int64_t c = 0; c < classes_; ++c) {
      total += by_rows_[k] ? counts[c] : counts[c] * weights[c];
    }
    return total;
  }

  at::Tensor denominators(const at::Tensor& counts, const at::Tensor& weights) const {  // [K]
    const std::int64_t K = counts.size(0);
    at::Tensor result = at::empty({K}, at::kDouble);
    for (std::int64_t k = 0; k < K; ++k) {
      result.mutable_data_ptr<double>()[k] =
          denominator(static_cast<std::size_t>(k), counts.const_data_ptr<double>() + k * classes_,
                      weights.const_data_ptr<double>() + k * classes_);
    }
    return result;
  }

  TargetSpec target_;
  std::vector<ObjectiveOptions> options_;
  std::int64_t classes_;
  at::Tensor train_counts_;  // [K,C]
  at::Tensor ones_, fixed_;  // [K], [K,C]: weights none | balanced | list, 1 for batch
  std::vector<LossShape> shape_;
  std::vector<bool> by_rows_;
  std::vector<double> scratch_;
  std::vector<models::Leaf> state_;
};

}  // namespace

std::vector<double> balanced_weights(const std::vector<double>& counts, double cap) {
  double total = 0;
  for (const double count : counts) total += count;
  // A class without training rows counts 1: it stands in no training target, but smoothing and
  // validation may meet it.
  std::vector<double> weights;
  for (const double count : counts) {
    weights.push_back(total / (static_cast<double>(counts.size()) * std::max(count, 1.0)));
  }
  if (cap <= 0) return weights;
  const double most = cap * *std::min_element(weights.begin(), weights.end());
  for (double& weight : weights) weight = std::min(weight, most);
  return weights;
}

std::unique_ptr<Objective> make_objective(const std::vector<ObjectiveOptions>& options,
                                          const at::Tensor& train_counts, at::ScalarType) {
  TargetSpec target;  // of classes without names
  target.classes.resize(static_cast<std::size_t>(train_counts.size(1)));
  return std::make_unique<ClassificationLoss>(target, options, train_counts);
}

std::unique_ptr<Objective> make_objective(const TargetSpec& target,
                                          const std::vector<ObjectiveOptions>& options,
                                          const at::Tensor& train_counts, at::ScalarType) {
  switch (target.kind) {
    case TargetKind::single:
      break;
    case TargetKind::multi:
    case TargetKind::aspects:
      return make_block_objective(target, options, train_counts);
    case TargetKind::regression:
      return make_value_objective(target, options);
  }
  return std::make_unique<ClassificationLoss>(target, options, train_counts);
}

}  // namespace emosweep::trainer
