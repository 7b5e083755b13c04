#include "trainer/linear.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/canonical.h"
#include "base/error.h"
#include "trainer/lbfgs.h"

namespace emosweep::trainer {
namespace {

// Weights of the rows by their class.
std::vector<double> class_weights(const ObjectiveOptions& options,
                                  const std::vector<std::int64_t>& counts, std::int64_t rows) {
  std::vector<double> weights(counts.size(), 1);
  if (options.class_weights == ClassWeights::list) weights = options.weights;
  if (weights.size() != counts.size()) {
    throw InputError("class_weights: " + std::to_string(weights.size()) + " numbers for " +
                     std::to_string(counts.size()) + " classes");
  }
  if (options.class_weights == ClassWeights::batch) {
    throw InputError(
        "class_weights: batch has no meaning for model: linear (none, balanced, a list)");
  }
  if (options.class_weights != ClassWeights::balanced) return weights;
  const auto present =
      counts.size() - static_cast<std::size_t>(std::count(counts.begin(), counts.end(), 0));
  for (std::size_t c = 0; c < counts.size(); ++c) {
    if (counts[c])
      weights[c] = static_cast<double>(rows) /
                   static_cast<double>(present * static_cast<std::size_t>(counts[c]));
  }
  return weights;
}

// The objective divided by C * sum of weights, so that its gradient has the same size for every
// problem. Parameters: W of the present classes [c,D] row-major, then b [c].
class Problem {
 public:
  // A rank of a team evaluates its share of the rows.
  Problem(const at::Tensor& x, std::vector<std::int64_t> target, std::vector<double> weight,
          std::int64_t classes, double C, Collective& team)
      : target_(std::move(target)),
        weight_(std::move(weight)),
        classes_(classes),
        C_(C),
        team_(team),
        first_(x.size(0) * team.rank / team.size) {
    for (double w : weight_) total_ += w;
    x_ = x.narrow(0, first_, x.size(0) * (team.rank + 1) / team.size - first_);
    residual_ = at::empty({x_.size(0), classes}, at::kDouble);
  }

  double scale() const { return C_ * total_; }

  double operator()(std::span<const double> p, std::span<double> g, bool stop) {
    const std::int64_t D = x_.size(1), n = x_.size(0);
    const auto view = [&](const double* data, std::int64_t rows, std::int64_t columns) {
      return at::from_blob(const_cast<double*>(data), {rows, columns}, at::kDouble);
    };
    const at::Tensor W = view(p.data(), classes_, D),
                     b = view(p.data() + classes_ * D, 1, classes_);
    at::Tensor gW = view(g.data(), classes_, D);
    at::addmm_out(residual_, b, x_, W.t());
    double loss = 0;
    double* r = residual_.mutable_data_ptr<double>();
    double* gb = g.data() + classes_ * D;
    std::fill_n(gb, classes_, 0.0);
    for (std::int64_t i = 0; i < n; ++i, r += classes_)
      loss += row(r, static_cast<std::size_t>(first_ + i), gb);
    at::mm_out(gW, residual_.t(), x_);
    loss = sum_over_team(g, loss, stop);
    double square = 0;
    for (std::int64_t j = 0; j < classes_ * D; ++j) {
      const auto i = static_cast<std::size_t>(j);
      square += p[i] * p[i];
      g[i] += p[i] / scale();
    }
    return loss / total_ + 0.5 * square / scale();
  }

 private:
  // The gradient in place; returns the loss. The votes to stop go with them, so that all ranks
  // leave at the same evaluation.
  double sum_over_team(std::span<double> g, double loss, bool stop) {
    if (team_.size == 1) {
      if (stop) throw Interrupted{};
      return loss;
    }
    const auto n = static_cast<std::int64_t>(g.size());
    at::Tensor all = at::empty({n + 2}, at::kDouble);
    double* values = all.mutable_data_ptr<double>();
    std::copy(g.begin(), g.end(), values);
    values[n] = loss;
    values[n + 1] = stop ? 1 : 0;
    all = team_.sum(all);
    const double* sum = all.const_data_ptr<double>();
    if (sum[n + 1] > 0) throw Interrupted{};
    std::copy_n(sum, n, g.begin());
    return sum[n];
  }

  // z becomes w (p - onehot) / total; adds it to gb; returns w * -log p of the target.
  double row(double* z, std::size_t i, double* gb) const {
    const double top = *std::max_element(z, z + classes_), target = z[target_[i]];
    double sum = 0;
    for (std::int64_t c = 0; c < classes_; ++c) sum += (z[c] = std::exp(z[c] - top));
    for (std::int64_t c = 0; c < classes_; ++c) {
      z[c] = weight_[i] * (z[c] / sum - (c == target_[i] ? 1.0 : 0.0)) / total_;
      gb[c] += z[c];
    }
    return weight_[i] * (std::log(sum) - (target - top));
  }

  at::Tensor x_, residual_;
  std::vector<std::int64_t> target_;
  std::vector<double> weight_;
  std::int64_t classes_;
  double C_, total_ = 0;
  Collective& team_;
  std::int64_t first_;  // of this rank's rows
};

}  // namespace

LinearModel fit_linear(const at::Tensor& x, std::span<const std::int64_t> label,
                       std::int64_t classes, double C, const ObjectiveOptions& options,
                       Collective& team, const Stopping& stopping) {
  const at::NoGradGuard no_grad;
  EMO_CHECK(x.dim() == 2 && x.scalar_type() == at::kDouble && !label.empty() &&
                x.size(0) == static_cast<std::int64_t>(label.size()),
            "x [n,D] float64 with n >= 1 labels expected");
  if (!(C > 0)) throw InputError("C: a number above 0 is expected");
  std::vector<std::int64_t> counts(static_cast<std::size_t>(classes)), place(counts.size(), -1),
      present;
  for (std::int64_t y : label) ++counts.at(static_cast<std::size_t>(y));
  for (std::int64_t c = 0; c < classes; ++c) {
    if (!counts[static_cast<std::size_t>(c)]) continue;
    place[static_cast<std::size_t>(c)] = static_cast<std::int64_t>(present.size());
    present.push_back(c);
  }
  const std::vector<double> of_class = class_weights(options, counts, x.size(0));
  std::vector<std::int64_t> target;
  std::vector<double> weight;
  for (std::int64_t y : label) {
    target.push_back(place[static_cast<std::size_t>(y)]);
    weight.push_back(of_class[static_cast<std::size_t>(y)]);
  }
  const auto c_present = static_cast<std::int64_t>(present.size());
  const std::int64_t D = x.size(1);
  const double strength = c_present == 2 ? C / 2 : C;
  Problem problem(x.contiguous(), std::move(target), std::move(weight), c_present, strength, team);
  if (!(problem.scale() > 0)) throw InputError("class_weights: every training row has weight 0");
  std::vector<double> p(static_cast<std::size_t>(c_present * (D + 1)), 0);
  LbfgsOptions lbfgs;
  lbfgs.gradient = 1e-6 * std::max(1.0, 1 / problem.scale());
  const LbfgsResult done =
      minimise([&](std::span<const double> at,
                   std::span<double> g) { return problem(at, g, stopping && stopping()); },
               p, lbfgs);
  if (!done.converged) {
    const bool finite = std::isfinite(done.value) && std::isfinite(done.gradient);
    throw TrialError(finite ? "exception" : "non_finite",
                     "linear: no convergence after " + std::to_string(done.iterations) +
                         " iterations of L-BFGS: the largest gradient element is " +
                         number_text(done.gradient * problem.scale()) + "; a smaller C may help");
  }
  LinearModel model{at::zeros({classes, D}, at::kDouble),
                    at::full({classes}, -std::numeric_limits<double>::infinity(), at::kDouble),
                    done.iterations, done.gradient * problem.scale()};
  for (std::int64_t i = 0; i < c_present; ++i) {
    const std::int64_t c = present[static_cast<std::size_t>(i)];
    std::copy_n(p.data() + i * D, D, model.weight.mutable_data_ptr<double>() + c * D);
    model.bias.mutable_data_ptr<double>()[c] = p[static_cast<std::size_t>(c_present * D + i)];
  }
  return model;
}

at::Tensor side_by_side(const data::FoldTensors& fold, std::span<const std::int32_t> rows) {
  at::Tensor index = at::empty({static_cast<std::int64_t>(rows.size())}, at::kLong);
  std::copy(rows.begin(), rows.end(), index.mutable_data_ptr<std::int64_t>());
  std::vector<at::Tensor> parts;
  for (const at::Tensor& x : fold.x) parts.push_back(x.index_select(0, index));
  return at::cat(parts, 1).to(at::kDouble).contiguous();
}

std::vector<double> linear_logits(const LinearModel& model, const at::Tensor& x) {
  const std::int64_t n = x.size(0), D = x.size(1), C = model.bias.numel();
  const double* bias = model.bias.const_data_ptr<double>();
  std::vector<double> logits;
  logits.reserve(static_cast<std::size_t>(n * C));
  for (std::int64_t i = 0; i < n; ++i) {
    const double* row = x.const_data_ptr<double>() + i * D;
    for (std::int64_t c = 0; c < C; ++c) {
      const double* w = model.weight.const_data_ptr<double>() + c * D;
      double z = bias[c];
      for (std::int64_t j = 0; j < D; ++j) z += w[j] * row[j];
      logits.push_back(z);
    }
  }
  return logits;
}

}  // namespace emosweep::trainer
