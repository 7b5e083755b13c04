// Norm, ReLU and pooling in one pass, and small_cnn's first layer, against ATen's operations:
// values, gradients and running values; and two ranks against one.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <functional>
#include <limits>

#include "models/aten_norm.h"
#include "models/batch_norm.h"
#include "models/channels_last.h"
#include "models/first_block.h"
#include "models/norm_pool.h"
#include "support.h"

namespace emosweep::models {
namespace {

using Tensors = std::vector<at::Tensor>;

at::Tensor draw(const std::vector<std::int64_t>& shape, std::int64_t salt) {
  std::int64_t n = 1;
  for (const std::int64_t d : shape) n *= d;
  return test::uniform(n, salt).view(shape);
}

double apart(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>() / (b.abs().max().item<double>() + 1);
}

struct Norm {  // float64 or float32 leaves, made alike every time
  Norm(std::int64_t C, at::ScalarType dtype)
      : at{(draw({C}, 3) * 2).to(dtype).set_requires_grad(true),  // some channels turned over
           draw({C}, 4).to(dtype).set_requires_grad(true), at::zeros({C}, dtype),
           at::ones({C}, dtype)} {}
  BatchNormAt at;
};

at::Tensor aten_norm(const at::Tensor& x, const BatchNormAt& at, bool train) {
  return at::relu(at::batch_norm(x, at.gamma, at.beta, at.running_mean, at.running_var, train, 0.1,
                                 1e-5, false));
}

// What `network` makes of the input and the norm, its gradients and the running values.
Tensors all_of(const at::Tensor& input, const Norm& norm, const at::Tensor& y) {
  const at::Tensor outer = draw(y.sizes().vec(), 9).to(y.scalar_type());
  torch::autograd::backward({y}, {outer});
  return {y.detach(),          input.grad(),         norm.at.gamma.grad(),
          norm.at.beta.grad(), norm.at.running_mean, norm.at.running_var};
}

void expect_near(const Tensors& own, const Tensors& other, double near) {
  ASSERT_EQ(own.size(), other.size());
  for (std::size_t i = 0; i < own.size(); ++i) {
    ASSERT_EQ(own[i].sizes(), other[i].sizes());
    EXPECT_LT(apart(own[i], other[i]), near) << i;
  }
}

struct Size {
  std::int64_t n, C, H, W;
};
const std::vector<Size> kSizes{{3, 16, 8, 10}, {2, 32, 7, 9}, {2, 16, 2, 3}, {1, 16, 5, 4}};

TEST(NormPool, MaximumEqualsAten) {
  for (const Size& s : kSizes) {
    for (const at::ScalarType dtype : {at::kDouble, at::kFloat}) {
      const auto run = [&](bool own) {
        const at::Tensor x = (draw({s.n, s.C, s.H, s.W}, 1) + 5).to(dtype).set_requires_grad(true);
        const Norm norm(s.C, dtype);
        return all_of(x, norm,
                      own ? norm_max_train(x, norm.at, nullptr)
                          : at::max_pool2d(aten_norm(x, norm.at, true), 2));
      };
      expect_near(run(true), run(false), dtype == at::kDouble ? 1e-12 : 1e-4);
    }
  }
}

TEST(NormPool, MeanEqualsAten) {
  for (const Size& s : kSizes) {
    for (const at::ScalarType dtype : {at::kDouble, at::kFloat}) {
      const auto run = [&](bool own) {
        const at::Tensor x = (draw({s.n, s.C, s.H, s.W}, 1) + 5).to(dtype).set_requires_grad(true);
        const Norm norm(s.C, dtype);
        return all_of(
            x, norm,
            own ? norm_mean_train(x, norm.at, nullptr) : aten_norm(x, norm.at, true).mean({2, 3}));
      };
      expect_near(run(true), run(false), dtype == at::kDouble ? 1e-12 : 1e-4);
    }
  }
}

// Decibels: a mean far from 0, beside borders of 0.
at::Tensor spectrograms(const Size& s) { return draw({s.n, 1, s.H, s.W}, 1) * 10 - 40; }

TEST(FirstBlock, EqualsAten) {
  for (const Size& s : kSizes) {
    for (const at::ScalarType dtype : {at::kDouble, at::kFloat}) {
      const at::Tensor images = spectrograms(s).to(dtype);
      const auto run = [&](bool own) {
        const at::Tensor w = draw({s.C, 1, 3, 3}, 2).to(dtype).set_requires_grad(true);
        const Norm norm(s.C, dtype);
        return all_of(
            w, norm,
            own ? first_block_train(images, w, norm.at, nullptr)
                : at::max_pool2d(aten_norm(at::conv2d(images, w, {}, 1, 1), norm.at, true), 2));
      };
      expect_near(run(true), run(false), dtype == at::kDouble ? 1e-11 : 1e-3);
    }
  }
}

TEST(FirstBlock, ItsGradientIsTheSlopeOfItsValue) {
  const Size s{2, 16, 6, 7};
  const at::Tensor images = spectrograms(s), w0 = draw({s.C, 1, 3, 3}, 2);
  const at::Tensor outer = draw({s.n, s.C, s.H / 2, s.W / 2}, 9), along = draw({s.C, 1, 3, 3}, 11);
  const auto value = [&](const at::Tensor& w) {
    return first_block_train(images, w, Norm(s.C, at::kDouble).at, nullptr);
  };
  const at::Tensor w = w0.clone().set_requires_grad(true);
  torch::autograd::backward({value(w)}, {outer});
  const double h = 1e-6;
  const double slope =
      ((value(w0 + h * along) - value(w0 - h * along)) * outer).sum().item<double>() / (2 * h);
  EXPECT_NEAR((w.grad() * along).sum().item<double>(), slope, 1e-5 * (std::fabs(slope) + 1));
}

TEST(ImageKernels, EvaluateByTheRunningValues) {
  for (const Size& s : kSizes) {
    const at::Tensor images = spectrograms(s), w = draw({s.C, 1, 3, 3}, 2);
    const at::Tensor x = at::conv2d(images, w, {}, 1, 1);
    const BatchNormAt at{draw({s.C}, 3), draw({s.C}, 4), draw({s.C}, 5) * 40, draw({s.C}, 6) + 1.5};
    const at::Tensor y = aten_norm(x, at, false), pooled = at::max_pool2d(y, 2);
    EXPECT_LT(apart(first_block_evaluate(images, w, at), pooled), 1e-12);
    EXPECT_LT(apart(norm_max_evaluate(x, at), pooled), 1e-12);
    EXPECT_LT(apart(norm_mean_evaluate(x, at), y.mean({2, 3})), 1e-12);
  }
}

TEST(ChannelsLast, EqualsAten) {
  for (const std::vector<std::int64_t>& shape :
       {std::vector<std::int64_t>{5, 7, 3, 3}, {4, 1, 3, 2}, {3, 33, 1, 1}, {2, 64, 7, 7}}) {
    for (const at::ScalarType dtype : {at::kDouble, at::kFloat}) {
      for (const bool innermost : {true, false}) {  // of the gradient that comes in
        const at::Tensor w = draw(shape, 1).to(dtype).set_requires_grad(true);
        const at::Tensor y = channels_last(w), outer = draw(shape, 2).to(dtype);
        EXPECT_TRUE(at::equal(y, w));
        EXPECT_TRUE(y.is_contiguous(at::MemoryFormat::ChannelsLast));
        torch::autograd::backward(
            {y}, {innermost ? outer.contiguous(at::MemoryFormat::ChannelsLast) : outer});
        EXPECT_TRUE(at::equal(w.grad(), outer));
        EXPECT_TRUE(w.grad().is_contiguous());
      }
    }
  }
}

// What other devices compute, here on the CPU: also of one value a channel, whose unbiased variance
// ATen does not know.
TEST(AtenNorm, EqualsOurKernels) {
  for (const std::int64_t side : {4, 1}) {
    for (const std::int64_t rows : {3, 1}) {
      SCOPED_TRACE(std::to_string(rows) + " rows of " + std::to_string(side));
      const at::Tensor x0 = draw({rows, 16, side, side}, 9) + 1,
                       outer = draw({rows, 16, side, side}, 8);
      Norm one(16, at::kDouble), other(16, at::kDouble);
      const at::Tensor a = x0.clone().set_requires_grad(true),
                       b = x0.clone().set_requires_grad(true);
      const at::Tensor y = batch_norm_train(a, one.at, {}, true, nullptr),
                       z = behind_norm(aten_norm_train(b, other.at, nullptr), {}, true);
      EXPECT_LT(apart(y, z), 1e-12);
      EXPECT_LT(apart(one.at.running_mean, other.at.running_mean), 1e-12);
      EXPECT_LT(apart(one.at.running_var, other.at.running_var), 1e-12);
      torch::autograd::backward({(y * outer).sum(), (z * outer).sum()}, {});
      EXPECT_LT(apart(a.grad(), b.grad()), 1e-11);
      EXPECT_LT(apart(one.at.gamma.grad(), other.at.gamma.grad()), 1e-11);
      EXPECT_LT(
          apart(aten_norm_evaluate(x0, one.at), batch_norm_evaluate(x0.clone(), one.at, {}, false)),
          1e-12);
    }
  }
}

TEST(ImageKernels, NotANumberStays) {
  const Size s{2, 16, 6, 6};
  const double nan = std::numeric_limits<double>::quiet_NaN();
  at::Tensor x = draw({s.n, s.C, s.H, s.W}, 1), image = spectrograms(s);
  x[0][3][2][3] = nan, image[0][0][2][3] = nan;
  const BatchNormAt at{draw({s.C}, 3), draw({s.C}, 4), draw({s.C}, 5), draw({s.C}, 6) + 1.5};
  const at::Tensor pooled = norm_max_evaluate(x, at), mean = norm_mean_evaluate(x, at);
  EXPECT_TRUE(pooled[0][3][1][1].isnan().item<bool>());
  EXPECT_EQ(pooled.isnan().sum().item<std::int64_t>(), 1);
  EXPECT_TRUE(mean[0][3].isnan().item<bool>());
  EXPECT_EQ(mean.isnan().sum().item<std::int64_t>(), 1);
  // An image is taken about its own mean.
  const at::Tensor first = first_block_evaluate(image, draw({s.C, 1, 3, 3}, 2), at);
  EXPECT_TRUE(first[0].isnan().all().item<bool>());
  EXPECT_FALSE(first[1].isnan().any().item<bool>());
}

TEST(ImageKernels, WithoutRowsAreEmptyAndChangeNothing) {
  const Norm norm(16, at::kDouble);
  const at::Tensor x = at::empty({0, 16, 6, 4}, at::kDouble).set_requires_grad(true);
  const at::Tensor w = draw({16, 1, 3, 3}, 2).set_requires_grad(true);
  const at::Tensor images = at::empty({0, 1, 6, 4}, at::kDouble);
  const Tensors all{norm_max_train(x, norm.at, nullptr), norm_mean_train(x, norm.at, nullptr),
                    first_block_train(images, w, norm.at, nullptr)};
  for (const at::Tensor& y : all) {
    EXPECT_EQ(y.numel(), 0);
    torch::autograd::backward({y}, {at::zeros_like(y)});
  }
  EXPECT_EQ(w.grad().abs().max().item<double>(), 0);
  EXPECT_EQ(norm.at.gamma.grad().abs().max().item<double>(), 0);
  EXPECT_EQ(norm.at.running_var.sub(1).abs().max().item<double>(), 0);
}

}  // namespace
}  // namespace emosweep::models
