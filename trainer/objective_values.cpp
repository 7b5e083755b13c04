// Regression: the mean squared error, and one minus Lin's concordance of a whole batch.
#include <ATen/ATen.h>

#include "base/error.h"
#include "results/regression.h"
#include "trainer/objective_kinds.h"

namespace emosweep::trainer {
namespace {

class ValueLoss final : public Objective {
 public:
  ValueLoss(const TargetSpec& target, std::vector<ObjectiveOptions> options)
      : target_(target), options_(std::move(options)), D_(target_outputs(target)) {
    for (const ObjectiveOptions& o : options_) {
      if (o.loss != "mse" && o.loss != "ccc")
        throw InputError("loss: " + o.loss + " is not one of values (mse, ccc)");
      if (o.loss != options_[0].loss) throw InputError("the trials of a pack share one loss");
    }
    ones_ = at::ones({static_cast<std::int64_t>(options_.size())}, at::kDouble);
  }

  std::vector<Term> terms(const data::Batch& batch, const models::Output& output,
                          const models::Step& step) override {
    const at::Tensor real = batch.weight.to(at::kDouble) > 0;  // [K,b]
    // Padding may hold anything; what is chosen here has no gradient.
    const at::Tensor truth = batch.targets.at(0).value.to(at::kDouble);
    const at::Tensor predicted =
        at::where(real.unsqueeze(-1), output.heads.at(0).to(at::kDouble), truth);
    const at::Tensor rows = step.team.sum(real.to(at::kDouble).sum(1));  // [K]
    Term term = options_[0].loss == "mse" ? squared(predicted - truth, rows)
                                          : concordance(predicted, truth, real, rows, step.team);
    term.name = options_[0].loss;
    term.weight = ones_;
    return {term};
  }

  std::vector<models::Leaf>& state() override { return state_; }
  const TargetSpec& target() const override { return target_; }
  double temperature(std::size_t) const override { return 1; }

  std::optional<double> whole(std::span<const double> truth,
                              std::span<const double> predicted) const override {
    if (options_[0].loss != "ccc") return std::nullopt;
    double sum = 0;
    for (std::int64_t d = 0; d < D_; ++d) {
      results::RegressionSums sums;
      for (std::size_t i = static_cast<std::size_t>(d); i < truth.size();
           i += static_cast<std::size_t>(D_))
        sums.add(truth[i], predicted[i]);
      // Where truth and prediction are one number, there is nothing to agree on.
      const bool flat = sums.truth_squares == 0 && sums.predicted_squares == 0 &&
                        sums.truth_mean == sums.predicted_mean;
      sum += flat ? 0 : results::scores(sums).ccc;
    }
    return 1 - sum / static_cast<double>(D_);
  }

  std::unique_ptr<Objective> select(std::span<const std::int64_t> trials) const override {
    std::vector<ObjectiveOptions> options;
    for (const std::int64_t k : trials) options.push_back(options_.at(static_cast<std::size_t>(k)));
    return std::make_unique<ValueLoss>(target_, std::move(options));
  }

 private:
  // Trial by trial: the bits of one must not depend on its place in the pack. Per output.
  static Term squared(const at::Tensor& off, const at::Tensor& rows) {
    std::vector<at::Tensor> sums;
    for (std::int64_t k = 0; k < off.size(0); ++k) sums.push_back((off[k] * off[k]).sum(0));
    const at::Tensor sum = at::stack(sums);  // [K,D]
    return {"", sum, rows.unsqueeze(1).expand_as(sum).contiguous(), {}};
  }

  // 1 - 2 cov / (var_p + var_t + (mean_p - mean_t)^2) over the rows of all ranks, which each of
  // them computes whole and counts as its share: the sum over the team is the value.
  Term concordance(const at::Tensor& predicted, const at::Tensor& truth, const at::Tensor& real,
                   const at::Tensor& rows, Collective& team) const {
    const std::int64_t K = predicted.size(0);
    std::vector<at::Tensor> parts;
    for (std::int64_t k = 0; k < K; ++k) {
      const at::Tensor r = real[k].to(at::kDouble).unsqueeze(1);  // [b,1]
      parts.push_back(at::cat({(predicted[k] * r).sum(0), (truth[k] * r).sum(0)}));
    }
    const at::Tensor n = rows.clamp_min(1).unsqueeze(1);
    const at::Tensor means = team.sum(at::stack(parts)) / n;  // [K, 2D]
    parts.clear();
    for (std::int64_t k = 0; k < K; ++k) {
      const at::Tensor r = real[k].to(at::kDouble).unsqueeze(1);
      const at::Tensor p = (predicted[k] - means[k].narrow(0, 0, D_)) * r;
      const at::Tensor t = (truth[k] - means[k].narrow(0, D_, D_)) * r;
      parts.push_back(at::cat({(p * p).sum(0), (t * t).sum(0), (p * t).sum(0)}));
    }
    const at::Tensor moments = team.sum(at::stack(parts)) / n;  // [K, 3D]
    const at::Tensor apart = means.narrow(1, 0, D_) - means.narrow(1, D_, D_);
    constexpr double kTiny = 1e-300;  // all rows are one number: no agreement, and no gradient
    const at::Tensor spread =
        (moments.narrow(1, 0, D_) + moments.narrow(1, D_, D_) + apart * apart).clamp_min(kTiny);
    const at::Tensor value = 1 - 2 * moments.narrow(1, 2 * D_, D_) / spread;
    const at::Tensor any = (rows > 0).to(at::kDouble).unsqueeze(1).expand({K, D_}).contiguous();
    return {"", value * any / static_cast<double>(team.size), any, {}};
  }

  TargetSpec target_;
  std::vector<ObjectiveOptions> options_;
  std::int64_t D_;
  at::Tensor ones_;  // [K]
  std::vector<models::Leaf> state_;
};

}  // namespace

std::unique_ptr<Objective> make_value_objective(const TargetSpec& target,
                                                const std::vector<ObjectiveOptions>& options) {
  return std::make_unique<ValueLoss>(target, options);
}

}  // namespace emosweep::trainer
