// The one-pass block against the four operations of ATen that it stands for, values and gradients.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "models/norm_block.h"
#include "models/pool_block.h"
#include "models/row_sum.h"

namespace emosweep::models {
namespace {

struct Case {
  at::Tensor x, gamma, beta, mask, outer;
};

// K trials, b rows, M modalities side by side, an odd width; a third of the mask is 0.
Case case_of(std::int64_t K, std::int64_t b, std::int64_t M, std::int64_t H, at::ScalarType dtype) {
  const auto values = [&](std::vector<std::int64_t> shape, double phase) {
    std::int64_t n = 1;
    for (std::int64_t d : shape) n *= d;
    const at::Tensor i = at::arange(n, at::TensorOptions().dtype(at::kDouble));
    return (at::sin(i * 12.9898 + phase) * 3).view(shape).to(dtype);
  };
  Case c{values({K, b, M, H}, 0), values({K, 1, M, H}, 1), values({K, 1, M, H}, 2), {}, {}};
  c.mask = values({K, b, M, H}, 3).gt(-1).to(dtype) * 1.5;
  c.outer = values({K, b, M, H}, 4);
  for (at::Tensor* t : {&c.x, &c.gamma, &c.beta}) t->set_requires_grad(true);
  return c;
}

// With gradients that are autograd's.
at::Tensor plain(const Case& c, const at::Tensor& mask, bool relu) {
  return norm_block(c.x, Parameter(c.gamma), Parameter(c.beta), mask, relu);
}

at::Tensor reference(const Case& c, const at::Tensor& mask, bool relu) {
  const at::Tensor mean = c.x.mean(-1, true);
  const at::Tensor variance = (c.x - mean).square().mean(-1, true);
  at::Tensor y = (c.x - mean) / (variance + 1e-5).sqrt() * c.gamma + c.beta;
  if (relu) y = at::relu(y);
  return mask.defined() ? y * mask : y;
}

std::vector<at::Tensor> value_and_gradients(Case& c, const at::Tensor& y) {
  for (at::Tensor* t : {&c.x, &c.gamma, &c.beta}) t->mutable_grad().reset();
  (y * c.outer).sum().backward();
  return {y.detach(), c.x.grad().clone(), c.gamma.grad().clone(), c.beta.grad().clone()};
}

void compare(Case c, const at::Tensor& mask, bool relu, double tolerance) {
  const auto ours = value_and_gradients(c, plain(c, mask, relu));
  const auto theirs = value_and_gradients(c, reference(c, mask, relu));
  for (std::size_t i = 0; i < ours.size(); ++i) {
    EXPECT_LE((ours[i] - theirs[i]).abs().max().item<double>(), tolerance) << "part " << i;
  }
}

TEST(NormBlock, AgreesWithItsFourOperations) {
  for (const std::int64_t H : {1, 7, 16, 24, 29, 33, 64}) {
    SCOPED_TRACE(H);
    for (const bool relu : {false, true}) {
      const Case wide = case_of(2, 5, 3, H, at::kDouble), narrow = case_of(1, 8, 2, H, at::kFloat);
      // One feature has no variance: x is then multiplied by 316, and rounding with it.
      compare(wide, wide.mask, relu, H == 1 ? 1e-9 : 1e-11);
      compare(wide, {}, relu, H == 1 ? 1e-9 : 1e-11);
      if (H > 1) compare(narrow, narrow.mask, relu, 2e-4);
    }
  }
}

template <typename T>
void compare_sums() {
  std::vector<T> d(40), other(40);
  for (std::size_t i = 0; i < d.size(); ++i) {
    d[i] = static_cast<T>(std::sin(double(i) * 12.9898));
    other[i] = static_cast<T>(std::cos(double(i) * 78.233));
  }
  for (std::int64_t n = 0; n <= 40; ++n) {
    T plain = 7, along = 7;
    row_sums(n, d.data(), other.data(), plain, along);
    EXPECT_EQ(plain, (row_sum<T>(n, [&](std::int64_t i) { return d[std::size_t(i)]; }))) << n;
    EXPECT_EQ(
        along,
        (row_sum<T>(n, [&](std::int64_t i) { return d[std::size_t(i)] * other[std::size_t(i)]; })))
        << n;
  }
}

// A norm's backward pass sums in the order of its forward pass.
TEST(RowSum, TwoAtOnceAreTheTwo) {
  compare_sums<float>();
  compare_sums<double>();
}

TEST(NormBlock, BroadcastsAMaskOfWholeRows) {
  const Case c = case_of(2, 4, 2, 16, at::kDouble);
  compare(c, c.mask.narrow(3, 0, 1), true, 1e-11);
}

TEST(NormBlock, OverwritesGradientsThatHaveAPlace) {
  Case c = case_of(2, 4, 3, 16, at::kDouble);
  const auto expected = value_and_gradients(c, plain(c, c.mask, true));
  for (int i = 0; i < 2; ++i) {
    for (const at::Tensor& t : {c.gamma, c.beta}) t.grad().fill_(7);
    const at::Tensor y =
        norm_block(c.x, {c.gamma, c.gamma.grad()}, {c.beta, c.beta.grad()}, c.mask, true);
    (y * c.outer).sum().backward();
    EXPECT_TRUE(at::equal(c.gamma.grad(), expected[2]));
    EXPECT_TRUE(at::equal(c.beta.grad(), expected[3]));
  }
}

// Tokens [K,M,b,T*H], as operations of ATen and in one pass, with gradients that have a place.
TEST(PoolBlock, IsTheMeanOfNormalisedTokens) {
  constexpr std::int64_t K = 2, M = 3, b = 5;
  for (const std::int64_t H : {1, 7, 16, 29}) {
    const std::int64_t T = H == 7 ? 11 : 4;  // more than are normalised together
    for (const at::ScalarType dtype : {at::kDouble, at::kFloat}) {
      for (const bool all : {true, false}) {
        SCOPED_TRACE(std::to_string(H) + (all ? "" : ", some absent"));
        Case c = case_of(K * M, b, T, H, dtype);
        const Case affine = case_of(K, 1, M, H, dtype);
        at::Tensor x = c.x.detach().view({K, M, b, T * H}).set_requires_grad(true);
        at::Tensor gamma = affine.gamma.detach().view({K, M, 1, H}).set_requires_grad(true);
        at::Tensor beta = affine.beta.detach().view({K, M, 1, H}).set_requires_grad(true);
        at::Tensor present;
        if (!all) present = at::arange(K * b * M).view({K, b, M}).remainder(4).ne(1);
        const at::Tensor outer = at::arange(K * b * M * H, x.options()).sin().view({K, b, M * H});

        const at::Tensor tokens = x.view({K, M, b, T, H}), mean = tokens.mean(-1, true);
        const at::Tensor variance = (tokens - mean).square().mean(-1, true);
        const at::Tensor pooled = ((tokens - mean) / (variance + 1e-5).sqrt()).mean(3);
        at::Tensor y = (pooled * gamma + beta).transpose(1, 2);
        if (present.defined()) y = y * present.unsqueeze(-1);
        y = y.reshape({K, b, M * H});
        (y * outer).sum().backward();
        const std::vector<at::Tensor> expected{x.grad().clone(), gamma.grad().clone(),
                                               beta.grad().clone()};
        // One feature has no variance: x is then multiplied by 316, and rounding with it.
        if (dtype == at::kFloat && H == 1) continue;
        const double tolerance = dtype == at::kFloat ? 2e-4 : H == 1 ? 1e-9 : 1e-12;
        for (const bool placed : {false, true}) {
          x.mutable_grad().reset();
          for (at::Tensor t : {gamma, beta}) {
            if (placed)
              t.mutable_grad() = at::full_like(t, 7);
            else
              t.mutable_grad().reset();
          }
          const at::Tensor ours =
              pool_block(x, {gamma, gamma.grad()}, {beta, beta.grad()}, present, T);
          (ours * outer).sum().backward();
          EXPECT_LE((ours - y).abs().max().item<double>(), tolerance);
          const std::vector<at::Tensor> got{x.grad(), gamma.grad(), beta.grad()};
          for (std::size_t i = 0; i < got.size(); ++i)
            EXPECT_LE((got[i] - expected[i]).abs().max().item<double>(), tolerance) << "part " << i;
        }
      }
    }
  }
}

TEST(NormBlock, RefusesPlacesThatStandApartDifferently) {
  const Case c = case_of(2, 4, 1, 16, at::kDouble);
  const at::Tensor apart = at::zeros({2, 32}, at::kDouble).narrow(1, 0, 16).view({2, 1, 1, 16});
  EXPECT_ANY_THROW(norm_block(c.x, {c.gamma, apart}, Parameter(c.beta), {}, true));
  EXPECT_ANY_THROW(norm_block(c.x, {c.gamma, apart}, {c.beta, at::zeros_like(c.beta)}, {}, true));
}

TEST(NormBlock, LetsANanThrough) {
  Case c = case_of(1, 3, 1, 16, at::kFloat);
  c.x.detach()[0][1][0][3] = std::numeric_limits<float>::quiet_NaN();
  const at::Tensor bad = plain(c, {}, true).isnan().any(-1).view({3});
  EXPECT_FALSE(bad[0].item<bool>() || bad[2].item<bool>());
  EXPECT_TRUE(bad[1].item<bool>());
  c.x.detach()[0][1][0][3] = 0;
  c.beta.detach()[0][0][0][3] = std::numeric_limits<float>::quiet_NaN();
  const at::Tensor of_beta = value_and_gradients(c, plain(c, {}, true))[3];
  EXPECT_NE(of_beta[0][0][0][3].item<float>(), 0)
      << "a NaN is not taken for a feature that was dropped";
}

}  // namespace
}  // namespace emosweep::models
