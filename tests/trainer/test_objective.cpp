// Losses against golden values of PyTorch, and against the formulas written with ATen's autograd.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "trainer/objective.h"

namespace emosweep::trainer {
namespace {

using Json = nlohmann::json;

at::Tensor tensor_of(const Json& rows) {  // [n][C] -> [1,n,C]
  const auto n = static_cast<std::int64_t>(rows.size());
  const auto C = static_cast<std::int64_t>(rows[0].size());
  at::Tensor t = at::empty({1, n, C}, at::kDouble);
  double* p = t.mutable_data_ptr<double>();
  for (const Json& row : rows) {
    for (const Json& value : row) *p++ = value.get<double>();
  }
  return t;
}

at::Tensor index_of(const Json& target) {  // [n] -> [1,n]
  at::Tensor t = at::empty({1, static_cast<std::int64_t>(target.size())}, at::kLong);
  for (std::size_t i = 0; i < target.size(); ++i) {
    t.mutable_data_ptr<std::int64_t>()[i] = target[i].get<std::int64_t>();
  }
  return t;
}

struct Value {
  std::vector<double> loss;  // [K]
  at::Tensor gradient;       // [K,b,C] of the sum of the trials' losses
};

// What the training loop does with the terms.
Value value_of(Objective& objective, const at::Tensor& logits, const data::Targets& targets,
               const at::Tensor& weight, Collective& team, bool train = true) {
  data::Batch batch;
  batch.K = logits.size(0);
  batch.targets = {targets};
  batch.weight = weight;
  const at::Tensor z = logits.clone().requires_grad_(true);
  models::Output output;
  output.heads = {z};
  const std::vector<StreamKey> keys(static_cast<std::size_t>(batch.K));
  const models::Step step{train, 0, 0, keys, at::zeros({batch.K}), team};
  const std::vector<Term> terms = objective.terms(batch, output, step);
  EXPECT_EQ(terms.size(), 1u);
  const at::Tensor loss = terms[0].sum * terms[0].weight / terms[0].count;
  loss.sum().backward();
  Value value;
  for (std::int64_t k = 0; k < batch.K; ++k) value.loss.push_back(loss[k].item<double>());
  value.gradient = z.grad();
  return value;
}

void expect_near(const at::Tensor& ours, const at::Tensor& golden, double relative) {
  const at::Tensor a = ours.to(at::kDouble), b = golden.to(at::kDouble);
  const double floor = 1e-2 * b.abs().max().item<double>();  // below it, relative to it
  const double worst = ((a - b).abs() / b.abs().clamp_min(floor)).max().item<double>();
  EXPECT_LE(worst, relative);
}

ObjectiveOptions options_of(const Json& one) {
  const Json& p = one.at("params");
  ObjectiveOptions o;
  o.loss = one.at("name").get<std::string>().starts_with("focal") ? "focal" : "cross_entropy";
  o.focal_gamma = p.value("focal_gamma", 2.0);
  o.loss_temperature = p.value("loss_temperature", 1.0);
  o.label_smoothing = p.value("label_smoothing", 0.0);
  o.smoothing_weights = p.value("smoothing_weights", "per_class");
  o.weight_reduction = p.value("weight_reduction", "");
  if (p.contains("weights")) {
    o.class_weights = ClassWeights::list;
    o.weights = p.at("weights").get<std::vector<double>>();
  }
  if (p.value("class_weights", "") == "batch") o.class_weights = ClassWeights::batch;
  return o;
}

TEST(Objective, AgreesWithGoldenValues) {
  std::ifstream file(EMOSWEEP_SOURCE_DIR "/tests/fixtures/loss_golden.json");
  const Json golden = Json::parse(file);
  ASSERT_EQ(golden.at("cases").size(), 14u);
  for (const Json& one : golden.at("cases")) {
    SCOPED_TRACE(one.at("name").get<std::string>());
    const at::Tensor logits = tensor_of(one.at("inputs").at("logits"));
    data::Targets targets;
    const Json& target = one.at("inputs").at("target");
    (target[0].is_array() ? targets.value : targets.index) =
        target[0].is_array() ? tensor_of(target) : index_of(target);
    const auto objective = make_objective({options_of(one)}, at::ones({1, 5}), at::kDouble);
    Alone team;
    const at::Tensor weight = at::ones({1, logits.size(1)});
    const double expected = one.at("value").get<double>();
    const at::Tensor gradient = tensor_of(one.at("gradients").at("logits"));

    const Value ours = value_of(*objective, logits, targets, weight, team);
    EXPECT_NEAR(ours.loss[0], expected, 1e-12 * expected);
    expect_near(ours.gradient, gradient, 1e-12);

    const Value single = value_of(*objective, logits.to(at::kFloat), targets, weight, team);
    EXPECT_EQ(single.gradient.scalar_type(), at::kFloat);
    EXPECT_NEAR(single.loss[0], expected, 1e-5 * expected);
    expect_near(single.gradient, gradient, 1e-5);
  }
}

// The documented formulas for one trial, by autograd. w: [C]; t: [b,C] target distribution; r: [b]
// row weights.
at::Tensor formula(const ObjectiveOptions& o, const at::Tensor& z, const at::Tensor& t,
                   const at::Tensor& w, const at::Tensor& r) {
  const at::Tensor l = at::log_softmax(z / o.loss_temperature, 1);
  const at::Tensor wt = t * w;
  at::Tensor rows;
  if (o.loss == "focal") {
    rows = (wt * at::pow(1 - l.exp(), o.focal_gamma) * -l).sum(1);
  } else {
    const at::Tensor smooth =
        t * (1 - o.label_smoothing) + o.label_smoothing / static_cast<double>(t.size(1));
    rows = o.smoothing_weights == "per_class" ? (smooth * w * -l).sum(1)
                                              : wt.sum(1) * (smooth * -l).sum(1);
  }
  const bool by_rows =
      o.weight_reduction.empty() ? o.loss == "focal" : o.weight_reduction == "rows";
  return (rows * r).sum() / (by_rows ? r.sum() : (wt.sum(1) * r).sum());
}

std::vector<ObjectiveOptions> pack_of(const std::string& loss) {
  std::vector<ObjectiveOptions> pack(4);
  for (ObjectiveOptions& o : pack) o.loss = loss;
  pack[0].loss_temperature = 3.5;
  pack[1].class_weights = ClassWeights::list;
  pack[1].weights = {0.5, 1.5, 2.5};
  pack[1].focal_gamma = 0.7;
  pack[2].class_weights = ClassWeights::balanced;
  pack[2].weight_reduction = loss == "focal" ? "weights" : "rows";
  pack[3].focal_gamma = 0;
  if (loss == "focal") return pack;
  pack[1].label_smoothing = 0.1;
  pack[2].label_smoothing = 0.2;
  pack[2].smoothing_weights = "of_target";
  pack[3].label_smoothing = 0.3;
  return pack;
}

class Packs : public testing::TestWithParam<std::tuple<std::string, bool>> {};

TEST_P(Packs, EqualTheFormulasAndIgnorePadding) {
  const auto [loss, soft] = GetParam();
  const std::vector<ObjectiveOptions> pack = pack_of(loss);
  const std::int64_t K = 4, b = 9, C = 3, real = 6;
  const at::Tensor counts = at::tensor({10.0, 5.0, 3.0}).repeat({K, 1});
  const at::Tensor balanced = at::tensor({18 / 30.0, 18 / 15.0, 18 / 9.0}, at::kDouble);
  at::Tensor logits = (at::arange(K * b * C, at::kDouble).sin() * 3).reshape({K, b, C});
  const at::Tensor index = at::arange(K * b, at::kLong).remainder(C).reshape({K, b});
  at::Tensor value =
      at::softmax((at::arange(K * b * C, at::kDouble) * 1.7).cos().reshape({K, b, C}), 2);
  if (!soft) value = at::one_hot(index, C).to(at::kDouble);
  at::Tensor weight = at::ones({K, b});
  weight.narrow(1, real, b - real).zero_();
  logits.narrow(1, real, b - real).fill_(std::numeric_limits<double>::quiet_NaN());

  data::Targets targets;
  (soft ? targets.value : targets.index) = soft ? value : index;
  const auto objective = make_objective(pack, counts, at::kDouble);
  Alone team;
  const Value ours = value_of(*objective, logits, targets, weight, team);
  for (std::int64_t k = 0; k < K; ++k) {
    SCOPED_TRACE(k);
    const ObjectiveOptions& o = pack[static_cast<std::size_t>(k)];
    at::Tensor w = at::ones({C}, at::kDouble);
    if (o.class_weights == ClassWeights::list) w = at::tensor(o.weights, at::kDouble);
    if (o.class_weights == ClassWeights::balanced) w = balanced;
    const at::Tensor z = logits[k].narrow(0, 0, real).clone().requires_grad_(true);
    const at::Tensor expected =
        formula(o, z, value[k].narrow(0, 0, real), w, at::ones({real}, at::kDouble));
    expected.backward();
    EXPECT_NEAR(ours.loss[static_cast<std::size_t>(k)], expected.item<double>(), 1e-12);
    EXPECT_GE(ours.loss[static_cast<std::size_t>(k)], 0);
    expect_near(ours.gradient[k].narrow(0, 0, real), z.grad(), 1e-11);
    EXPECT_EQ(ours.gradient[k].narrow(0, real, b - real).abs().max().item<double>(), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Losses, Packs,
                         testing::Combine(testing::Values("cross_entropy", "focal"),
                                          testing::Bool()));

// A team of two whose other rank holds the same rows: every sum over the team is twice the rank's
// own.
struct Twin final : Collective {
  Twin() { size = 2; }
  at::Tensor sum(at::Tensor x) override { return x * 2; }
  at::Tensor gather_rows(at::Tensor x) override { return at::cat({x, x}, 1); }
  std::unique_ptr<Pending> start_sum(at::Tensor x) override {
    x.mul_(2);
    return Alone().start_sum(x);
  }
};

TEST(Objective, CountsAreThoseOfTheGlobalBatch) {
  ObjectiveOptions o;
  o.loss = "focal";
  o.class_weights = ClassWeights::batch;
  const auto objective = make_objective({o}, at::ones({1, 3}), at::kDouble);
  const at::Tensor logits = at::arange(12, at::kDouble).cos().reshape({1, 4, 3});
  data::Targets half, all;
  half.index = at::tensor({0, 0, 1, 0}, at::kLong).reshape({1, 4});
  all.index = at::cat({half.index, half.index}, 1);
  Twin twin;
  Alone alone;
  const Value rank = value_of(*objective, logits, half, at::ones({1, 4}), twin);
  const Value whole =
      value_of(*objective, at::cat({logits, logits}, 1), all, at::ones({1, 8}), alone);
  // Local sum over global count: two such ranks together are the whole batch.
  EXPECT_NEAR(2 * rank.loss[0], whole.loss[0], 1e-14);
  expect_near(rank.gradient, whole.gradient.narrow(1, 0, 4), 1e-14);
}

TEST(Objective, BalancedWeightsAreCutAtSoManyTimesTheSmallest) {
  const at::Tensor counts = at::tensor({100, 40, 10}, at::kDouble).reshape({1, 3});
  const at::Tensor logits = at::arange(9, at::kDouble).cos().reshape({1, 3, 3});
  data::Targets targets;
  targets.index = at::tensor({0, 1, 2}, at::kLong).reshape({1, 3});
  Alone team;
  const auto value = [&](const ObjectiveOptions& o) {
    return value_of(*make_objective({o}, counts, at::kDouble), logits, targets, at::ones({1, 3}),
                    team)
        .loss[0];
  };
  ObjectiveOptions capped, list;
  capped.class_weights = ClassWeights::balanced;
  capped.class_weight_cap = 3;
  list.class_weights = ClassWeights::list;
  list.weights = {150 / 300.0, 150 / 120.0, 3 * 150 / 300.0};  // uncut the last would be 150 / 30
  EXPECT_DOUBLE_EQ(value(capped), value(list));
  capped.class_weight_cap = 20;
  list.weights[2] = 150 / 30.0;
  EXPECT_DOUBLE_EQ(value(capped), value(list));
  capped.class_weight_cap = .5;
  EXPECT_THROW(value(capped), InputError);
}

TEST(Objective, BatchWeightsCountAsOneInValidation) {
  ObjectiveOptions weighted, plain;
  weighted.class_weights = ClassWeights::batch;
  const at::Tensor logits = at::arange(12, at::kDouble).cos().reshape({1, 4, 3});
  data::Targets targets;
  targets.index = at::tensor({0, 0, 1, 0}, at::kLong).reshape({1, 4});
  Alone team;
  const auto value = [&](const ObjectiveOptions& o, bool train) {
    const auto objective = make_objective({o}, at::ones({1, 3}), at::kDouble);
    return value_of(*objective, logits, targets, at::ones({1, 4}), team, train).loss[0];
  };
  EXPECT_EQ(value(weighted, false), value(plain, true));
  EXPECT_NE(value(weighted, true), value(plain, true));
}

TEST(Objective, FocalFallsAsTheTargetsProbabilityRises) {
  ObjectiveOptions o;
  o.loss = "focal";
  o.loss_temperature = 2000;
  const auto objective = make_objective({o}, at::ones({1, 3}), at::kDouble);
  data::Targets targets;
  targets.index = at::zeros({1, 1}, at::kLong);
  Alone team;
  double before = std::numeric_limits<double>::infinity();
  for (double z : {-20000.0, -100.0, 0.0, 100.0, 5000.0, 40000.0}) {
    at::Tensor logits = at::zeros({1, 1, 3}, at::kDouble);
    logits[0][0][0] = z;
    const Value value = value_of(*objective, logits, targets, at::ones({1, 1}), team);
    EXPECT_GE(value.loss[0], 0);
    EXPECT_LT(value.loss[0], before);
    EXPECT_LT(value.gradient[0][0][0].item<double>(), 0);
    before = value.loss[0];
  }
}

TEST(Objective, NonFiniteLogitsShowInTheLoss) {
  const auto objective = make_objective({ObjectiveOptions{}}, at::ones({1, 3}), at::kFloat);
  data::Targets targets;
  targets.index = at::zeros({1, 1}, at::kLong);
  Alone team;
  for (std::int64_t place = 0; place < 3; ++place) {
    for (float bad : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
      at::Tensor logits = at::zeros({1, 1, 3});
      logits[0][0][place] = bad;
      EXPECT_FALSE(
          std::isfinite(value_of(*objective, logits, targets, at::ones({1, 1}), team).loss[0]));
    }
  }
}

TEST(Objective, WrongOptionsAreRefused) {
  const auto refused = [](auto change) {
    ObjectiveOptions o;
    change(o);
    EXPECT_THROW(make_objective({o}, at::ones({1, 3}), at::kFloat), InputError);
  };
  refused([](ObjectiveOptions& o) { o.loss = "hinge"; });
  refused([](ObjectiveOptions& o) { o.loss_temperature = 0; });
  refused([](ObjectiveOptions& o) { o.focal_gamma = -1; });
  refused([](ObjectiveOptions& o) { o.label_smoothing = 1; });
  refused([](ObjectiveOptions& o) { o.weight_reduction = "mean"; });
  refused([](ObjectiveOptions& o) { o.smoothing_weights = "both"; });
  refused([](ObjectiveOptions& o) {
    o.loss = "focal";
    o.label_smoothing = 0.1;
  });
  refused([](ObjectiveOptions& o) {
    o.class_weights = ClassWeights::list;
    o.weights = {1, 2};
  });
}

}  // namespace
}  // namespace emosweep::trainer
