// A pretrained encoder against transformers (tests/fixtures/text.json,
// scripts/make_text_fixture.py).
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "base/philox.h"
#include "trainer/text_embedder.h"

namespace emosweep::trainer {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

// all-MiniLM-L6-v2, where scripts/get-encoder has put it.
fs::path minilm() {
  const auto variable = [](const char* name) {
    const char* set = std::getenv(name);
    return std::string(set != nullptr ? set : "");
  };
  fs::path folder = variable("EMOSWEEP_MODELS");
  if (folder.empty()) {
    fs::path cache = variable("EMOSWEEP_CACHE");
    if (cache.empty())
      cache = fs::path(variable("XDG_CACHE_HOME").empty() ? variable("HOME") + "/.cache"
                                                          : variable("XDG_CACHE_HOME")) /
              "emosweep";
    folder = cache / "models";
  }
  return folder / "all-minilm-l6-v2";
}

TEST(EncoderEmbedder, GivesWhatTransformersGives) {
  if (!fs::exists(minilm() / "model.safetensors"))
    GTEST_SKIP() << "no encoder at " << minilm() << ": scripts/get-encoder installs it";
  std::ifstream file(std::string(EMOSWEEP_SOURCE_DIR) + "/tests/fixtures/text.json");
  const Json sentences = Json::parse(file)["sentences"];
  std::vector<std::string> texts;
  for (const Json& sentence : sentences) texts.push_back(sentence["text"]);
  texts.push_back(texts[0]);
  EncoderEmbedder embedder;
  for (const char* pooling : {"mean", "cls"}) {
    const data::EmbeddingOptions options{minilm(), pooling, 512};
    ASSERT_EQ(embedder.width(options), 384);
    const std::vector<float> all = embedder.embed(options, texts);
    ASSERT_EQ(all.size(), texts.size() * 384);
    for (std::size_t i = 0; i < sentences.size(); ++i) {
      const auto wanted = sentences[i][pooling].get<std::vector<double>>();
      for (std::size_t j = 0; j < wanted.size(); ++j)
        EXPECT_NEAR(all[i * 384 + j], wanted[j], 1e-4) << texts[i] << " " << j;
    }
    for (std::size_t j = 0; j < 384; ++j)  // beside others or again
      EXPECT_NEAR(all[(texts.size() - 1) * 384 + j], all[j], 1e-5);
  }
}

// A small encoder in a folder, of random weights.
struct Small : testing::Test {
  fs::path folder;
  Json config = {
      {"model_type", "bert"},     {"vocab_size", 9},         {"max_position_embeddings", 8},
      {"type_vocab_size", 2},     {"hidden_size", 8},        {"num_hidden_layers", 2},
      {"num_attention_heads", 2}, {"intermediate_size", 16}, {"hidden_act", "gelu"}};
  models::NamedTensors weights;

  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "emosweep_encoder_XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder = name;
    write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\nhap\n##py\nun\n##hap\n!\n");
    add("bert.embeddings.word_embeddings.weight", {9, 8});
    add("bert.embeddings.position_embeddings.weight", {8, 8});
    add("bert.embeddings.token_type_embeddings.weight", {2, 8});
    norm("bert.embeddings.LayerNorm");
    for (int l = 0; l < 2; ++l) {
      const std::string at = "bert.encoder.layer." + std::to_string(l) + ".";
      for (const char* part : {"attention.self.query", "attention.self.key", "attention.self.value",
                               "attention.output.dense"})
        linear(at + part, 8, 8);
      linear(at + "intermediate.dense", 16, 8);
      linear(at + "output.dense", 8, 16);
      norm(at + "attention.output.LayerNorm");
      norm(at + "output.LayerNorm");
    }
    add("cls.predictions.bias", {9});  // of a head: not read
    write_config();
  }
  void TearDown() override { fs::remove_all(folder); }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder / name, std::ios::binary) << text;
  }
  void write_config() const { write("config.json", config.dump()); }
  void add(const std::string& name, at::IntArrayRef shape) {
    at::Tensor value = at::empty(shape);
    std::vector<double> numbers(static_cast<std::size_t>(value.numel()));
    fill_normal(numbers, derive(trial_key(1, "encoder"), name), 0);
    for (std::int64_t i = 0; i < value.numel(); ++i)
      value.mutable_data_ptr<float>()[i] =
          static_cast<float>(.5 * numbers[static_cast<std::size_t>(i)]);
    weights.tensors.emplace_back(name, value);
  }
  void linear(const std::string& name, std::int64_t out, std::int64_t in) {
    add(name + ".weight", {out, in});
    add(name + ".bias", {out});
  }
  void norm(const std::string& name) {
    add(name + ".weight", {8});
    add(name + ".bias", {8});
  }
  void save(const std::string& name = "model.safetensors") const {
    const auto bytes = models::write_safetensors(weights);
    write(name, {bytes.begin(), bytes.end()});
  }
  std::vector<float> embed(std::int64_t length = 8) const {
    return EncoderEmbedder().embed({folder, "mean", length}, {"unhappy!", "", "happy happy happy"});
  }
  std::string error() const {
    try {
      EncoderEmbedder embedder;
      (void)embedder.width({folder, "mean", 8});
      (void)embedder.embed({folder, "mean", 8}, {"happy"});
    } catch (const InputError& e) {
      return e.what();
    }
    return "";
  }
};

// One head, one row at a time, plain loops in double.
at::Tensor plain(const models::NamedTensors& weights, const std::vector<std::int64_t>& ids) {
  const auto w = [&](const std::string& name) {
    for (const auto& [own, tensor] : weights.tensors) {
      if (own == "bert." + name) return tensor.to(at::kDouble);
    }
    throw std::runtime_error(name);
  };
  const auto linear = [&](const std::string& name, const at::Tensor& x) {
    return at::matmul(x, w(name + ".weight").t()) + w(name + ".bias");
  };
  const auto norm = [&](const std::string& name, const at::Tensor& x) {
    const at::Tensor centred = x - x.mean(1, true);
    return centred / (centred.pow(2).mean(1, true) + 1e-12).sqrt() * w(name + ".weight") +
           w(name + ".bias");
  };
  const auto T = std::ssize(ids);
  at::Tensor x =
      w("embeddings.word_embeddings.weight").index_select(0, at::tensor(ids, at::kLong)) +
      w("embeddings.position_embeddings.weight").narrow(0, 0, T) +
      w("embeddings.token_type_embeddings.weight")[0];
  x = norm("embeddings.LayerNorm", x);
  for (int l = 0; l < 2; ++l) {
    const std::string at_layer = "encoder.layer." + std::to_string(l) + ".";
    const at::Tensor q = linear(at_layer + "attention.self.query", x),
                     k = linear(at_layer + "attention.self.key", x),
                     v = linear(at_layer + "attention.self.value", x);
    std::vector<at::Tensor> heads;
    for (std::int64_t h = 0; h < 2; ++h) {
      const auto part = [&](const at::Tensor& t) { return t.narrow(1, 4 * h, 4); };
      heads.push_back(at::matmul(at::softmax(at::matmul(part(q), part(k).t()) / 2.0, 1), part(v)));
    }
    x = norm(at_layer + "attention.output.LayerNorm",
             x + linear(at_layer + "attention.output.dense", at::cat(heads, 1)));
    const at::Tensor up = linear(at_layer + "intermediate.dense", x);
    const at::Tensor gelu = up * .5 * (1 + at::erf(up / std::sqrt(2.0)));
    x = norm(at_layer + "output.LayerNorm", x + linear(at_layer + "output.dense", gelu));
  }
  return x.mean(0);
}

TEST_F(Small, IsWhatPlainLoopsGive) {
  save();
  const std::vector<float> all = embed();
  const std::vector<std::vector<std::int64_t>> ids = {
      {2, 6, 7, 5, 8, 3}, {2, 3}, {2, 4, 5, 4, 5, 4, 5, 3}};
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const at::Tensor wanted = plain(weights, ids[i]);
    for (std::int64_t j = 0; j < 8; ++j)
      EXPECT_NEAR(all[i * 8 + static_cast<std::size_t>(j)], wanted[j].item<double>(), 1e-5) << i;
  }
  // In shards, without the prefix: the same.
  models::NamedTensors whole = weights;
  Json index;
  for (int shard = 0; shard < 2; ++shard) {
    const std::string name = "part-" + std::to_string(shard) + ".safetensors";
    weights.tensors.clear();
    for (std::size_t i = static_cast<std::size_t>(shard); i < whole.tensors.size(); i += 2) {
      auto [own, value] = whole.tensors[i];
      if (own.starts_with("bert.")) own.erase(0, 5);
      index["weight_map"][own] = name;
      weights.tensors.emplace_back(own, value);
    }
    save(name);
  }
  fs::remove(folder / "model.safetensors");
  write("model.safetensors.index.json", index.dump());
  EXPECT_EQ(embed(), all);
}

TEST_F(Small, WhatIsWrongIsSaid) {
  const auto says = [&](const std::string& part) {
    const std::string text = error();
    EXPECT_NE(text.find(part), std::string::npos) << part << "\nis not in: " << text;
  };
  says("there is no model.safetensors here");
  write("pytorch_model.bin", "x");
  says("pickled weights are not read, convert them: python -c");
  const models::NamedTensors whole = weights;
  weights.tensors[0].second = at::zeros({4, 8});
  std::erase_if(weights.tensors,
                [](const auto& t) { return t.first == "bert.encoder.layer.1.output.dense.bias"; });
  save();
  says("embeddings.word_embeddings.weight is");
  says("tensor encoder.layer.1.output.dense.bias is missing");
  weights = whole;
  weights.tensors[2].second = at::full({2, 8}, INFINITY);
  save();
  says("not finite");
  weights = whole;
  save();
  EXPECT_EQ(error(), "");
  const Json good = config;
  for (const auto& [key, value, part] : std::vector<std::tuple<const char*, Json, const char*>>{
           {"model_type", "roberta", "bert and distilbert are what can be read"},
           {"hidden_size", 0, "'hidden_size' is 0"},
           {"num_attention_heads", 3, "3 heads do not divide 8"},
           {"hidden_act", "swish", "the activation 'swish' is unknown"},
           {"max_position_embeddings", 4, "positions, fewer than max_length 8"},
           {"vocab_size", 8, "config.json says"},
           {"num_hidden_layers", "two", "no whole number"}}) {
    config = good;
    config[key] = value;
    write_config();
    says(part);
  }
  config = good;
  write_config();
  write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n1\n2\n3\n4\n5\n6\n");
  says("the tokenizer has 10 pieces, the encoder 9");
  write("config.json", "{");
  says("no JSON object");
}

}  // namespace
}  // namespace emosweep::trainer
