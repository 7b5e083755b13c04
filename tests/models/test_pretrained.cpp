#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "models/image_network.h"
#include "models/pretrained.h"
#include "support.h"

namespace emosweep::models {
namespace {

constexpr std::int64_t kSize = 33;

std::unique_ptr<Model> network(std::int64_t channels, std::int64_t classes, std::uint64_t seed,
                               at::ScalarType dtype = at::kFloat) {
  ModelOptions options;
  options.model = "resnet18";
  options.inputs = {"wave"};
  options.image_channels = channels;
  options.image_height = options.image_width = kSize;
  options.widths = {channels * kSize * kSize};
  options.classes = classes;
  options.dtype = dtype;
  return make_model(options, test::keys_of(1, seed));
}

at::Tensor logits(Model& model, const at::Tensor& images) {
  const at::NoGradGuard no_grad;
  const std::int64_t rows = images.size(1);
  data::Batch batch;
  batch.inputs = {{images, {}, {}}};
  batch.position = at::arange(rows).unsqueeze(0);
  batch.sample = batch.position;
  batch.weight = at::ones({1, rows}, at::kDouble);
  test::StepParts parts{test::keys_of(1), at::zeros({1}), {}};
  return model.forward(batch, test::step_of(parts, false)).heads[0];
}

std::string error_of(Model& model, const NamedTensors& weights) {
  try {
    load_pretrained(model, 0, weights, "w.safetensors");
  } catch (const InputError& e) {
    return e.what();
  }
  return "";
}

at::Tensor find(const NamedTensors& weights, const std::string& name) {
  for (const auto& [own, tensor] : weights.tensors) {
    if (own == name) return tensor;
  }
  return {};
}

TEST(Pretrained, ThreeChannelsBecomeOneThatGivesTheSameForGreyImages) {
  const auto colour = network(3, 8, 1), grey = network(1, 8, 2);
  NamedTensors weights = weights_of(*colour, 0);
  for (auto& [name, tensor] : weights.tensors) tensor = tensor.to(at::kDouble);  // as other files
  weights.tensors.emplace_back("bn1.num_batches_tracked", at::full({}, 7, at::kLong));
  EXPECT_TRUE(load_pretrained(*grey, 0, weights, "w.safetensors").empty());
  const at::Tensor image = at::linspace(-1, 1, 2 * kSize * kSize).sin().reshape({1, 2, -1});
  const at::Tensor wanted = logits(*colour, at::cat({image, image, image}, 2));
  EXPECT_GT(wanted.abs().max().item<float>(), 1e-3);
  EXPECT_LT((logits(*grey, image) - wanted).abs().max().item<float>(), 1e-4);
}

TEST(Pretrained, AHeadOfOtherClassesStartsAnew) {
  const auto from = network(1, 1000, 1), to = network(1, 8, 2);
  const at::Tensor head = find(weights_of(*to, 0), "fc.weight").clone();
  NamedTensors weights = weights_of(*from, 0);
  const auto left = load_pretrained(*to, 0, weights, "w.safetensors");
  ASSERT_EQ(left.size(), 1u);
  EXPECT_NE(left[0].find("one of 1000 classes, the dataset 8"), std::string::npos) << left[0];
  EXPECT_TRUE(at::equal(find(weights_of(*to, 0), "fc.weight"), head));
  EXPECT_TRUE(at::equal(find(weights_of(*to, 0), "layer3.1.conv2.weight"),
                        find(weights, "layer3.1.conv2.weight")));
  std::erase_if(weights.tensors, [](const auto& t) { return t.first.starts_with("fc."); });
  EXPECT_NE(load_pretrained(*to, 0, weights, "w")[0].find("has none"), std::string::npos);
}

TEST(Pretrained, WhatDoesNotFitIsListedAndChangesNothing) {
  const auto from = network(1, 8, 1), to = network(1, 8, 2);
  const NamedTensors before = weights_of(*to, 0), whole = weights_of(*from, 0);
  NamedTensors weights = whole;
  std::erase_if(weights.tensors, [](const auto& t) { return t.first == "bn1.weight"; });
  for (auto& [name, tensor] : weights.tensors) {
    if (name == "layer1.0.conv1.weight") tensor = tensor.narrow(0, 0, 3).contiguous();
  }
  weights.tensors.emplace_back("decoder.weight", at::zeros({2}));
  const std::string text = error_of(*to, weights);
  for (const char* part : {"bn1.weight is missing", "layer1.0.conv1.weight is Float [3, 64, 3, 3]",
                           "decoder.weight is not in the model", "w.safetensors"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
  weights = whole;
  weights.tensors[0].second = at::full_like(weights.tensors[0].second, NAN);
  EXPECT_NE(error_of(*to, weights).find("not finite"), std::string::npos);
  for (std::size_t i = 0; i < before.tensors.size(); ++i) {
    EXPECT_TRUE(at::equal(weights_of(*to, 0).tensors[i].second, before.tensors[i].second));
  }
}

}  // namespace
}  // namespace emosweep::models
