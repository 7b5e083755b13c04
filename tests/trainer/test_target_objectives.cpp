// Losses of labels, aspects and values against golden values of PyTorch; padding, packs and ranks.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <mutex>
#include <nlohmann/json.hpp>

#include "../distributed/thread_ranks.h"
#include "base/error.h"
#include "trainer/contrastive.h"
#include "trainer/objective.h"

namespace emosweep::trainer {
namespace {

using Json = nlohmann::json;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

const Json& golden() {
  static const Json all = [] {
    std::ifstream file(EMOSWEEP_SOURCE_DIR "/tests/fixtures/loss_golden_targets.json");
    return Json::parse(file);
  }();
  return all;
}

const Json& golden(const std::string& name) {
  for (const Json& one : golden().at("cases"))
    if (one.at("name") == name) return one;
  throw std::runtime_error("no golden case " + name);
}

void flatten(const Json& json, std::vector<double>& out) {
  if (!json.is_array()) return out.push_back(json.get<double>());
  for (const Json& one : json) flatten(one, out);
}

// [...] -> [1, ...].
at::Tensor tensor_of(const Json& json) {
  std::vector<std::int64_t> shape{1};
  for (const Json* inner = &json; inner->is_array(); inner = &(*inner)[0])
    shape.push_back(static_cast<std::int64_t>(inner->size()));
  std::vector<double> values;
  flatten(json, values);
  return at::tensor(values, at::kDouble).view(shape);
}

TargetSpec multi(std::int64_t labels) {
  TargetSpec spec{"labels", TargetKind::multi, {}, {}};
  for (std::int64_t l = 0; l < labels; ++l) spec.outputs.push_back("l" + std::to_string(l));
  return spec;
}

TargetSpec aspects(std::int64_t count) {
  TargetSpec spec{"aspects", TargetKind::aspects, {}, {"Positive", "Negative", "Neutral"}};
  for (std::int64_t a = 0; a < count; ++a) spec.outputs.push_back("a" + std::to_string(a));
  return spec;
}

const TargetSpec kValence{"valence", TargetKind::regression, {"valence"}, {}};

at::Tensor ones_for(const TargetSpec& spec, std::int64_t K = 1) {
  return at::ones({K, target_blocks(spec) * block_classes(spec)});
}

struct Given {
  at::Tensor head, embedding;  // [K,b,W], [K,b,H]
  data::Targets targets;
  at::Tensor weight;  // [K,b]
};

// `loss`: of each trial; gradients of the sum of all trials' losses.
struct Found {
  std::vector<double> loss;
  std::vector<Term> terms;
  at::Tensor head, embedding;
};

// What the training loop does with terms: sums over the team, means last.
Found find(Objective& objective, const Given& given, Collective& team, bool train = true) {
  data::Batch batch;
  batch.K = given.weight.size(0);
  batch.targets = {given.targets};
  batch.weight = given.weight;
  models::Output output;
  const at::Tensor z = given.head.clone().requires_grad_(true);
  output.heads = {z};
  if (given.embedding.defined()) output.embedding = given.embedding.clone().requires_grad_(true);
  const std::vector<StreamKey> keys(static_cast<std::size_t>(batch.K));
  const models::Step step{train, 0, 0, keys, at::zeros({batch.K}), team};
  Found found;
  found.terms = objective.terms(batch, output, step);
  std::vector<at::Tensor> sums, factors;
  found.loss.assign(static_cast<std::size_t>(batch.K), 0);
  for (const Term& term : found.terms) {
    const std::int64_t parts = term.sum.numel() / batch.K;
    const at::Tensor count = term.count.view({batch.K, parts});
    const at::Tensor some = (count > 0).to(at::kDouble).sum(1, true).clamp_min(1);
    const at::Tensor factor = at::where(count > 0, term.weight.view({-1, 1}) / (count * some),
                                        at::zeros({}, at::kDouble));
    sums.push_back(term.sum);
    factors.push_back(factor.view_as(term.sum).contiguous());
    const at::Tensor local = (term.sum.detach().view({batch.K, parts}) * factor).sum(1);
    const at::Tensor whole = team.sum(local.contiguous());
    for (std::int64_t k = 0; k < batch.K; ++k)
      found.loss[static_cast<std::size_t>(k)] += whole[k].item<double>();
  }
  for (std::size_t t = 0; t < sums.size(); ++t) sums[t].backward(factors[t], true);
  found.head = z.grad();
  found.embedding = given.embedding.defined() ? output.embedding.grad() : at::Tensor();
  return found;
}

void expect_near(const at::Tensor& ours, const at::Tensor& theirs, double relative = 1e-12) {
  const double floor = 1e-2 * theirs.abs().max().item<double>();
  EXPECT_LE(((ours - theirs).abs() / theirs.abs().clamp_min(floor)).max().item<double>(), relative);
}

ObjectiveOptions options_of(const std::string& loss) {
  ObjectiveOptions o;
  o.loss = loss;
  return o;
}

Given given_of(const Json& one, bool index) {
  const Json& in = one.at("inputs");
  Given given;
  if (in.contains("logits")) given.head = tensor_of(in.at("logits"));
  if (given.head.defined() && given.head.dim() == 4)
    given.head = given.head.flatten(2);  // [1,b,A,C]
  const at::Tensor target = tensor_of(in.at("target"));
  (index ? given.targets.index : given.targets.value) = index ? target.to(at::kLong) : target;
  given.weight = at::ones({1, target.size(1)}, at::kDouble);
  return given;
}

TEST(TargetObjectives, BinaryCrossEntropyAndFocalAgreeWithGoldenValues) {
  Alone team;
  for (const char* name : {"bce multi-label", "focal multi-label"}) {
    SCOPED_TRACE(name);
    const Json& one = golden(name);
    ObjectiveOptions o =
        options_of(std::string(name).starts_with("bce") ? "cross_entropy" : "focal");
    if (one.at("params").contains("positive_weights")) {
      o.class_weights = ClassWeights::list;
      o.weights = one.at("params").at("positive_weights").get<std::vector<double>>();
    }
    const auto objective = make_objective(multi(7), {o}, ones_for(multi(7)), at::kDouble);
    const Found found = find(*objective, given_of(one, false), team);
    EXPECT_NEAR(found.loss[0], one.at("value").get<double>(), 1e-12);
    expect_near(found.head, tensor_of(one.at("gradients").at("logits")));
  }
}

TEST(TargetObjectives, FocalOfAspectsAgreesWithGoldenValues) {
  Alone team;
  const Json& one = golden("focal aspects, unknown left out");
  ObjectiveOptions o = options_of("focal");
  o.class_weights = ClassWeights::list;
  flatten(one.at("params").at("weights"), o.weights);
  ASSERT_EQ(o.weights.size(), 33u);
  const auto objective = make_objective(aspects(11), {o}, ones_for(aspects(11)), at::kDouble);
  const Found found = find(*objective, given_of(one, true), team);
  EXPECT_NEAR(found.loss[0], one.at("value").get<double>(), 1e-12);
  expect_near(found.head, tensor_of(one.at("gradients").at("logits")).flatten(2));
}

Given contrastive_case() {
  const Json& one = golden("contrastive aspects (document 001)");
  Given given = given_of(one, true);
  given.embedding = tensor_of(one.at("inputs").at("embedding"));
  given.head = at::zeros({1, 10, 33}, at::kDouble);
  return given;
}

ObjectiveOptions contrastive_options(double weight = 1) {
  ObjectiveOptions o = options_of("focal");
  o.focal_weight = 0;
  o.contrastive_weight = weight;
  return o;
}

TEST(TargetObjectives, ContrastiveAgreesWithGoldenValues) {
  Alone team;
  const Json& one = golden("contrastive aspects (document 001)");
  const auto objective =
      make_objective(aspects(11), {contrastive_options()}, ones_for(aspects(11)), at::kDouble);
  const Found found = find(*objective, contrastive_case(), team);
  ASSERT_EQ(found.terms.size(), 2u);
  EXPECT_EQ(found.terms[1].name, "contrastive");
  EXPECT_NEAR(found.loss[0], one.at("value").get<double>(), 1e-12);
  expect_near(found.embedding, tensor_of(one.at("gradients").at("embedding")));
}

TEST(TargetObjectives, OneMinusConcordanceAgreesWithGoldenValues) {
  Alone team;
  const Json& one = golden("one minus CCC");
  Given given;
  given.head = tensor_of(one.at("inputs").at("prediction")).unsqueeze(2);
  given.targets.value = tensor_of(one.at("inputs").at("target")).unsqueeze(2);
  given.weight = at::ones({1, 10}, at::kDouble);
  const auto objective =
      make_objective(kValence, {options_of("ccc")}, at::ones({1, 0}), at::kDouble);
  const Found found = find(*objective, given, team);
  EXPECT_NEAR(found.loss[0], one.at("value").get<double>(), 1e-12);
  expect_near(found.head, tensor_of(one.at("gradients").at("prediction")).unsqueeze(2));
  // The same of all rows together, as validation asks for it.
  std::vector<double> truth, predicted;
  flatten(one.at("inputs").at("target"), truth);
  flatten(one.at("inputs").at("prediction"), predicted);
  EXPECT_NEAR(*objective->whole(truth, predicted), one.at("value").get<double>(), 1e-12);
}

TEST(TargetObjectives, SquaredErrorIsTheMeanOverRowsAndValues) {
  Alone team;
  const TargetSpec two{"v", TargetKind::regression, {"v", "a"}, {}};
  const at::Tensor z = at::tensor({1., 2., 3., 4.}).to(at::kDouble).view({1, 2, 2});
  Given given{z,
              {},
              {{}, z - at::tensor({1., 0., 2., 3.}).to(at::kDouble).view({1, 2, 2}), {}},
              at::ones({1, 2}, at::kDouble)};
  const auto objective = make_objective(two, {options_of("mse")}, at::ones({1, 0}), at::kDouble);
  const Found found = find(*objective, given, team);
  EXPECT_DOUBLE_EQ(found.loss[0], (1 + 0 + 4 + 9) / 4.0);
  EXPECT_DOUBLE_EQ(found.head[0][1][0].item<double>(), 2 * 2 / 4.0);
}

TEST(TargetObjectives, TheDocumentsWorkedNumbers) {
  Alone team;
  const Json& document = golden().at("document_001");
  const auto focal = [&](double p, double alpha) {  // one aspect whose class 0 has probability p
    ObjectiveOptions o = options_of("focal");
    o.class_weights = ClassWeights::list;
    o.weights = {alpha, 1, 1};
    const double rest = std::log((1 - p) / 2);
    Given given{at::tensor({std::log(p), rest, rest}).to(at::kDouble).view({1, 1, 3}),
                {},
                {at::zeros({1, 1, 1}, at::kLong), {}, {}},
                at::ones({1, 1}, at::kDouble)};
    return find(*make_objective(aspects(1), {o}, ones_for(aspects(1)), at::kDouble), given, team)
        .loss[0];
  };
  EXPECT_NEAR(focal(.95, 1), .05 * .05 * -std::log(.95), 1e-12);  // 0.000125, with -log p rounded
  EXPECT_NEAR(focal(.95, 1), .000125, 5e-6);
  EXPECT_NEAR(focal(.6, 1), document.at("focal_hard").at("value_exact").get<double>(), 1e-6);
  EXPECT_NEAR(focal(.4, 2), document.at("camera_focal").at("value_exact").get<double>(), 1e-6);
}

TEST(TargetObjectives, BalancedWeights) {
  // n / count of document 001, and n / (C count) here: a third of it, whatever the class.
  const Json& of = golden().at("document_001").at("class_weights");
  const auto counts = of.at("counts").get<std::vector<double>>();
  const auto theirs = of.at("weights").get<std::vector<double>>();
  const std::vector<double> ours = balanced_weights(counts, 0);
  for (std::size_t c = 0; c < 3; ++c) EXPECT_NEAR(3 * ours[c], theirs[c], 1e-12 * theirs[c]);
  // And they are what an aspect's rows are weighed with: at p = 1/3 everywhere and focal_gamma 0.
  Alone team;
  ObjectiveOptions o = options_of("focal");
  o.focal_gamma = 0;
  o.class_weights = ClassWeights::balanced;
  const auto objective =
      make_objective(aspects(1), {o}, at::tensor(counts, at::kDouble).view({1, 3}), at::kDouble);
  for (std::int64_t c = 0; c < 3; ++c) {
    const Given given{at::zeros({1, 1, 3}, at::kDouble),
                      {},
                      {at::full({1, 1, 1}, c, at::kLong), {}, {}},
                      at::ones({1, 1}, at::kDouble)};
    EXPECT_NEAR(find(*objective, given, team).loss[0],
                ours[static_cast<std::size_t>(c)] * std::log(3.), 1e-12);
  }
  // Of several labels: (n - count) / count of presence, as PyTorch's pos_weight.
  ObjectiveOptions positive = options_of("cross_entropy");
  positive.class_weights = ClassWeights::balanced;
  const auto of_labels =
      make_objective(multi(1), {positive}, at::tensor({30., 10.}).view({1, 2}), at::kDouble);
  const auto at_zero = [&](double y) {
    const Given given{at::zeros({1, 1, 1}, at::kDouble),
                      {},
                      {{}, at::full({1, 1, 1}, y, at::kDouble), {}},
                      at::ones({1, 1}, at::kDouble)};
    return find(*of_labels, given, team).loss[0];
  };
  EXPECT_NEAR(at_zero(1), 3 * std::log(2.), 1e-12);
  EXPECT_NEAR(at_zero(0), std::log(2.), 1e-12);
}

// What padding holds has no effect: nan in logits and embeddings, and any target.
Given padded(const Given& given, std::int64_t more) {
  const auto with = [&](const at::Tensor& x, double fill) {
    if (!x.defined()) return x;
    std::vector<std::int64_t> shape = x.sizes().vec();
    shape[1] = more;
    return at::cat({x, at::full(shape, fill, x.options())}, 1);
  };
  return {with(given.head, kNan),
          with(given.embedding, kNan),
          {with(given.targets.index, 1), with(given.targets.value, 1), {}},
          with(given.weight, 0)};
}

struct Kind {
  const char* name;
  TargetSpec target;
  ObjectiveOptions options;
  Given given;
};

std::vector<Kind> kinds() {
  std::vector<Kind> all;
  ObjectiveOptions both = contrastive_options(.3);
  both.focal_weight = .7;
  both.class_weights = ClassWeights::list;
  both.weights = {2, 3, .5};
  const Given aspect_logits = given_of(golden("focal aspects, unknown left out"), true);
  Given shared = contrastive_case();
  shared.targets.index = aspect_logits.targets.index;  // with unknown ones
  shared.head = aspect_logits.head;
  all.push_back({"focal and contrastive", aspects(11), both, shared});
  ObjectiveOptions weighed = options_of("cross_entropy");
  weighed.class_weights = ClassWeights::list;
  weighed.weights = {2, 3, .5};
  all.push_back({"cross entropy of aspects", aspects(11), weighed, aspect_logits});
  all.push_back({"binary cross entropy", multi(7), options_of("cross_entropy"),
                 given_of(golden("bce multi-label"), false)});
  Given values;
  values.head = given_of(golden("bce multi-label"), false).head.narrow(2, 0, 2).contiguous();
  values.targets.value = values.head.flip({1}) * 2 + 1;
  values.weight = at::ones({1, 10}, at::kDouble);
  const TargetSpec two{"v", TargetKind::regression, {"v", "a"}, {}};
  all.push_back({"mse", two, options_of("mse"), values});
  all.push_back({"ccc", two, options_of("ccc"), values});
  return all;
}

TEST(TargetObjectives, PaddingIsNotLookedAt) {
  Alone team;
  for (const Kind& kind : kinds()) {
    SCOPED_TRACE(kind.name);
    const auto objective =
        make_objective(kind.target, {kind.options}, ones_for(kind.target), at::kDouble);
    const Found plain = find(*objective, kind.given, team);
    const Found more = find(*objective, padded(kind.given, 6), team);
    EXPECT_NEAR(more.loss[0], plain.loss[0], 1e-14);
    EXPECT_GT(plain.head.abs().max().item<double>(), 0);
    EXPECT_TRUE(at::allclose(more.head.narrow(1, 0, 10), plain.head, 1e-12, 1e-14));
    EXPECT_EQ(more.head.narrow(1, 10, 6).abs().sum().item<double>(), 0);
    if (!plain.embedding.defined()) continue;
    EXPECT_TRUE(at::allclose(more.embedding.narrow(1, 0, 10), plain.embedding, 1e-12, 1e-14));
    EXPECT_EQ(more.embedding.narrow(1, 10, 6).abs().sum().item<double>(), 0);
  }
}

TEST(TargetObjectives, ATrialOfAPackIsWhatItIsAlone) {
  Alone team;
  for (const Kind& kind : kinds()) {
    SCOPED_TRACE(kind.name);
    const auto repeat = [](const at::Tensor& x) {
      return x.defined() ? at::cat({x, x.flip({1}), x.roll(3, 1)}) : x;
    };
    const Given& g = kind.given;
    const Given three{repeat(g.head),
                      repeat(g.embedding),
                      {repeat(g.targets.index), repeat(g.targets.value), {}},
                      repeat(g.weight)};
    ObjectiveOptions other = kind.options;
    other.loss_temperature = 2;
    if (other.contrastive_weight > 0) other.contrastive_temperature = .5;
    const auto pack = make_objective(kind.target, {kind.options, other, other},
                                     ones_for(kind.target, 3), at::kDouble);
    const Found together = find(*pack, three, team);
    for (std::int64_t k = 0; k < 3; ++k) {
      const auto row = [k](const at::Tensor& x) {
        return x.defined() ? x.narrow(0, k, 1).contiguous() : x;
      };
      const Found alone = find(*pack->select(std::vector<std::int64_t>{k}),
                               {row(three.head),
                                row(three.embedding),
                                {row(three.targets.index), row(three.targets.value), {}},
                                row(three.weight)},
                               team);
      EXPECT_EQ(alone.loss[0], together.loss[static_cast<std::size_t>(k)]);
      EXPECT_TRUE(at::equal(alone.head, row(together.head)));
      if (alone.embedding.defined()) {
        EXPECT_TRUE(at::equal(alone.embedding, row(together.embedding)));
      }
    }
  }
}

// Each rank has its part of the rows, all parts of one shape; some of the last are padding.
TEST(TargetObjectives, OneRankIsTwoIsThree) {
  Alone alone;
  for (const Kind& kind : kinds()) {
    const auto make = [&] {
      return make_objective(kind.target, {kind.options}, ones_for(kind.target), at::kDouble);
    };
    const Found one = find(*make(), kind.given, alone);
    for (const int ranks : {2, 3}) {
      SCOPED_TRACE(std::string(kind.name) + " on " + std::to_string(ranks) + " ranks");
      const std::int64_t part = (10 + ranks - 1) / ranks;
      const Given all = padded(kind.given, part * ranks - 10);
      std::mutex lock;
      std::vector<at::Tensor> heads(static_cast<std::size_t>(ranks)), embeddings(heads);
      distributed::test::run_team(ranks, [&](distributed::Team& team) {
        const auto own = [&](const at::Tensor& x) {
          return x.defined() ? x.narrow(1, team.rank * part, part).contiguous() : x;
        };
        const Found found = find(*make(),
                                 {own(all.head),
                                  own(all.embedding),
                                  {own(all.targets.index), own(all.targets.value), {}},
                                  own(all.weight)},
                                 team);
        const std::lock_guard<std::mutex> guard(lock);
        EXPECT_NEAR(found.loss[0], one.loss[0], 1e-12);
        heads[static_cast<std::size_t>(team.rank)] = found.head;
        embeddings[static_cast<std::size_t>(team.rank)] = found.embedding;
      });
      EXPECT_TRUE(at::allclose(at::cat(heads, 1).narrow(1, 0, 10), one.head, 1e-10, 1e-13));
      if (!one.embedding.defined()) continue;
      EXPECT_TRUE(
          at::allclose(at::cat(embeddings, 1).narrow(1, 0, 10), one.embedding, 1e-10, 1e-13));
    }
  }
}

TEST(TargetObjectives, RowsWithoutPairsOrSpreadHaveNoLossAndFiniteGradients) {
  Alone team;
  const auto objective =
      make_objective(aspects(11), {contrastive_options()}, ones_for(aspects(11)), at::kDouble);
  Given all = contrastive_case();
  const auto first = [](const at::Tensor& x) { return x.narrow(1, 0, 1).contiguous(); };
  const Found one = find(*objective,
                         {first(all.head),
                          first(all.embedding),
                          {first(all.targets.index), {}, {}},
                          first(all.weight)},
                         team);
  EXPECT_EQ(one.loss[0], 0);
  EXPECT_EQ(one.embedding.abs().sum().item<double>(), 0);
  all.embedding = at::zeros_like(all.embedding);  // dead units
  const Found dead = find(*objective, all, team);
  EXPECT_TRUE(std::isfinite(dead.loss[0]));
  EXPECT_EQ(dead.embedding.abs().sum().item<double>(), 0);

  Given flat{at::ones({1, 4, 1}, at::kDouble),
             {},
             {{}, at::ones({1, 4, 1}, at::kDouble), {}},
             at::ones({1, 4}, at::kDouble)};
  const auto ccc = make_objective(kValence, {options_of("ccc")}, at::ones({1, 0}), at::kDouble);
  const Found none = find(*ccc, flat, team);
  EXPECT_EQ(none.loss[0], 1);
  EXPECT_TRUE(at::isfinite(none.head).all().item<bool>());
  const std::vector<double> same(4, 1.0);
  EXPECT_EQ(*ccc->whole(same, same), 1);
}

TEST(TargetObjectives, WhatAKindDoesNotHaveIsRefused) {
  const auto refused = [](const TargetSpec& target, ObjectiveOptions o) {
    EXPECT_THROW(make_objective(target, {o}, ones_for(target), at::kDouble), InputError);
  };
  refused(multi(2), options_of("mse"));
  refused(kValence, options_of("focal"));
  refused(multi(2), contrastive_options());
  ObjectiveOptions o = options_of("focal");
  o.class_weights = ClassWeights::batch;
  refused(aspects(2), o);
  o.class_weights = ClassWeights::list;
  o.weights = {1, 2};
  refused(aspects(2), o);
  o.weight_reduction = "weights";
  refused(multi(2), o);
  o = contrastive_options();
  o.contrastive_temperature = 0;
  refused(aspects(2), o);
}

}  // namespace
}  // namespace emosweep::trainer
