// Several labels a row and aspects: every block, a label or an aspect, is a classification of its
// own, computed by the kernel of single labels. A label is one of two classes, absent and present,
// with logits 0 and z: the softmax of these is the sigmoid of z.
#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "trainer/contrastive.h"
#include "trainer/objective_kinds.h"

namespace emosweep::trainer {
namespace {

void need(bool good, const std::string& message) {
  if (!good) throw InputError(message);
}

// [C] of one block, from its training rows' counts [C] or a list.
std::vector<double> block_weights(const TargetSpec& target, const ObjectiveOptions& o,
                                  std::size_t block, const std::vector<double>& counts) {
  const std::size_t C = counts.size();
  std::vector<double> weights(C, 1);
  const bool multi = target.kind == TargetKind::multi;
  if (o.class_weights == ClassWeights::list) {
    if (multi) return {1, o.weights.at(block)};
    const std::size_t first = o.weights.size() == C ? 0 : block * C;
    std::copy_n(o.weights.begin() + static_cast<std::ptrdiff_t>(first), C, weights.begin());
  } else if (o.class_weights == ClassWeights::balanced && multi) {
    weights[1] = counts[0] / std::max(counts[1], 1.0);
    if (o.class_weight_cap > 0) weights[1] = std::min(weights[1], o.class_weight_cap);
  } else if (o.class_weights == ClassWeights::balanced) {
    // An aspect without known rows has no balance to keep.
    if (std::accumulate(counts.begin(), counts.end(), 0.0) > 0)
      weights = balanced_weights(counts, o.class_weight_cap);
  }
  return weights;
}

class BlockLoss final : public Objective {
 public:
  BlockLoss(const TargetSpec& target, std::vector<ObjectiveOptions> options,
            const at::Tensor& train_counts)
      : target_(target),
        options_(std::move(options)),
        G_(target_blocks(target)),
        C_(block_classes(target)),
        train_counts_(train_counts.to(at::kCPU, at::kDouble).contiguous()) {
    const auto K = static_cast<std::int64_t>(options_.size());
    EMO_CHECK(train_counts_.size(0) == K && train_counts_.size(1) == G_ * C_,
              "one row of counts a trial: every class of every block");
    weights_ = at::ones({K * G_, C_}, at::kDouble);
    term_weight_ = at::ones({K}, at::kDouble);
    contrastive_weight_ = at::zeros({K}, at::kDouble);
    for (std::int64_t k = 0; k < K; ++k) {
      const ObjectiveOptions& o = options_[static_cast<std::size_t>(k)];
      check(o);
      set_weights(k);
      shape_.insert(shape_.end(), static_cast<std::size_t>(G_), loss_shape(o));
      term_weight_[k] = o.focal_weight;
      contrastive_weight_[k] = o.contrastive_weight;
      temperatures_.push_back(o.contrastive_temperature);
      contrasts_ = contrasts_ || o.contrastive_weight > 0;
    }
  }

  std::vector<Term> terms(const data::Batch& batch, const models::Output& output,
                          const models::Step& step) override {
    const LossRows rows = loss_rows(batch);
    const std::int64_t K = batch.weight.size(0);
    const at::Tensor counts = step.team.sum(class_counts(rows)).contiguous();
    const at::Tensor sum = loss_sum(block_logits(output.heads.at(0)), rows).view({K, G_});
    std::vector<Term> terms{{options_[0].loss, sum, denominators(counts, K), term_weight_}};
    if (contrasts_) {
      terms.push_back(contrastive_term(
          {output.embedding, batch.targets.at(0).index, batch.weight, neutral_class(target_)},
          temperatures_, step.team));
      terms.back().weight = contrastive_weight_;
    }
    return terms;
  }

  std::vector<models::Leaf>& state() override { return state_; }
  const TargetSpec& target() const override { return target_; }
  double temperature(std::size_t trial) const override {
    return options_.at(trial).loss_temperature;
  }

  std::unique_ptr<Objective> select(std::span<const std::int64_t> trials) const override {
    std::vector<ObjectiveOptions> options;
    std::vector<at::Tensor> counts;
    for (const std::int64_t k : trials) {
      options.push_back(options_.at(static_cast<std::size_t>(k)));
      counts.push_back(train_counts_[k]);
    }
    return std::make_unique<BlockLoss>(target_, std::move(options), at::stack(counts));
  }

 private:
  bool multi() const { return target_.kind == TargetKind::multi; }

  void check(const ObjectiveOptions& o) const {
    check_objective(o, options_[0]);
    need(o.class_weights != ClassWeights::batch,
         "class_weights: batch weighs the classes of single labels");
    need(!multi() || o.weight_reduction != "weights",
         "weight_reduction: several labels a row are averaged over rows and labels; write rows");
    const auto n = static_cast<std::int64_t>(o.weights.size());
    need(o.class_weights != ClassWeights::list || (multi() ? n == G_ : n == C_ || n == G_ * C_),
         "class_weights: " + std::to_string(n) + " numbers; expected " +
             (multi() ? std::to_string(G_) + ", one a label"
                      : std::to_string(C_) + ", one a class, or " + std::to_string(G_ * C_) +
                            ", of every class of every aspect"));
    need(o.focal_weight >= 0 && o.contrastive_weight >= 0,
         "focal_weight, contrastive_weight: a number from 0 is expected");
    need(o.contrastive_temperature > 0, "contrastive_temperature: a number above 0 is expected");
    need(!multi() || o.contrastive_weight == 0,
         "contrastive_weight: the contrastive term compares the aspects of rows");
    need((o.contrastive_weight > 0) == (options_[0].contrastive_weight > 0),
         "the trials of a pack have the same terms");
  }

  void set_weights(std::int64_t k) {
    for (std::int64_t g = 0; g < G_; ++g) {
      const double* n = train_counts_.const_data_ptr<double>() + (k * G_ + g) * C_;
      const std::vector<double> own = block_weights(target_, options_[static_cast<std::size_t>(k)],
                                                    static_cast<std::size_t>(g), {n, n + C_});
      std::copy(own.begin(), own.end(), weights_.mutable_data_ptr<double>() + (k * G_ + g) * C_);
    }
  }

  // [K,b,width] -> [K * G, b, C].
  at::Tensor block_logits(const at::Tensor& head) const {
    const std::int64_t K = head.size(0), b = head.size(1);
    const at::Tensor z =
        multi() ? at::stack({at::zeros_like(head), head}, 3) : head.reshape({K, b, G_, C_});
    return z.permute({0, 2, 1, 3}).reshape({K * G_, b, C_}).contiguous();
  }

  // Every block a trial of its own; an unknown cell is a row of weight 0.
  LossRows loss_rows(const data::Batch& batch) const {
    const data::Targets& targets = batch.targets.at(0);
    const at::Tensor given =
        (multi() ? targets.value.to(at::kLong) : targets.index).permute({0, 2, 1}).contiguous();
    const std::int64_t K = given.size(0), b = given.size(2);
    LossRows rows;
    rows.shape = shape_;
    rows.class_weights = weights_;
    rows.weight = (batch.weight.to(at::kDouble).unsqueeze(1) * (given >= 0).to(at::kDouble))
                      .reshape({K * G_, b})
                      .contiguous();
    rows.index = given.clamp_min(0).reshape({K * G_, b}).contiguous();
    return rows;
  }

  at::Tensor class_counts(const LossRows& rows) const {  // [K * G, C] of this rank's rows
    at::Tensor counts = at::zeros({rows.index.size(0), C_}, at::kDouble);
    double* n = counts.mutable_data_ptr<double>();
    const std::int64_t b = rows.index.size(1);
    const std::int64_t* index = rows.index.const_data_ptr<std::int64_t>();
    const double* weight = rows.weight.const_data_ptr<double>();
    for (std::int64_t r = 0; r < rows.index.numel(); ++r) {
      if (weight[r] == 0) continue;
      EMO_CHECK(index[r] < C_, "a target is not a class index");
      n[r / b * C_ + index[r]] += weight[r];
    }
    return counts;
  }

  at::Tensor denominators(const at::Tensor& counts, std::int64_t K) const {  // [K, G]
    at::Tensor result = at::zeros({K, G_}, at::kDouble);
    const double* n = counts.const_data_ptr<double>();
    const double* w = weights_.const_data_ptr<double>();
    for (std::int64_t k = 0; k < K; ++k) {
      const bool by_rows = multi() || divides_by_rows(options_[static_cast<std::size_t>(k)]);
      for (std::int64_t i = k * G_ * C_; i < (k + 1) * G_ * C_; ++i)
        result.mutable_data_ptr<double>()[i / C_] += by_rows ? n[i] : n[i] * w[i];
    }
    return result;
  }

  TargetSpec target_;
  std::vector<ObjectiveOptions> options_;
  std::int64_t G_, C_;
  at::Tensor train_counts_;                      // [K, G * C]
  at::Tensor weights_;                           // [K * G, C]
  at::Tensor term_weight_, contrastive_weight_;  // [K]
  std::vector<LossShape> shape_;                 // [K * G]
  std::vector<double> temperatures_;             // [K] of the contrastive term
  bool contrasts_ = false;
  std::vector<models::Leaf> state_;
};

}  // namespace

std::unique_ptr<Objective> make_block_objective(const TargetSpec& target,
                                                const std::vector<ObjectiveOptions>& options,
                                                const at::Tensor& train_counts) {
  return std::make_unique<BlockLoss>(target, options, train_counts);
}

}  // namespace emosweep::trainer
