#include "models/aten_norm.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <vector>

#include "base/error.h"

namespace emosweep::models {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr double kEpsilon = 1e-5, kMomentum = 0.1;

at::Tensor innermost(const at::Tensor& x) { return x.contiguous(at::MemoryFormat::ChannelsLast); }

// One value a channel has no unbiased variance, which ATen computes as 0 / 0; batch_norm_train
// takes it for 0.
BatchNormAt beside(const BatchNormAt& at) {
  return {at.gamma, at.beta, at.running_mean.clone(), at.running_var.clone()};
}
void move_by_one_value(const BatchNormAt& at, const at::Tensor& mean) {
  const at::NoGradGuard no_grad;
  at.running_mean.lerp_(mean.to(at.running_mean.scalar_type()), kMomentum);
  at.running_var.mul_(1 - kMomentum);
}

// Every rank's mean, 1 / sqrt(variance + epsilon) and number of places; ranks without rows have
// none of them.
struct EveryRank {
  at::Tensor mean, scale, count;  // [ranks, C], [ranks, C], [ranks]
};

EveryRank every_rank(const at::Tensor& x, Collective& team) {
  const std::int64_t C = x.size(1), places = x.numel() / C;
  at::Tensor mean = at::zeros({C}, x.options()), scale = at::ones({C}, x.options());
  if (places > 0) std::tie(mean, scale) = at::batch_norm_stats(x, kEpsilon);
  const at::Tensor count = at::full({1}, static_cast<double>(places), mean.options());
  const at::Tensor own = at::cat({mean, scale, count}).to(at::kDouble).view({1, 1, 2 * C + 1});
  const at::Tensor all = team.gather_rows(own)[0].to(x.device());
  const at::Tensor there = at::nonzero(all.select(1, 2 * C)).squeeze(1);
  const at::Tensor rows = all.index_select(0, there).to(x.scalar_type());
  return {rows.narrow(1, 0, C).contiguous(), rows.narrow(1, C, C).contiguous(),
          rows.select(1, 2 * C).contiguous()};
}

// The steps of torch.nn.SyncBatchNorm over the team's collectives.
struct TeamNorm : torch::autograd::Function<TeamNorm> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x0, const at::Tensor& gamma,
                            const at::Tensor& beta, const BatchNormAt& at, Collective* team) {
    const at::Tensor x = innermost(x0);
    const EveryRank all = every_rank(x, *team);
    at::Tensor mean, scale, y = at::empty_like(x);
    if (all.count.size(0) > 0) {
      // Where this rank has more places it need not ask the GPU.
      const bool one = x.numel() <= x.size(1) && all.count.sum().item<double>() == 1;
      const BatchNormAt moves = one ? beside(at) : at;
      std::tie(mean, scale) = at::batch_norm_gather_stats_with_counts(
          x, all.mean, all.scale, moves.running_mean, moves.running_var, kMomentum, kEpsilon,
          all.count);
      if (one) move_by_one_value(at, mean);
      if (x.numel() > 0) y = at::batch_norm_elemt(x, gamma, beta, mean, scale, kEpsilon);
    }
    context->save_for_backward({x, gamma, mean, scale, all.count.to(at::kInt)});
    context->saved_data["team"] = reinterpret_cast<std::int64_t>(team);
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list outers) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &gamma = saved[1], &mean = saved[2], &scale = saved[3];
    auto* team = reinterpret_cast<Collective*>(context->saved_data["team"].toInt());
    const at::Tensor outer = innermost(outers[0]);
    at::Tensor sum = at::zeros_like(gamma), product = at::zeros_like(gamma);
    at::Tensor d_gamma = at::zeros_like(gamma), d_beta = at::zeros_like(gamma);
    if (x.numel() > 0) {
      std::tie(sum, product, d_gamma, d_beta) =
          at::batch_norm_backward_reduce(outer, x, mean, scale, gamma, true, true, true);
    }
    const at::Tensor both = team->sum(at::cat({sum, product})).to(x.device());
    at::Tensor d = at::empty_like(x);
    if (x.numel() > 0) {
      const std::int64_t C = gamma.size(0);
      d = at::batch_norm_backward_elemt(outer, x, mean, scale, gamma, both.narrow(0, 0, C),
                                        both.narrow(0, C, C), saved[4]);
    }
    return {d, d_gamma, d_beta, at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor aten_norm_train(const at::Tensor& x, const BatchNormAt& at, Collective* team) {
  EMO_CHECK(x.dim() == 4 && x.size(1) == at.gamma.numel(), "images are [n, C, H, W]");
  if (team && team->size > 1) return TeamNorm::apply(x, at.gamma, at.beta, at, team);
  if (x.numel() == 0) return x * at.gamma.view({1, -1, 1, 1}) + at.beta.view({1, -1, 1, 1});
  const bool one = x.numel() == x.size(1);
  const BatchNormAt moves = one ? beside(at) : at;
  if (one) move_by_one_value(at, x.detach().reshape({-1}));
  return std::get<0>(at::native_batch_norm(x, at.gamma, at.beta, moves.running_mean,
                                           moves.running_var, true, kMomentum, kEpsilon));
}

at::Tensor aten_norm_evaluate(const at::Tensor& x, const BatchNormAt& at) {
  EMO_CHECK(x.dim() == 4 && x.size(1) == at.gamma.numel(), "images are [n, C, H, W]");
  return std::get<0>(at::native_batch_norm(x, at.gamma, at.beta, at.running_mean, at.running_var,
                                           false, kMomentum, kEpsilon));
}

at::Tensor behind_norm(const at::Tensor& norm, const at::Tensor& residual, bool relu) {
  const at::Tensor y = residual.defined() ? norm + residual : norm;
  return relu ? at::relu(y) : y;
}

}  // namespace emosweep::models
