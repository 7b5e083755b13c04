// Image networks against torchvision's (tests/fixtures/image_networks.json, made by
// scripts/make_image_fixture.py) and batch norm against ATen's.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "models/batch_norm.h"
#include "models/image_network.h"
#include "models/work.h"
#include "support.h"

namespace emosweep::models {
namespace {

using Json = nlohmann::json;

Json fixture(const char* name) {
  std::ifstream file(std::string(EMOSWEEP_SOURCE_DIR) + "/tests/fixtures/image_networks.json");
  return Json::parse(file).at(name);
}

using test::uniform;

// As fill() of the script.
void fill(Model& model) {
  const at::NoGradGuard no_grad;
  std::vector<Leaf> all = model.leaves();
  all.insert(all.end(), model.state().begin(), model.state().end());
  std::sort(all.begin(), all.end(), [](const Leaf& a, const Leaf& b) { return a.name < b.name; });
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::string& name = all[i].name;
    const at::Tensor& value = all[i].value;
    at::Tensor u = uniform(value.numel(), static_cast<std::int64_t>(i)).view(value.sizes());
    const std::int64_t dims = value.dim() - 1;  // behind the trial axis
    if (dims > 1) {
      const auto fan = static_cast<double>(dims == 4 ? value.size(1) * value.size(3) * value.size(4)
                                                     : value.size(2));
      u = u * std::sqrt(3.0 / fan);
    } else if (name.ends_with("running_var") || name.ends_with(".weight")) {
      u = u * 0.3 + 1;
    } else {
      u = u * 0.1;
    }
    value.copy_(u);
  }
}

ModelOptions options_of(const std::string& model, const Json& expected, at::ScalarType dtype) {
  ModelOptions options;
  options.model = model;
  options.inputs = {"wave"};
  options.image_height = expected["height"];
  options.image_width = expected["width"];
  options.widths = {options.image_height * options.image_width};
  options.classes = expected["classes"];
  options.dtype = dtype;
  return options;
}

data::Batch batch_of(const at::Tensor& images, std::int64_t padding) {
  data::Batch batch;
  const std::int64_t n = images.size(0), b = n + padding;
  at::Tensor x = at::full({1, b, images.size(1)}, 1e6, images.options());
  x[0].narrow(0, 0, n).copy_(images);
  batch.inputs.push_back({x, {}, {}});
  batch.weight = at::zeros({1, b}, at::kDouble);
  batch.weight.narrow(1, 0, n).fill_(1);
  batch.position = at::arange(b, at::kLong).unsqueeze(0);
  batch.sample = batch.position;
  batch.global_rows = b;
  return batch;
}

double apart(const at::Tensor& own, const Json& expected) {
  const auto values = expected.get<std::vector<double>>();
  const at::Tensor flat = own.to(at::kDouble).flatten().contiguous();
  EXPECT_EQ(flat.numel(), static_cast<std::int64_t>(values.size()));
  double worst = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    worst = std::max(worst, std::fabs(flat.const_data_ptr<double>()[i] - values[i]));
  }
  return worst;
}

class Torchvision : public testing::TestWithParam<const char*> {};

TEST_P(Torchvision, SameWeightsSameNumbers) {
  const Json expected = fixture(GetParam());
  const std::int64_t n = expected["rows"];
  for (const at::ScalarType dtype : {at::kDouble, at::kFloat}) {
    const double near = dtype == at::kDouble ? 1e-11 : 1e-5;
    const ModelOptions options = options_of(GetParam(), expected, dtype);
    const auto model = make_model(options, test::keys_of(1));
    fill(*model);
    const at::Tensor images =
        uniform(n * options.widths[0], 999).view({n, options.widths[0]}).to(dtype);
    const data::Batch batch = batch_of(images, 3);
    test::StepParts parts{test::keys_of(1), at::zeros({1}, dtype), {}};
    {
      const at::NoGradGuard no_grad;
      const Output out = model->forward(batch, test::step_of(parts, false));
      EXPECT_LT(apart(out.heads[0][0].narrow(0, 0, n), expected["evaluated"]), near);
    }
    const Output out = model->forward(batch, test::step_of(parts, true));
    const at::Tensor logits = out.heads[0][0].narrow(0, 0, n);
    EXPECT_LT(apart(logits.detach(), expected["trained"]), 40 * near);  // of values up to 5
    const at::Tensor target = at::remainder(at::arange(n, at::kLong), options.classes);
    torch::autograd::backward({at::cross_entropy_loss(logits, target)}, {});
    std::size_t compared = 0;
    for (const Leaf& leaf : model->leaves()) {
      const double norm = expected["gradient_norms"].at(leaf.name);
      EXPECT_NEAR(leaf.value.grad().norm().item<double>(), norm,
                  (dtype == at::kDouble ? 1e-9 : 2e-3) * (norm + 1e-3))
          << leaf.name;
      ++compared;
    }
    EXPECT_EQ(compared, expected["gradient_norms"].size());
    for (const Leaf& leaf : model->state()) {
      const double sum = expected["running_sums"].at(leaf.name);
      EXPECT_NEAR(leaf.value.sum().item<double>(), sum,
                  (dtype == at::kDouble ? 1e-10 : 1e-4) * (std::fabs(sum) + 1))
          << leaf.name;
    }
    EXPECT_EQ(model->state().size(), expected["running_sums"].size());
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, Torchvision, testing::Values("small_cnn", "resnet18"));

struct NormCase {
  bool residual, relu;
};

TEST(BatchNorm, EqualsAtenAndItsGradients) {
  for (const NormCase& c : {NormCase{false, false}, {false, true}, {true, true}, {true, false}}) {
    for (const at::ScalarType dtype : {at::kDouble, at::kFloat}) {
      const std::int64_t n = 5, C = 7, H = 9, W = 11;
      const auto draw = [&](std::vector<std::int64_t> shape, std::int64_t salt) {
        std::int64_t size = 1;
        for (const auto d : shape) size *= d;
        return uniform(size, salt).view(shape).to(dtype);
      };
      // A mean far from 0 beside a small spread: sums of squares would lose digits.
      const at::Tensor x0 = draw({n, C, H, W}, 1) + 20, r0 = draw({n, C, H, W}, 2);
      const at::Tensor g0 = draw({C}, 3) + 1.5, b0 = draw({C}, 4), outer = draw({n, C, H, W}, 5);
      const auto run = [&](bool own) {
        const at::Tensor x = x0.clone().set_requires_grad(true),
                         r = r0.clone().set_requires_grad(true);
        const at::Tensor g = g0.clone().set_requires_grad(true),
                         b = b0.clone().set_requires_grad(true);
        at::Tensor mean = at::zeros({C}, dtype), var = at::ones({C}, dtype), y;
        if (own) {
          y = batch_norm_train(x, {g, b, mean, var}, c.residual ? r : at::Tensor(), c.relu,
                               nullptr);
        } else {
          y = at::batch_norm(x, g, b, mean, var, true, 0.1, 1e-5, false);
          if (c.residual) y = y + r;
          if (c.relu) y = at::relu(y);
        }
        torch::autograd::backward({y}, {outer});
        return std::vector<at::Tensor>{
            y.detach(), x.grad(), g.grad(), b.grad(), c.residual ? r.grad() : b.grad(), mean, var};
      };
      const auto own = run(true), other = run(false);
      for (std::size_t i = 0; i < own.size(); ++i) {
        const double scale = other[i].abs().max().item<double>() + 1;
        EXPECT_LT((own[i] - other[i]).abs().max().item<double>(),
                  (dtype == at::kDouble ? 1e-12 : 2e-4) * scale)
            << i << " residual " << c.residual << " relu " << c.relu;
      }
    }
  }
}

TEST(BatchNorm, EvaluatesByTheRunningValues) {
  const std::int64_t C = 6;
  const at::Tensor x = uniform(2 * C * 8 * 5, 1).view({2, C, 8, 5}),
                   r = uniform(x.numel(), 2).view_as(x);
  const BatchNormAt at{uniform(C, 3) + 1, uniform(C, 4), uniform(C, 5), uniform(C, 6) + 1.5};
  const at::Tensor normed = at::batch_norm(x, at.gamma, at.beta, at.running_mean, at.running_var,
                                           false, 0.1, 1e-5, false);
  const auto apart = [](const at::Tensor& a, const at::Tensor& b) {
    return (a - b).abs().max().item<double>();
  };
  EXPECT_LT(apart(batch_norm_evaluate(x, at, r, true), at::relu(normed + r)), 1e-12);
  EXPECT_LT(apart(batch_norm_evaluate(x, at, {}, false), normed), 1e-12);
}

TEST(ImageNetwork, AnswersOneImageTheSameBesideAnyOthers) {
  const Json expected = fixture("small_cnn");
  const ModelOptions options = options_of("small_cnn", expected, at::kDouble);
  const auto model = make_model(options, test::keys_of(1));
  fill(*model);
  const at::Tensor images = uniform(4 * options.widths[0], 7).view({4, options.widths[0]});
  test::StepParts parts{test::keys_of(1), at::zeros({1}, at::kDouble), {}};
  const at::NoGradGuard no_grad;
  const at::Tensor all = model->forward(batch_of(images, 0), test::step_of(parts, false)).heads[0];
  const at::Tensor one =
      model->forward(batch_of(images.narrow(0, 2, 1), 5), test::step_of(parts, false)).heads[0];
  EXPECT_LT((all[0][2] - one[0][0]).abs().max().item<double>(), 1e-12);
  // A batch of nothing but padding.
  const Output none =
      model->forward(batch_of(images.narrow(0, 0, 0), 4), test::step_of(parts, true));
  EXPECT_EQ(none.heads[0].sizes(), (std::vector<std::int64_t>{1, 4, options.classes}));
  for (const Leaf& leaf : model->state()) EXPECT_TRUE(at::isfinite(leaf.value).all().item<bool>());
}

// More than are evaluated at a time.
TEST(ImageNetwork, AnswersManyImagesInTheirOrder) {
  ModelOptions options = options_of("small_cnn", fixture("small_cnn"), at::kFloat);
  options.image_height = 64, options.image_width = 94;
  options.widths = {64 * 94};
  const auto model = make_model(options, test::keys_of(1));
  fill(*model);
  const std::int64_t n = 50;
  const at::Tensor level = at::arange(n, at::kDouble).view({n, 1}) * 0.1;
  const at::Tensor images = (uniform(n * 64 * 94, 7).view({n, 64 * 94}) + level).to(at::kFloat);
  test::StepParts parts{test::keys_of(1), at::zeros({1}, at::kFloat), {}};
  const at::NoGradGuard no_grad;
  const at::Tensor all = model->forward(batch_of(images, 2), test::step_of(parts, false)).heads[0];
  for (const std::int64_t i : {0, 42, 43, 49}) {
    const at::Tensor one =
        model->forward(batch_of(images.narrow(0, i, 1), 0), test::step_of(parts, false)).heads[0];
    EXPECT_LT((all[0][i] - one[0][0]).abs().max().item<double>(), 1e-5) << i;
    EXPECT_GT((all[0][i] - all[0][(i + 1) % n]).abs().max().item<double>(), 5e-5) << i;
  }
}

TEST(ImageNetwork, SelectKeepsRunningValues) {
  const Json expected = fixture("small_cnn");
  const auto model = make_model(options_of("small_cnn", expected, at::kFloat), test::keys_of(1));
  fill(*model);
  const std::vector<std::int64_t> first{0};
  const auto copy = model->select(first);
  for (std::size_t i = 0; i < model->state().size(); ++i) {
    EXPECT_TRUE(at::equal(model->state()[i].value, copy->state()[i].value));
  }
  EXPECT_TRUE(at::equal(model->flat(), copy->flat()));
  EXPECT_FALSE(model->packable());
}

TEST(ImageNetwork, OptionsThatMakeNoImageAreRefused) {
  const Json expected = fixture("resnet18");
  ModelOptions options = options_of("resnet18", expected, at::kFloat);
  // torchvision counts 11,689,512 with 3 channels and 1000 classes.
  EXPECT_EQ(parameter_count(options), 11689512 - 64 * 2 * 49 - (1000 - 5) * 513);
  options.widths[0] += 1;
  EXPECT_THROW(check_options(options), InputError);
  options = options_of("resnet18", expected, at::kFloat);
  options.image_height = 0;
  EXPECT_THROW(check_options(options), InputError);
  options = options_of("resnet18", expected, at::kFloat);
  options.kernels = Kernels::fused;
  EXPECT_THROW(check_options(options), InputError);
  options.model = "resnet81";
  try {
    check_options(options);
    FAIL();
  } catch (const InputError& e) {
    EXPECT_NE(std::string(e.what()).find("resnet18"), std::string::npos);
  }
}

}  // namespace
}  // namespace emosweep::models
