// Text networks against transformers' own modules (tests/fixtures/text_training.json, made by
// scripts/make_text_training_fixture.py), and attention within texts against ATen's operations.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "models/padded_text.h"
#include "models/text_attention.h"
#include "models/text_network.h"
#include "support.h"

namespace emosweep::models {
namespace {

using Json = nlohmann::json;
using Texts = std::vector<std::vector<std::int64_t>>;

Json fixture() {
  std::ifstream file(std::string(EMOSWEEP_SOURCE_DIR) + "/tests/fixtures/text_training.json");
  return Json::parse(file);
}

void flatten(const Json& json, std::vector<double>& out) {
  if (json.is_number()) return out.push_back(json.get<double>());
  for (const Json& item : json) flatten(item, out);
}

at::Tensor tensor(const Json& json) {
  std::vector<std::int64_t> shape;
  for (const Json* at = &json; at->is_array(); at = &at->front()) shape.push_back(std::ssize(*at));
  std::vector<double> values;
  flatten(json, values);
  return at::from_blob(values.data(), shape, at::kDouble).clone();
}

ModelOptions tiny(const std::string& family) {
  ModelOptions o;
  o.model = "transformer";
  o.inputs = {"post"};
  o.widths = {10};
  o.classes = 3;
  o.dtype = at::kDouble;
  o.text.encoder = {family, 24, 10, family == "bert" ? 2 : 0, 8, 2, 2, 12, 1e-12, "gelu"};
  o.text.dropout = 0;
  return o;
}

std::unique_ptr<Model> made(const ModelOptions& options) {
  const StreamKey key = trial_key(1, "fold");
  return make_model(options, {&key, 1});
}

// Texts in this order, and padding of weight 0 behind them.
data::Batch batch_of(const Texts& texts, std::int64_t padding, std::int64_t first_position = 0) {
  const std::int64_t real = std::ssize(texts), b = real + padding;
  data::Batch batch;
  data::Input input;
  input.length = at::zeros({1, b}, at::kLong);
  input.x = at::zeros({1, b, 10}, at::kLong);
  batch.position = at::arange(first_position, first_position + b).unsqueeze(0);
  batch.weight = at::zeros({1, b}, at::kDouble);
  for (std::int64_t i = 0; i < real; ++i) {
    input.length[0][i] = std::ssize(texts[static_cast<std::size_t>(i)]);
    batch.weight[0][i] = 1;
    for (std::size_t t = 0; t < texts[static_cast<std::size_t>(i)].size(); ++t)
      input.x[0][i][static_cast<std::int64_t>(t)] = texts[static_cast<std::size_t>(i)][t];
  }
  batch.inputs.push_back(input);
  return batch;
}

struct Steps {
  StreamKey key = trial_key(1, "fold");
  Alone team;
  Step step(bool train, double dropout = 0) {
    return {train, 0, 3, {&key, 1}, at::full({1}, dropout), team};
  }
};

double distance(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

void give(Model& network, const Json& parameters) {
  NamedTensors weights;
  for (const auto& [name, values] : parameters.items()) {
    if (!name.starts_with("head.")) weights.tensors.emplace_back(name, tensor(values));
  }
  load_encoder(network, weights, "fixture");
  const at::NoGradGuard no_grad;
  for (Leaf& leaf : network.leaves()) {
    if (leaf.name.starts_with("head.")) leaf.value[0].copy_(tensor(parameters[leaf.name]));
  }
}

TEST(TextNetwork, LogitsAndEveryGradientAreThoseOfTransformers) {
  const Json all = fixture();
  const auto texts = all["texts"].get<Texts>();
  for (const Json& expected : all["cases"]) {
    const auto network = made(tiny(expected["family"]));
    give(*network, expected["parameters"]);
    network->zero_gradient();
    Steps steps;
    const Output output = network->forward(batch_of(texts, 2), steps.step(true));
    const at::Tensor logits = output.heads[0][0].narrow(0, 0, 4);
    // load_encoder goes by float32, as weights are kept.
    EXPECT_LT(distance(logits, tensor(expected["logits"])), 3e-6);
    const at::Tensor loss = at::nll_loss(at::log_softmax(logits, 1),
                                         at::tensor(all["labels"].get<std::vector<std::int64_t>>()),
                                         {}, at::Reduction::Sum);
    EXPECT_NEAR(loss.item<double>(), expected["loss"].get<double>(), 1e-5);
    torch::autograd::backward({loss}, {});
    for (const Leaf& leaf : network->leaves()) {
      const at::Tensor wanted = tensor(expected["gradients"][leaf.name]);
      EXPECT_LT(distance(leaf.value.grad()[0], wanted),
                3e-5 * (1 + wanted.abs().max().item<double>()))
          << expected["family"] << " " << leaf.name;
    }
    for (const Leaf& leaf : network->leaves()) {
      const bool key = leaf.name.find(".key.bias") != std::string::npos ||
                       leaf.name.find("k_lin.bias") != std::string::npos;
      if (!key) continue;
      EXPECT_EQ(leaf.value.grad().abs().max().item<double>(), 0) << leaf.name;
    }
  }
}

TEST(TextNetwork, EvaluationIsTrainingWithoutDropoutAndATextDependsOnNoOther) {
  const auto texts = fixture()["texts"].get<Texts>();
  const auto network = made(tiny("bert"));
  Steps steps;
  const at::NoGradGuard no_grad;
  const at::Tensor all = network->forward(batch_of(texts, 1), steps.step(false)).heads[0][0];
  const at::Tensor trained = network->forward(batch_of(texts, 1), steps.step(true)).heads[0][0];
  EXPECT_LT(distance(all, trained), 1e-12);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const at::Tensor alone =
        network->forward(batch_of({texts[i]}, 0), steps.step(false)).heads[0][0][0];
    EXPECT_TRUE(alone.equal(all[static_cast<std::int64_t>(i)]));
  }
}

TEST(TextNetwork, WhatIsDroppedFollowsFromARowsPositionAlone) {
  const auto texts = fixture()["texts"].get<Texts>();
  ModelOptions options = tiny("bert");
  options.text.dropout = 0.4;
  const auto network = made(options);
  Steps steps;
  const at::NoGradGuard no_grad;
  const at::Tensor all = network->forward(batch_of(texts, 0), steps.step(true)).heads[0][0];
  const at::Tensor last =
      network->forward(batch_of({texts[2], texts[3]}, 0, 2), steps.step(true)).heads[0][0];
  EXPECT_LT(distance(all.narrow(0, 2, 2), last), 1e-12);
  const at::Tensor moved =
      network->forward(batch_of({texts[2], texts[3]}, 0, 7), steps.step(true)).heads[0][0];
  EXPECT_GT(distance(last, moved), 1e-3);
}

TEST(TextNetwork, FrozenLayersKeepTheirWeightsAndGetNoGradient) {
  const auto texts = fixture()["texts"].get<Texts>();
  ModelOptions options = tiny("bert");
  options.text.frozen = 2;  // the embeddings and the first layer
  const auto network = made(options);
  EXPECT_EQ(network->sparse_rows(), nullptr);
  std::int64_t trained = 0, frozen = 0;
  for (const Leaf& leaf : network->leaves()) {
    const bool wanted =
        leaf.name.starts_with("embeddings.") || leaf.name.starts_with("encoder.layer.0.");
    EXPECT_EQ(leaf.frozen, wanted) << leaf.name;
    (leaf.frozen ? frozen : trained) += leaf.value.numel();
  }
  EXPECT_EQ(trained + frozen, parameter_count(options));
  EXPECT_LT(network->flat().size(1), trained + 16 * 20);
  Steps steps;
  network->zero_gradient();
  const Output output = network->forward(batch_of(texts, 0), steps.step(true));
  torch::autograd::backward({output.heads[0].square().sum()}, {});
  for (const Leaf& leaf : network->leaves()) {
    if (leaf.frozen || leaf.name.find(".key.bias") != std::string::npos) continue;
    EXPECT_GT(leaf.value.grad().abs().max().item<double>(), 0) << leaf.name;
  }
  // The same gradients as without freezing.
  const auto whole = made(tiny("bert"));
  whole->zero_gradient();
  torch::autograd::backward(
      {whole->forward(batch_of(texts, 0), steps.step(true)).heads[0].square().sum()}, {});
  for (const Leaf& leaf : network->leaves()) {
    if (leaf.frozen) continue;
    for (const Leaf& other : whole->leaves()) {
      if (other.name != leaf.name) continue;
      EXPECT_LT(distance(leaf.value.grad(), other.value.grad()), 1e-12);
    }
  }
}

TEST(TextNetwork, ASparseTableTellsTheRowsOfTheStepAndClearsOnlyThem) {
  const auto texts = fixture()["texts"].get<Texts>();
  const auto network = made(tiny("bert"));
  Steps steps;
  for (int round = 0; round < 2; ++round) {
    network->zero_gradient();
    EXPECT_EQ(network->flat_grad().abs().max().item<double>(), 0);
    const Texts some = round == 0 ? texts : Texts{{2, 15, 3}};
    torch::autograd::backward(
        {network->forward(batch_of(some, 0), steps.step(true)).heads[0].square().sum()}, {});
    const SparseRows& table = *network->sparse_rows();
    const at::Tensor rows = network->flat_grad()[0]
                                .narrow(0, table.begin, table.rows * table.width)
                                .view({table.rows, -1});
    const at::Tensor with = (rows.abs().sum(1) > 0).nonzero().view(-1);
    EXPECT_TRUE(with.equal(table.touched)) << with << table.touched;
  }
}

TEST(TextNetwork, RatesFallFromTheHeadDown) {
  ModelOptions options = tiny("bert");
  options.text.layer_lr_decay = 0.5;
  options.text.head_lr = 4;
  const auto network = made(options);
  const std::vector<RateRange> ranges = network->rate_ranges();
  const auto rate_of = [&](const std::string& name) {
    for (const Leaf& leaf : network->leaves()) {
      if (leaf.name != name) continue;
      for (const RateRange& range : ranges) {
        if (leaf.value.storage_offset() >= range.begin && leaf.value.storage_offset() < range.end)
          return range.scale;
      }
      return 1.0;
    }
    return -1.0;
  };
  EXPECT_EQ(rate_of("head.weight"), 4);
  EXPECT_EQ(rate_of("encoder.layer.1.output.dense.weight"), 0.5);
  EXPECT_EQ(rate_of("encoder.layer.0.attention.self.query.bias"), 0.25);
  EXPECT_EQ(rate_of("embeddings.position_embeddings.weight"), 0.125);
  EXPECT_EQ(rate_of("embeddings.word_embeddings.weight"), 0.125);
}

TEST(TextNetwork, TensorsThatAreMissingOrOfAnotherShapeAreAllListed) {
  const Json parameters = fixture()["cases"][0]["parameters"];
  const auto network = made(tiny("bert"));
  NamedTensors weights;
  for (const auto& [name, values] : parameters.items()) {
    if (name.ends_with("query.weight")) continue;
    weights.tensors.emplace_back("bert." + name, name.ends_with("dense.bias")
                                                     ? tensor(values).narrow(0, 0, 3)
                                                     : tensor(values));
  }
  try {
    load_encoder(*network, weights, "some/folder");
    FAIL() << "it was loaded";
  } catch (const InputError& e) {
    const std::string text = e.what();
    for (const char* part : {"encoder.layer.0.attention.self.query.weight is missing",
                             "encoder.layer.1.attention.self.query.weight is missing",
                             "encoder.layer.1.output.dense.bias", "some/folder"})
      EXPECT_NE(text.find(part), std::string::npos) << part << " in " << text;
  }
}

TEST(TextAttention, IsThatOfEveryTextByItselfWithItsGradient) {
  const at::Tensor values = test::uniform(9 * 24, 5).view({9, 24}).to(at::kDouble);
  TextRows rows{{0, 4, 4, 9}, {0, 1, 2}};
  const TextAttention how(rows, 2, 10, {});
  const at::Tensor qkv = values.clone().set_requires_grad(true),
                   same = values.clone().set_requires_grad(true);
  const at::Tensor out = text_attention(qkv, how);
  std::vector<at::Tensor> parts;
  for (const auto& [from, to] : {std::pair{0, 4}, std::pair{4, 9}}) {
    const at::Tensor text =
        same.narrow(0, from, to - from).view({to - from, 3, 2, 4}).permute({1, 2, 0, 3});
    parts.push_back(at::scaled_dot_product_attention(text[0], text[1], text[2])
                        .transpose(0, 1)
                        .reshape({to - from, 8}));
  }
  const at::Tensor wanted = at::cat(parts);
  EXPECT_LT(distance(out, wanted), 1e-12);
  torch::autograd::backward({(out * out.detach().sin()).sum()}, {});
  torch::autograd::backward({(wanted * wanted.detach().sin()).sum()}, {});
  EXPECT_LT(distance(qkv.grad(), same.grad()), 1e-12);
}

// d of a sum that is linear in what is kept: finite differences see the same numbers dropped.
TEST(TextAttention, GradientsBehindDroppedWeightsAreThoseOfDifferences) {
  TextRows rows{{0, 3, 8}, {4, 5}};
  const TextDrop drop{0.5, trial_key(3, "x"), 7};
  const TextAttention how(rows, 2, 10, drop);
  const at::Tensor values = test::uniform(8 * 24, 6).view({8, 24}).to(at::kDouble);
  const at::Tensor direction = test::uniform(8 * 24, 7).view({8, 24}).to(at::kDouble);
  const at::Tensor weight = test::uniform(8 * 8, 8).view({8, 8}).to(at::kDouble);
  const at::Tensor qkv = values.clone().set_requires_grad(true);
  const auto value = [&](const at::Tensor& x) { return (text_attention(x, how) * weight).sum(); };
  torch::autograd::backward({value(qkv)}, {});
  const double step = 1e-6, slope = (qkv.grad() * direction).sum().item<double>();
  const double seen =
      (value(values + step * direction) - value(values - step * direction)).item<double>() /
      (2 * step);
  EXPECT_NEAR(slope, seen, 1e-7);
  EXPECT_GT(
      distance(text_attention(values, how), text_attention(values, TextAttention(rows, 2, 10, {}))),
      1e-3);
}

// What a GPU computes, here on the CPU: the same numbers are dropped.
TEST(TextAttention, PaddedTextsGiveWhatTextsBehindOneAnotherDo) {
  TextRows rows{{0, 3, 3, 8, 9}, {4, 5, 6, 11}};
  rows.padded = padded_texts(rows, 2, 10, at::kCPU);
  const at::Tensor values = test::uniform(9 * 24, 6).view({9, 24}).to(at::kDouble);
  const at::Tensor weight = test::uniform(9 * 8, 8).view({9, 8}).to(at::kDouble);
  for (const double rate : {0.0, 0.4}) {
    SCOPED_TRACE(rate);
    const TextDrop drop{rate, trial_key(3, "x"), 7};
    const TextAttention how(rows, 2, 10, drop);
    const at::Tensor a = values.clone().set_requires_grad(true),
                     b = values.clone().set_requires_grad(true);
    const at::Tensor one = text_attention(a, how), other = padded_attention(b, how);
    EXPECT_LT(distance(one, other), 1e-14);
    torch::autograd::backward({(one * weight).sum(), (other * weight).sum()}, {});
    EXPECT_LT(distance(a.grad(), b.grad()), 1e-14);
    if (rate == 0) continue;
    const at::Tensor x = values.narrow(1, 0, 8), z = values.narrow(1, 8, 8).contiguous();
    EXPECT_LT(distance(add_dropped(x.contiguous(), z, rows, drop, 10),
                       add_padded_dropped(x, z, rows, drop)),
              1e-14);
  }
  const at::Tensor mean = padded_pooling(weight, rows, "mean");
  EXPECT_LT(distance(mean[2], weight.narrow(0, 3, 5).mean(0)), 1e-14);
  EXPECT_LT(distance(padded_pooling(weight, rows, "cls")[3], weight[8]), 1e-14);
}

TEST(TextAttention, AddDroppedKeepsTheShareThatIsAskedAndTheMean) {
  TextRows rows{{0, 200}, {0}};
  const TextDrop drop{0.25, trial_key(9, "y"), 1};
  const at::Tensor z = at::ones({200, 96}, at::kFloat).set_requires_grad(true);
  const at::Tensor out = add_dropped({}, z, rows, drop, 512);
  const double share = (out == 0).to(at::kDouble).mean().item<double>();
  EXPECT_NEAR(share, 0.25, 4 * std::sqrt(0.25 * 0.75 / (200 * 96)));
  EXPECT_NEAR(out.max().item<double>(), 1 / 0.75, 1e-6);
  torch::autograd::backward({out.sum()}, {});
  EXPECT_TRUE(z.grad().equal(out.detach()));
  const at::Tensor x = at::full({200, 96}, 2.0f);
  EXPECT_LT(distance(add_dropped(x, z.detach(), rows, drop, 512), x + out.detach()), 1e-6);
}

}  // namespace
}  // namespace emosweep::models
