#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "models/blocks.h"
#include "models/parameters.h"
#include "support.h"

namespace emosweep::models::test {
namespace {

std::string refusal(const ModelOptions& options) {
  try {
    check_options(options);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

TEST(Options, AllMistakesAreReportedTogether) {
  ModelOptions o = options_of(Fusion::cross_attention, 2);
  EXPECT_EQ(refusal(o), "");
  o.model = "mlpp";
  o.heads = 5;
  o.widths[1] = 0;
  o.inputs[1] = "audio";
  const std::string text = refusal(o);
  for (const char* part :
       {"mlpp", "mean mlp", "5 does not divide hidden_size 6", "audio is 0", "named twice"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
  }
  EXPECT_THROW(parameter_count(o), InputError);
  EXPECT_THROW(make_model(o, keys_of(1)), InputError);
}

TEST(Options, FusionFitsTheNumberOfModalities) {
  EXPECT_NE(refusal(options_of(Fusion::none, 2)), "");
  EXPECT_NE(refusal(options_of(Fusion::gated, 1)), "");
  EXPECT_NE(refusal(options_of(Fusion::none, 0)), "");
  EXPECT_EQ(refusal(options_of(Fusion::none, 1)), "");
  ModelOptions o = options_of(Fusion::none, 1, at::kLong);
  EXPECT_NE(refusal(o), "");
}

TEST(Options, CountsAreThoseOfTheFormulas) {
  const std::int64_t H = 64, C = 8, T = 8, A = 69, V = 56;
  ModelOptions o;
  o.inputs = {"audio"};
  o.widths = {A};
  o.classes = C;
  const auto linear = [](std::int64_t in, std::int64_t out) { return in * out + out; };
  EXPECT_EQ(parameter_count(o), linear(A, H) + 2 * H + linear(H, C));
  o.inputs = {"audio", "visual"};
  o.widths = {A, V};
  const std::int64_t rest = linear(A, H) + linear(V, H) + 4 * H + linear(H, C);
  o.fusion = Fusion::concat;
  EXPECT_EQ(parameter_count(o), rest + linear(2 * H, 2 * H) + 4 * H + linear(2 * H, H) + 2 * H);
  o.fusion = Fusion::gated;
  EXPECT_EQ(parameter_count(o), rest + linear(2 * H, H) + linear(H, 2) + 2 * H);
  o.fusion = Fusion::cross_attention;
  EXPECT_EQ(parameter_count(o), rest + 2 * (H * T * H + T * H + 3 * H * H + 2 * H + H * H + 2 * H) +
                                    linear(2 * H, H) + 2 * H);
}

TEST(InitialWeights, AreFunctionsOfKeyAndNameAlone) {
  const auto one = make_model(options_of(Fusion::gated, 2), keys_of(1, 2));
  const auto pack =
      make_model(options_of(Fusion::concat, 3), keys_of(3, 1));  // trial 1 has that key
  std::int64_t shared = 0;
  for (const Leaf& a : one->leaves()) {
    for (const Leaf& b : pack->leaves()) {
      if (a.name != b.name) continue;
      ++shared;
      EXPECT_TRUE(at::equal(a.value[0], b.value[1])) << a.name;
      EXPECT_EQ(at::equal(a.value[0], b.value[0]), a.name.find(".norm.") != std::string::npos)
          << a.name;
    }
  }
  EXPECT_EQ(shared, 10);  // two encoders with norms, the head
}

TEST(InitialWeights, HaveTheDistributionOfALinearLayer) {
  ModelOptions o = options_of(Fusion::cross_attention, 2, at::kFloat);
  o.hidden_size = 64;
  o.heads = 4;
  o.widths = {100, 25};
  const std::vector<StreamKey> keys = keys_of(1);
  const auto model = make_model(o, keys);
  std::map<std::string, at::Tensor> values;
  for (const Leaf& leaf : model->leaves()) values[leaf.name] = leaf.value[0].to(at::kDouble);
  const auto check_uniform = [&](const std::string& name, double bound) {
    const at::Tensor v = values.at(name);
    const double n = static_cast<double>(v.numel());
    EXPECT_LE(v.abs().max().item<double>(), bound) << name;
    EXPECT_NEAR(v.mean().item<double>(), 0, 5 * bound / std::sqrt(3 * n)) << name;
    EXPECT_NEAR(v.pow(2).mean().item<double>() / (bound * bound), 1.0 / 3, 1.5 / std::sqrt(n))
        << name;
  };
  check_uniform("encoder.audio.weight", 0.1);
  check_uniform("encoder.audio.bias", 0.1);
  check_uniform("encoder.visual.weight", 0.2);
  check_uniform("attention.audio.kqv.weight", 0.125);
  check_uniform("fusion.0.weight", 1 / std::sqrt(128.0));
  EXPECT_TRUE(at::equal(values.at("encoder.audio.norm.gamma"), at::ones({64}, at::kDouble)));
  EXPECT_EQ(values.at("encoder.audio.norm.beta").abs().max().item<double>(), 0);
  EXPECT_NEAR(values.at("attention.audio.tokens.embedding").std().item<double>(), 0.02, 0.004);
  // Element 0 by the definition.
  float u = 0;
  fill_uniform({&u, 1}, derive(keys[0], "weights/encoder.audio.weight"), 0, 0);
  EXPECT_EQ(values.at("encoder.audio.weight")[0][0].item<float>(),
            static_cast<float>((2.0 * static_cast<double>(u) - 1) * 0.1));
}

TEST(FlatParameters, RowsAndLeavesAreAlignedAndOnlyWeightsDecay) {
  const auto model = make_model(options_of(Fusion::cross_attention, 3, at::kFloat), keys_of(3));
  for (std::int64_t k = 0; k < 3; ++k) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(model->flat()[k].data_ptr()) % 64, 0u);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(model->flat_grad()[k].data_ptr()) % 64, 0u);
  }
  const at::Tensor mask = model->decay_mask();
  double weights = 0;
  for (const Leaf& leaf : model->leaves()) {
    const bool weight = leaf.name.size() > 7 && leaf.name.substr(leaf.name.size() - 7) == ".weight";
    EXPECT_EQ(leaf.decay, weight) << leaf.name;
    const at::Tensor part = mask.narrow(0, leaf.value.storage_offset(), leaf.value[0].numel());
    EXPECT_TRUE((part == (weight ? 1 : 0)).all().item<bool>()) << leaf.name;
    weights += weight ? static_cast<double>(leaf.value[0].numel()) : 0;
  }
  EXPECT_EQ(mask.sum().item<double>(), weights);
}

TEST(Dropout, FollowsTheDefinitionForAnyWidthAndAnyPositions) {
  for (const std::int64_t width : {1, 4, 6, 9}) {
    Dropout dropout({"a", "b"}, width);
    StepParts parts{keys_of(2), at::tensor({0.5, 0.25}, at::kFloat), {}};
    data::Batch batch;
    batch.K = 2;
    batch.inputs.push_back({at::zeros({2, 5, 1}), {}, {}});
    batch.position = at::tensor({7, 8, 9, 3, 4, 0, 2, 1, 40, 41}, at::kLong).view({2, 5});
    const at::Tensor mask = dropout.mask(batch, step_of(parts, true, 11), {}, at::kDouble);
    ASSERT_EQ(mask.sizes().vec(), (std::vector<std::int64_t>{2, 5, 2, width}));
    for (std::int64_t k = 0; k < 2; ++k) {
      const double rate = k == 0 ? 0.5 : 0.25;
      for (std::int64_t i = 0; i < 5; ++i) {
        for (std::int64_t m = 0; m < 2; ++m) {
          for (std::int64_t j = 0; j < width; ++j) {
            const std::int64_t p = batch.position[k][i].item<std::int64_t>();
            const auto block = philox(
                derive(parts.keys[static_cast<std::size_t>(k)], m == 0 ? "dropout/a" : "dropout/b"),
                11, static_cast<std::uint64_t>(p * ((width + 3) / 4) + j / 4));
            const bool keep = block[static_cast<std::size_t>(j % 4)] >= rate * 4294967296.0;
            EXPECT_EQ(mask[k][i][m][j].item<double>(), keep ? 1 / (1 - rate) : 0.0);
          }
        }
      }
    }
  }
}

TEST(Dropout, DropsAtItsRateAndIsUndefinedWithoutOne) {
  Dropout dropout({"layer"}, 64);
  StepParts parts{keys_of(2), at::tensor({0.3, 0.0}, at::kFloat), {}};
  data::Batch batch;
  batch.K = 2;
  batch.inputs.push_back({at::zeros({2, 500, 1}), {}, {}});
  batch.position = at::arange(500, at::kLong).unsqueeze(0).repeat({2, 1});
  const at::Tensor mask = dropout.mask(batch, step_of(parts, true), {}, at::kFloat);
  const double kept = (mask[0] > 0).to(at::kDouble).mean().item<double>();
  EXPECT_NEAR(kept, 0.7, 5 * std::sqrt(0.21 / 32000));
  EXPECT_NEAR(mask[0].max().item<double>(), 1 / 0.7, 1e-6);
  EXPECT_TRUE((mask[1] == 1).all().item<bool>()) << "rate 0 is the identity";
  EXPECT_FALSE(dropout.mask(batch, step_of(parts, false), {}, at::kFloat).defined());
  parts.dropout = at::zeros({2});
  EXPECT_FALSE(dropout.mask(batch, step_of(parts, true), {}, at::kFloat).defined());
  parts.dropout = at::ones({2});
  EXPECT_ANY_THROW(dropout.mask(batch, step_of(parts, true), {}, at::kFloat));
}

TEST(Model, RefusesABatchOfAnotherShape) {
  const ModelOptions o = options_of(Fusion::concat, 2);
  const auto model = make_model(o, keys_of(1));
  StepParts parts{keys_of(1), at::zeros({1}), {}};
  data::Batch batch = batch_of(o);
  batch.inputs.pop_back();
  EXPECT_ANY_THROW(model->forward(batch, step_of(parts, false)));
  batch = batch_of(o);
  batch.inputs[0].x = batch.inputs[0].x.to(at::kFloat);
  EXPECT_ANY_THROW(model->forward(batch, step_of(parts, false)));
  batch = batch_of(o, {.K = 2});
  EXPECT_ANY_THROW(model->forward(batch, step_of(parts, false)));
}

}  // namespace
}  // namespace emosweep::models::test
