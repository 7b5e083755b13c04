#include "trainer/contrastive.h"

#include <ATen/ATen.h>

#include <limits>

namespace emosweep::trainer {
namespace {

constexpr double kOffset = .1;

// Rows of one trial and of all ranks. x: [n,H] of length 1; label [n,A]; real [n] bool.
struct Everybody {
  at::Tensor x, label, real;
};

at::Tensor unit_rows(const at::Tensor& embedding, const at::Tensor& real) {
  // Where padding holds nan, its gradient must be 0 all the same.
  const at::Tensor x =
      at::where(real.unsqueeze(-1), embedding.to(at::kDouble), at::zeros({}, at::kDouble));
  constexpr double kTiny = 1e-24;  // a row of zeros has no direction, and no gradient
  return x * (x * x).sum(-1, true).clamp_min(kTiny).rsqrt();
}

// [b,n] of the anchors `label` against everybody.
at::Tensor pair_weights(const at::Tensor& label, const at::Tensor& all, std::int64_t neutral) {
  at::Tensor weight = at::zeros({label.size(0), all.size(0)}, at::kDouble);
  const std::int64_t aspects = label.size(1);
  for (std::int64_t a = 0; a < aspects; ++a) {
    const at::Tensor own = label.select(1, a).unsqueeze(1), other = all.select(1, a).unsqueeze(0);
    const at::Tensor same = (own == other) & (own >= 0);
    weight += same.to(at::kDouble) * (1 + (own != neutral).to(at::kDouble));
  }
  return weight / static_cast<double>(2 * aspects) + kOffset;
}

// Of the anchors, which are everybody's rows [first, first + b).
at::Tensor trial_sum(const Everybody& all, std::int64_t first, std::int64_t b, std::int64_t neutral,
                     double temperature) {
  const at::Tensor own = all.real.narrow(0, first, b);
  const at::Tensor s = at::mm(all.x.narrow(0, first, b), all.x.t()) / temperature;
  const at::Tensor self =
      at::arange(first, first + b).unsqueeze(1) == at::arange(all.x.size(0)).unsqueeze(0);
  const at::Tensor pair = all.real.unsqueeze(0) & ~self;
  const at::Tensor top = s.detach()
                             .masked_fill(~pair, -std::numeric_limits<double>::infinity())
                             .amax(1, true)
                             .clamp_min(-1 / temperature);  // of a row without any pair
  const at::Tensor e = at::where(pair, (s - top).exp(), at::zeros({}, at::kDouble));
  const at::Tensor w = pair_weights(all.label.narrow(0, first, b), all.label, neutral);
  // Rows that are padding or alone take 1 / 1: no loss, no gradient.
  const at::Tensor counts = own & pair.any(1);
  const at::Tensor one = at::ones({}, at::kDouble);
  const at::Tensor wanted = at::where(counts, (w * e).sum(1), one);
  const at::Tensor total = at::where(counts, e.sum(1), one);
  return (total.log() - wanted.log()).sum();
}

}  // namespace

Term contrastive_term(const ContrastiveRows& rows, std::span<const double> temperature,
                      Collective& team) {
  const std::int64_t K = rows.embedding.size(0), b = rows.embedding.size(1);
  const at::Tensor own_real = rows.weight.to(at::kDouble) > 0;
  const at::Tensor x = team.gather_rows(unit_rows(rows.embedding, own_real).contiguous());
  const at::Tensor label = team.gather_rows(rows.index.to(at::kDouble).contiguous());
  const at::Tensor real =
      team.gather_rows(own_real.to(at::kDouble).unsqueeze(-1).contiguous()).squeeze(-1) > 0;
  std::vector<at::Tensor> sums;
  at::Tensor count = at::zeros({K}, at::kDouble);
  for (std::int64_t k = 0; k < K; ++k) {
    // Trial by trial: the bits of one must not depend on its place in the pack.
    sums.push_back(trial_sum({x[k].contiguous(), label[k].contiguous(), real[k].contiguous()},
                             team.rank * b, b, rows.neutral,
                             temperature[static_cast<std::size_t>(k)]));
    const auto n = real[k].sum().item<std::int64_t>();
    count[k] = static_cast<double>(n > 1 ? n : 0);
  }
  return {"contrastive", at::stack(sums), count, {}};
}

}  // namespace emosweep::trainer
