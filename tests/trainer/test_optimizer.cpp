// Optimisers against step-by-step references and closed forms; schedules and selection against
// their definitions.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "base/error.h"
#include "results/metrics.h"
#include "trainer/optimizer.h"
#include "trainer/schedule.h"
#include "trainer/selection.h"

namespace emosweep::trainer {
namespace {

// One element, in the order of PyTorch's documentation, all in double.
struct Element {
  double p, m = 0, v = 0, u = 0;
  int t = 0;

  void step(const OptimizerOptions& o, double g, double lr, bool decays) {
    const double wd = decays ? o.weight_decay : 0;
    ++t;
    if (o.optimizer == "adamw")
      p = p - lr * wd * p;
    else
      g = g + wd * p;
    if (o.optimizer == "sgd") {
      u = t == 1 ? g : o.momentum * u + g;
      p = p - lr * u;
      return;
    }
    m = 0.9 * m + 0.1 * g;
    v = 0.999 * v + 0.001 * g * g;
    const double m_hat = m / (1 - std::pow(0.9, t)), v_hat = v / (1 - std::pow(0.999, t));
    p = p - lr * m_hat / (std::sqrt(v_hat) + 1e-8);
  }
};

std::vector<OptimizerOptions> three(const std::string& name) {
  std::vector<OptimizerOptions> options(3);
  for (OptimizerOptions& o : options) o.optimizer = name;
  options[0].weight_decay = 0;
  options[1].weight_decay = 0.1;
  options[1].momentum = 0.9;
  options[2].weight_decay = 0.01;
  options[2].momentum = 0.5;
  return options;
}

class Optimizers : public testing::TestWithParam<std::tuple<std::string, at::ScalarType>> {};

TEST_P(Optimizers, FollowTheReferenceElementByElement) {
  const auto [name, dtype] = GetParam();
  const std::int64_t K = 3, P = 96;
  const std::vector<OptimizerOptions> options = three(name);
  at::Tensor flat = at::arange(K * P, at::kDouble).sin().reshape({K, P}).to(dtype);
  // Long runs and single ones; rates change where decay does, elsewhere, and not at all.
  const auto decays = [](std::int64_t i) { return i < 5 || (i >= 42 && i % 7 != 0); };
  at::Tensor mask = at::zeros({P});
  for (std::int64_t i = 0; i < P; ++i) mask[i] = decays(i) ? 1 : 0;
  const std::vector<models::RateRange> ranges{{0, 5, 0.5}, {20, 60, 0.25}, {60, 70, 2}};
  const auto rate_scale = [&](std::int64_t i) {
    for (const models::RateRange& range : ranges)
      if (i >= range.begin && i < range.end) return range.scale;
    return 1.0;
  };
  std::vector<Element> reference;
  for (std::int64_t i = 0; i < K * P; ++i) {
    reference.push_back({flat.flatten()[i].to(at::kDouble).item<double>()});
  }
  Optimizer optimizer(options, flat, mask, ranges);
  for (int t = 1; t <= 25; ++t) {
    const at::Tensor gradient =
        ((at::arange(K * P, at::kDouble) * 0.37 + t).cos() * 0.5).reshape({K, P}).to(dtype);
    // Trial 2 sits out every third step: no decay, no count.
    const std::vector<std::uint8_t> active{1, 1, static_cast<std::uint8_t>(t % 3 != 0)};
    const std::vector<double> rates{0.01 / t, 0.02, 0.003 * t};
    optimizer.step(flat, gradient, rates, active);
    for (std::int64_t i = 0; i < K * P; ++i) {
      const auto k = static_cast<std::size_t>(i / P);
      if (!active[k]) continue;
      reference[static_cast<std::size_t>(i)].step(
          options[k], gradient.flatten()[i].to(at::kDouble).item<double>(),
          rates[k] * rate_scale(i % P), decays(i % P));
    }
  }
  const double relative = dtype == at::kDouble ? 1e-12 : 2e-5;
  for (std::int64_t i = 0; i < K * P; ++i) {
    const double expected = reference[static_cast<std::size_t>(i)].p;
    EXPECT_NEAR(flat.flatten()[i].to(at::kDouble).item<double>(), expected,
                relative * std::max(1.0, std::abs(expected)));
  }
}

INSTANTIATE_TEST_SUITE_P(All, Optimizers,
                         testing::Combine(testing::Values("adamw", "adam", "sgd"),
                                          testing::Values(at::kDouble, at::kFloat)));

// Under a constant gradient both moments are exact after their correction, so every step is lr * g
// / (|g| + eps).
TEST(Optimizer, AdamUnderAConstantGradientIsClosedForm) {
  OptimizerOptions o;
  o.weight_decay = 0.5;
  at::Tensor flat = at::full({1, 16}, 2.0, at::kDouble);
  Optimizer optimizer({o}, flat, at::ones({16}));
  const at::Tensor gradient = at::full({1, 16}, -3.0, at::kDouble);
  double expected = 2;
  const std::vector<double> rate{0.01};
  for (int t = 0; t < 40; ++t) {
    optimizer.step(flat, gradient, rate);
    expected = expected * (1 - 0.01 * 0.5) + 0.01 * 3 / (3 + 1e-8);
  }
  EXPECT_NEAR(flat[0][7].item<double>(), expected, 1e-12);
}

TEST(Optimizer, ClipsTheWholeGradientOfEachTrial) {
  OptimizerOptions clipped, free;
  clipped.optimizer = free.optimizer = "sgd";
  clipped.weight_decay = free.weight_decay = 0;
  clipped.clip_norm = 2;
  at::Tensor flat = at::zeros({2, 32}, at::kDouble);
  const at::Tensor gradient = at::full({2, 32}, 3.0, at::kDouble);
  Optimizer optimizer({clipped, free}, flat, at::ones({32}));
  const std::vector<double> rates{1, 1};
  optimizer.step(flat, gradient, rates);
  const double norm = 3 * std::sqrt(32.0);
  EXPECT_NEAR(flat[0].norm().item<double>(), 2 * norm / (norm + 1e-6), 1e-12);
  EXPECT_NEAR(flat[1].norm().item<double>(), norm, 1e-12);
}

TEST(Optimizer, ReportsAGradientThatIsOfNoUseAndTouchesNoOtherTrial) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN(),
                   kInf = std::numeric_limits<double>::infinity();
  for (const char* name : {"adamw", "adam", "sgd"}) {
    for (const double clip_norm : {0.0, 1.0}) {
      for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
        for (const double value : {kNaN, -kNaN, kInf, -kInf}) {
          for (const std::int64_t place : {0, 20, 32}) {
            OptimizerOptions o;
            o.optimizer = name;
            o.clip_norm = clip_norm;
            const std::vector<double> rates{0.1, 0.1, 0.1};
            at::Tensor flat = at::ones({3, 33}, type), alone = at::ones({1, 33}, type);
            at::Tensor gradient = at::ones({3, 33}, type);
            gradient[1][place] = value;
            at::Tensor decays = at::ones({33});  // five segments
            decays.narrow(0, 0, 5).zero_();
            decays.narrow(0, 30, 3).zero_();
            const std::vector<models::RateRange> ranges{{10, 25, 0.5}};
            Optimizer optimizer({o, o, o}, flat, decays, ranges), other({o}, alone, decays, ranges);
            const std::vector<std::uint8_t> usable = optimizer.step(flat, gradient, rates);
            other.step(alone, at::ones({1, 33}, type), std::vector<double>{0.1});
            EXPECT_EQ(usable, (std::vector<std::uint8_t>{1, 0, 1})) << name << " " << value;
            EXPECT_TRUE(at::equal(flat[0], alone[0]) && at::equal(flat[2], alone[0])) << name;
            EXPECT_FALSE(at::equal(alone, at::ones({1, 33}, type)));
          }
        }
      }
    }
  }
}

// A square that overflows would stand in the second moment for good: the parameter never moved
// again.
TEST(Optimizer, TheSquaresOfAGradientAreFiniteToo) {
  const auto usable = [](double value, at::ScalarType type, double clip_norm) {
    OptimizerOptions o;
    o.clip_norm = clip_norm;
    at::Tensor flat = at::ones({1, 20}, type), gradient = at::zeros({1, 20}, type);
    gradient[0][17] = value;
    Optimizer optimizer({o}, flat, at::ones({20}));
    const bool ours = optimizer.step(flat, gradient, std::vector<double>{0.1})[0] != 0;
    if (ours) {
      EXPECT_NE(flat[0][17].item<double>(), flat[0][16].item<double>()) << value;
    }
    return ours;
  };
  EXPECT_TRUE(usable(-1.8e19, at::kFloat, 0));
  EXPECT_FALSE(usable(-1.9e19, at::kFloat, 0));
  EXPECT_TRUE(usable(1.9e19, at::kFloat, 1)) << "clipped before it is squared";
  EXPECT_TRUE(usable(1.3e154, at::kDouble, 0));
  EXPECT_FALSE(usable(1.4e154, at::kDouble, 0));
  EXPECT_FALSE(usable(1.4e154, at::kDouble, 1)) << "its norm is inf";
}

TEST(Optimizer, RefusesWhatItDoesNotKnow) {
  OptimizerOptions o;
  o.optimizer = "adamx";
  EXPECT_THROW(Optimizer({o}, at::ones({1, 16}), at::ones({16})), InputError);
}

TEST(Schedule, FollowsItsFormulas) {
  const Schedule warm{"constant", 0.5, 4, 20};
  EXPECT_DOUBLE_EQ(learning_rate(warm, 0), 0.125);
  EXPECT_DOUBLE_EQ(learning_rate(warm, 2), 0.375);
  EXPECT_DOUBLE_EQ(learning_rate(warm, 3), 0.5);
  EXPECT_DOUBLE_EQ(learning_rate(warm, 19), 0.5);
  const Schedule linear{"linear", 0.5, 4, 20};
  EXPECT_DOUBLE_EQ(learning_rate(linear, 3), 0.5);
  EXPECT_DOUBLE_EQ(learning_rate(linear, 4), 0.5);
  EXPECT_DOUBLE_EQ(learning_rate(linear, 12), 0.25);
  EXPECT_DOUBLE_EQ(learning_rate(linear, 19), 0.5 / 16);
  EXPECT_DOUBLE_EQ(learning_rate(linear, 99), 0);
  const Schedule cosine{"cosine", 2, 0, 8};
  EXPECT_DOUBLE_EQ(learning_rate(cosine, 0), 2);
  EXPECT_NEAR(learning_rate(cosine, 4), 1, 1e-15);
  EXPECT_NEAR(learning_rate(cosine, 2), 1 + std::cos(std::numbers::pi / 4), 1e-15);
  EXPECT_DOUBLE_EQ(learning_rate({"cosine", 1, 10, 5}, 7), 0.8);  // all of it is warm-up
  EXPECT_THROW(learning_rate({"step", 1, 0, 5}, 0), InputError);
}

results::NamedValues right(std::int64_t hits, std::int64_t misses) {
  results::Confusion c(2);
  c.add(0, 0, hits);
  c.add(0, 1, misses);
  return results::named_scores(c);
}

TEST(Selection, KeepsTheEarlierOfEqualsAndNeverNan) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Selection loss("loss", 2);
  EXPECT_FALSE(loss.offer(0, nan, right(1, 0)));
  EXPECT_EQ(loss.best_epoch(), -1);
  EXPECT_TRUE(loss.offer(1, 0.5, right(1, 0)));
  EXPECT_FALSE(loss.offer(2, 0.5, right(9, 0)));
  EXPECT_FALSE(loss.exhausted(2));
  EXPECT_FALSE(loss.offer(3, nan, right(9, 0)));
  EXPECT_TRUE(loss.exhausted(3));
  EXPECT_TRUE(loss.offer(4, 0.4, right(1, 0)));
  EXPECT_EQ(loss.best_epoch(), 4);
  EXPECT_FALSE(loss.exhausted(5));

  Selection accuracy("accuracy", 0);
  EXPECT_TRUE(accuracy.offer(0, 1, right(1, 9)));
  EXPECT_TRUE(accuracy.offer(1, 9, right(5, 5)));
  EXPECT_FALSE(accuracy.offer(2, 0, right(5, 5)));
  EXPECT_FALSE(accuracy.offer(3, nan, right(10, 0)));
  EXPECT_EQ(accuracy.best_epoch(), 1);
  EXPECT_FALSE(accuracy.exhausted(100));

  Selection last("last", 1);
  EXPECT_TRUE(last.offer(0, 1, right(1, 1)));
  EXPECT_TRUE(last.offer(1, 2, right(0, 1)));
  EXPECT_FALSE(last.exhausted(9));
  EXPECT_THROW(Selection("f1", 0), InputError);

  Selection error("mae", 0);  // of values the lower
  EXPECT_TRUE(error.offer(0, 1, {{"mae", .5}}));
  EXPECT_FALSE(error.offer(1, 0, {{"mae", .6}}));
  EXPECT_TRUE(error.offer(2, 9, {{"mae", .4}}));
  EXPECT_THROW(Selection("ccc", 0).offer(0, 1, right(1, 0)), InputError);
}

}  // namespace
}  // namespace emosweep::trainer
