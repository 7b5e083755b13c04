// Attention row by row against ATen's batched products, values and gradients.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "models/attention.h"

namespace emosweep::models {
namespace {

struct Result {
  at::Tensor value, gradient;
};

using Attention = at::Tensor (*)(const at::Tensor&, const at::Tensor&, const AttentionShape&);

Result run(Attention attention, const AttentionShape& s, const at::Tensor& present,
           at::ScalarType dtype) {
  const std::int64_t n = s.K * s.M * s.b * s.tokens * 3 * s.width;
  const at::Tensor i = at::arange(n, at::TensorOptions().dtype(at::kDouble));
  at::Tensor kqv = (at::sin(i * 12.9898) * 2)
                       .view({s.K, s.M, s.b * s.tokens, 3 * s.width})
                       .to(dtype)
                       .set_requires_grad(true);
  const at::Tensor value = attention(kqv, present, s);
  EXPECT_EQ(value.sizes().vec(), (std::vector<std::int64_t>{s.K, s.M, s.b * s.tokens, s.width}));
  (value * at::cos(at::arange(value.numel(), at::TensorOptions().dtype(dtype))).view_as(value))
      .sum()
      .backward();
  return {value.detach(), kqv.grad()};
}

// A different set of modalities in every row, none in some, another in every trial.
at::Tensor some_present(const AttentionShape& s) {
  at::Tensor present = at::empty({s.K, s.b, s.M}, at::kBool);
  for (std::int64_t i = 0; i < s.K * s.b; ++i) {
    for (std::int64_t m = 0; m < s.M; ++m) {
      present.mutable_data_ptr<bool>()[i * s.M + m] = ((i + i / s.b) >> m & 1) != 0;
    }
  }
  return present;
}

TEST(Attention, RowByRowIsWhatBatchedProductsGive) {
  for (const std::int64_t M : {2, 3, 4}) {
    for (const std::int64_t tokens : {1, 5, 8}) {
      for (const std::int64_t heads : {1, 2}) {
        const AttentionShape s{2, M, 17, tokens, heads, 10 * heads};
        for (const at::Tensor& present : {at::Tensor(), some_present(s)}) {
          SCOPED_TRACE(std::to_string(M) + " modalities, " + std::to_string(tokens) + " tokens" +
                       (present.defined() ? ", some absent" : ""));
          const Result ours = run(attend, s, present, at::kDouble);
          const Result theirs = run(attend_by_aten, s, present, at::kDouble);
          EXPECT_LE((ours.value - theirs.value).abs().max().item<double>(), 1e-13);
          EXPECT_LE((ours.gradient - theirs.gradient).abs().max().item<double>(), 1e-12);
          const Result single = run(attend, s, present, at::kFloat);
          EXPECT_LE((single.value - theirs.value).abs().max().item<double>(), 1e-4);
        }
      }
    }
  }
}

TEST(Attention, LeavesManyTokensToATen) {
  const AttentionShape s{1, 2, 1, 65, 1, 4};
  EXPECT_TRUE(at::equal(run(attend, s, {}, at::kFloat).value,
                        run(attend_by_aten, s, {}, at::kFloat).value));
  const AttentionShape several{1, 2, 3, 65, 1, 4};  // of one head, where a view is made of context
  EXPECT_TRUE(run(attend, several, some_present(several), at::kFloat)
                  .gradient.isfinite()
                  .all()
                  .item<bool>());
}

}  // namespace
}  // namespace emosweep::models
