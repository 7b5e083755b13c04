// L-BFGS on known functions; linear models against scikit-learn and against the optimality
// conditions.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "trainer/lbfgs.h"
#include "trainer/linear.h"

namespace emosweep::trainer {
namespace {

using Json = nlohmann::json;

Alone team;

TEST(Lbfgs, FindsTheMinimumOfRosenbrocksValley) {
  std::vector<double> x(10, -1.2);
  LbfgsOptions options;
  options.gradient = 1e-10;
  const LbfgsResult done = minimise(
      [](std::span<const double> p, std::span<double> g) {
        std::fill(g.begin(), g.end(), 0.0);
        double f = 0;
        for (std::size_t i = 0; i + 1 < p.size(); ++i) {
          const double a = p[i + 1] - p[i] * p[i], b = 1 - p[i];
          f += 100 * a * a + b * b;
          g[i] += -400 * a * p[i] - 2 * b;
          g[i + 1] += 200 * a;
        }
        return f;
      },
      x, options);
  EXPECT_TRUE(done.converged);
  EXPECT_LT(done.iterations, 200);
  for (double v : x) EXPECT_NEAR(v, 1, 1e-9);
}

TEST(Lbfgs, SolvesABadlyScaledQuadratic) {
  std::vector<double> x(30, 1);
  const LbfgsResult done = minimise(
      [](std::span<const double> p, std::span<double> g) {
        double f = 0;
        for (std::size_t i = 0; i < p.size(); ++i) {
          const double scale = std::pow(10.0, static_cast<double>(i % 5) - 2),
                       d = p[i] - static_cast<double>(i);
          f += 0.5 * scale * d * d;
          g[i] = scale * d;
        }
        return f;
      },
      x);
  EXPECT_TRUE(done.converged);
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(x[i], static_cast<double>(i), 1e-3);
}

TEST(Lbfgs, SaysWhenItDoesNotConverge) {
  std::vector<double> x{3};
  LbfgsOptions options;
  options.iterations = 20;
  const LbfgsResult done = minimise(
      [](std::span<const double> p, std::span<double> g) {
        g[0] = -1;  // falls for ever
        return -p[0];
      },
      x, options);
  EXPECT_FALSE(done.converged);
}

at::Tensor matrix(const Json& rows) {
  at::Tensor t =
      at::empty({static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(rows[0].size())},
                at::kDouble);
  double* p = t.mutable_data_ptr<double>();
  for (const Json& row : rows) {
    for (const Json& value : row) *p++ = value.get<double>();
  }
  return t;
}

ObjectiveOptions weights_of(const Json& class_weight) {
  ObjectiveOptions o;
  if (class_weight.is_string()) o.class_weights = ClassWeights::balanced;
  if (!class_weight.is_array()) return o;
  o.class_weights = ClassWeights::list;
  o.weights = class_weight.get<std::vector<double>>();
  return o;
}

TEST(Linear, AgreesWithScikitLearn) {
  std::ifstream file(EMOSWEEP_SOURCE_DIR "/tests/fixtures/linear.json");
  const Json fixture = Json::parse(file);
  ASSERT_EQ(fixture.at("problems").size(), 6u);
  for (const Json& problem : fixture.at("problems")) {
    SCOPED_TRACE(problem.at("name").get<std::string>());
    const auto label = problem.at("label").get<std::vector<std::int64_t>>();
    const auto occurring = problem.at("occurring").get<std::vector<std::int64_t>>();
    const LinearModel model =
        fit_linear(matrix(problem.at("x")), label, problem.at("classes"), problem.at("C"),
                   weights_of(problem.at("class_weight")), team);
    const at::Tensor coefficients = matrix(problem.at("coef"));
    for (std::size_t i = 0; i < occurring.size(); ++i) {
      const at::Tensor ours = model.weight[occurring[i]],
                       theirs = coefficients[static_cast<std::int64_t>(i)];
      EXPECT_LE((ours - theirs).abs().max().item<double>(), 1e-4);
    }
    const at::Tensor test = matrix(problem.at("test")),
                     probability = matrix(problem.at("probability"));
    const std::int64_t C = problem.at("classes");
    const std::vector<double> logits = linear_logits(model, test);
    const at::Tensor p = at::softmax(at::tensor(logits, at::kDouble).reshape({-1, C}), 1);
    for (std::size_t i = 0; i < occurring.size(); ++i) {
      const at::Tensor difference =
          p.select(1, occurring[i]) - probability.select(1, static_cast<std::int64_t>(i));
      EXPECT_LE(difference.abs().max().item<double>(), 5e-5);
    }
    const at::Tensor predicted = p.argmax(1);
    for (std::int64_t r = 0; r < test.size(0); ++r) {
      EXPECT_EQ(predicted[r].item<std::int64_t>(),
                problem.at("predicted")[static_cast<std::size_t>(r)].get<std::int64_t>());
    }
  }
}

TEST(Linear, TheGradientVanishesWithItsPenalty) {
  const std::int64_t n = 50, D = 7, classes = 3;
  const at::Tensor x = (at::arange(n * D, at::kDouble) * 1.3).sin().reshape({n, D});
  std::vector<std::int64_t> label;
  for (std::int64_t i = 0; i < n; ++i) label.push_back(x[i][0].item<double>() > 0 ? 0 : 1 + i % 2);
  const double C = 2.5;
  const LinearModel model = fit_linear(x, label, classes, C, {}, team);
  const at::Tensor W = model.weight.clone().requires_grad_(true),
                   b = model.bias.clone().requires_grad_(true);
  const at::Tensor l = at::log_softmax(at::addmm(b, x, W.t()), 1);
  const at::Tensor picked = l.gather(1, at::tensor(label, at::kLong).reshape({n, 1}));
  (C * -picked.sum() + 0.5 * (W * W).sum()).backward();
  const double limit = 1e-6 * C * static_cast<double>(n);
  EXPECT_LE(W.grad().abs().max().item<double>(), limit * (1 + 1e-6));
  EXPECT_LE(b.grad().abs().max().item<double>(), limit * (1 + 1e-6));
  EXPECT_GT(W.detach().abs().max().item<double>(), 0.1);
}

TEST(Linear, AClassWithoutRowsIsNeverPredicted) {
  const at::Tensor x = at::arange(12, at::kDouble).cos().reshape({6, 2});
  const std::vector<std::int64_t> label{0, 2, 0, 2, 0, 2};
  const LinearModel model = fit_linear(x, label, 3, 1, {}, team);
  EXPECT_EQ(model.bias[1].item<double>(), -std::numeric_limits<double>::infinity());
  const std::vector<double> logits = linear_logits(model, x);
  for (std::size_t i = 0; i < 6; ++i)
    EXPECT_LT(logits[3 * i + 1], std::min(logits[3 * i], logits[3 * i + 2]));
}

TEST(Linear, StopsWhenAskedAndRefusesBatchWeights) {
  const at::Tensor x = at::arange(12, at::kDouble).cos().reshape({6, 2});
  const std::vector<std::int64_t> label{0, 1, 0, 1, 0, 1};
  int asked = 0;
  EXPECT_THROW(fit_linear(x, label, 2, 1, {}, team, [&] { return ++asked == 3; }), Interrupted);
  EXPECT_EQ(asked, 3);
  ObjectiveOptions batch;
  batch.class_weights = ClassWeights::batch;
  EXPECT_THROW(fit_linear(x, label, 2, 1, batch, team), InputError);
}

}  // namespace
}  // namespace emosweep::trainer
