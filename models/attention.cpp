#include "models/attention.h"

#include <ATen/ATen.h>

#include <cmath>
#include <limits>

namespace emosweep::models {

namespace {

// [K,b,M,M], or [1,1,M,M] where it is the same for every row.
at::Tensor visible(const at::Tensor& present, const AttentionShape& shape,
                   const at::TensorOptions& options) {
  const at::Tensor others =
      at::eye(shape.M, options.dtype(at::kBool)).logical_not().view({1, 1, shape.M, shape.M});
  return present.defined() ? others.logical_and(present.unsqueeze(2)) : others;
}

}  // namespace

at::Tensor attend(const at::Tensor& kqv, const at::Tensor& present, const AttentionShape& s) {
  const at::Tensor seen = visible(present, s, kqv.options());
  const std::int64_t d = s.width / s.heads, tokens = s.M * s.tokens;
  // [K,M,b,T,3,h,d] -> [3, K b h, M T, d]
  const at::Tensor parts = kqv.view({s.K, s.M, s.b, s.tokens, 3, s.heads, d})
                               .permute({4, 0, 2, 5, 1, 3, 6})
                               .reshape({3, s.K * s.b * s.heads, tokens, d});
  const std::vector<at::Tensor> split = parts.unbind(0);
  const at::Tensor &k = split[0], q = split[1], v = split[2];

  const bool same = !present.defined();
  const at::Tensor blind = seen.any(-1, true).logical_not();  // such rows attend to all, times 0
  at::Tensor bias = at::zeros(seen.sizes(), kqv.options())
                        .masked_fill_(seen.logical_or(blind).logical_not(),
                                      -std::numeric_limits<double>::infinity());
  bias = bias.repeat_interleave(s.tokens, 2).repeat_interleave(s.tokens, 3);
  bias = same ? bias.view({1, tokens, tokens})
              : bias.unsqueeze(2)
                    .expand({s.K, s.b, s.heads, tokens, tokens})
                    .reshape({s.K * s.b * s.heads, tokens, tokens});
  const at::Tensor scores =
      at::baddbmm(bias, q, k.transpose(1, 2), 1, 1 / std::sqrt(static_cast<double>(d)));
  const at::Tensor context = at::bmm(at::softmax(scores, -1), v);
  // [K b h, M T, d] -> [K M, b T, H]
  at::Tensor out = context.view({s.K, s.b, s.heads, s.M, s.tokens, d}).permute({0, 3, 1, 4, 2, 5});
  out = out.reshape({s.K * s.M, s.b, s.tokens * s.width});
  if (!same) {
    const at::Tensor sees = blind.logical_not().permute({0, 2, 1, 3});  // [K,M,b,1]
    out = out * sees.reshape({s.K * s.M, s.b, 1});
  }
  return out.view({s.K * s.M, s.b * s.tokens, s.width});
}

}  // namespace emosweep::models
