#include "models/text_encoder.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/files.h"
#include "models/encoder_tensors.h"

namespace emosweep::models {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

Json read_json(const fs::path& file) {
  const Json json = Json::parse(read_text(file, 16u << 20), nullptr, false);
  if (json.is_discarded() || !json.is_object())
    throw InputError(file.string() + ": no JSON object");
  return json;
}

// Keys of config.json, which the two families name differently.
class Config {
 public:
  explicit Config(const fs::path& file) : file_(file.string()), json_(read_json(file)) {}
  std::int64_t count(const char* key, std::int64_t most) const {
    const auto found = json_.find(key);
    if (found == json_.end() || !found->is_number_integer())
      throw InputError(file_ + ": '" + key + "' is no whole number, or is not there");
    const auto value = found->get<std::int64_t>();
    if (value < 1 || value > most)
      throw InputError(file_ + ": '" + key + "' is " + std::to_string(value) + ", expected 1 to " +
                       std::to_string(most));
    return value;
  }
  std::string text(const char* key, const std::string& fallback) const {
    const auto found = json_.find(key);
    if (found == json_.end() || found->is_null()) return fallback;
    if (!found->is_string()) throw InputError(file_ + ": '" + key + "' is no text");
    return found->get<std::string>();
  }
  double number(const char* key, double fallback) const {
    const auto found = json_.find(key);
    if (found == json_.end()) return fallback;
    if (!found->is_number()) throw InputError(file_ + ": '" + key + "' is no number");
    return found->get<double>();
  }
  const std::string& file() const { return file_; }

 private:
  std::string file_;
  Json json_;
};

}  // namespace

TextEncoderOptions read_encoder_options(const fs::path& folder) {
  std::error_code code;
  if (!fs::is_regular_file(folder / "config.json", code))
    throw InputError(folder.string() +
                     ": there is no config.json here, as Hugging Face's models have");
  const Config config(folder / "config.json");
  TextEncoderOptions o;
  o.family = config.text("model_type", "");
  if (o.family != "bert" && o.family != "distilbert")
    throw InputError(config.file() + ": model_type is '" + o.family +
                     "'; bert and distilbert are what can be read");
  const bool bert = o.family == "bert";
  o.vocabulary = config.count("vocab_size", 4'000'000);
  o.positions = config.count("max_position_embeddings", 1 << 20);
  o.hidden_size = config.count(bert ? "hidden_size" : "dim", 1 << 16);
  o.layers = config.count(bert ? "num_hidden_layers" : "n_layers", 1000);
  o.heads = config.count(bert ? "num_attention_heads" : "n_heads", 1000);
  o.intermediate_size = config.count(bert ? "intermediate_size" : "hidden_dim", 1 << 18);
  if (bert) o.types = config.count("type_vocab_size", 1000);
  o.epsilon = bert ? config.number("layer_norm_eps", 1e-12) : 1e-12;
  o.activation = config.text(bert ? "hidden_act" : "activation", "gelu");
  if (o.hidden_size % o.heads != 0)
    throw InputError(config.file() + ": " + std::to_string(o.heads) + " heads do not divide " +
                     std::to_string(o.hidden_size));
  if (o.activation != "gelu" && o.activation != "gelu_new" && o.activation != "relu")
    throw InputError(config.file() + ": the activation '" + o.activation +
                     "' is unknown (gelu, gelu_new, relu)");
  if (config.text("position_embedding_type", "absolute") != "absolute")
    throw InputError(config.file() + ": only absolute position embeddings can be read");
  return o;
}

NamedTensors read_encoder_weights(const fs::path& folder) {
  std::error_code code;
  if (fs::is_regular_file(folder / "model.safetensors", code))
    return read_safetensors(folder / "model.safetensors");
  const fs::path index = folder / "model.safetensors.index.json";
  if (!fs::is_regular_file(index, code)) {
    const fs::path old = folder / "pytorch_model.bin";
    throw InputError(
        folder.string() + ": there is no model.safetensors here" +
        (fs::exists(old, code)
             ? "; pickled weights are not read, convert them: python -c \"import torch, "
               "safetensors.torch as s; s.save_file({k: v.contiguous() for k, v in "
               "torch.load('pytorch_model.bin', weights_only=True).items()}, "
               "'model.safetensors')\""
             : ""));
  }
  const Json json = read_json(index);
  const auto map = json.find("weight_map");
  if (map == json.end() || !map->is_object())
    throw InputError(index.string() + ": it has no weight_map");
  std::set<std::string> files;
  for (const auto& [tensor, file] : map->items()) {
    const std::string name = file.is_string() ? file.get<std::string>() : "";
    // A name only: an index does not lead out of its folder.
    if (name.empty() || fs::path(name).filename() != name)
      throw InputError(index.string() + ": the shard of " + tensor + " is no file name");
    files.insert(name);
  }
  NamedTensors all;
  for (const std::string& name : files) {
    NamedTensors shard = read_safetensors(folder / name);
    for (auto& tensor : shard.tensors) all.tensors.push_back(std::move(tensor));
  }
  return all;
}

TextEncoder TextEncoder::load(const fs::path& folder) {
  return {read_encoder_options(folder), read_encoder_weights(folder), folder.string()};
}

TextEncoder::TextEncoder(const TextEncoderOptions& options, const NamedTensors& weights,
                         const std::string& file)
    : options_(options) {
  const TextEncoderOptions& o = options_;
  const std::int64_t H = o.hidden_size, I = o.intermediate_size;
  EncoderTensors tensors(weights, file);
  const auto linear = [&](const std::string& name, std::int64_t out, std::int64_t in) {
    return Linear{tensors.take(name + ".weight", {out, in}), tensors.take(name + ".bias", {out})};
  };
  const auto norm = [&](const std::string& name) {
    return Norm{tensors.take(name + ".weight", {H}), tensors.take(name + ".bias", {H})};
  };
  words_ = tensors.take("embeddings.word_embeddings.weight", {o.vocabulary, H});
  positions_ = tensors.take("embeddings.position_embeddings.weight", {o.positions, H});
  if (o.types > 0) {
    const at::Tensor types = tensors.take("embeddings.token_type_embeddings.weight", {o.types, H});
    if (types.defined()) type_ = types[0];
  }
  embeddings_ = norm("embeddings.LayerNorm");
  const EncoderNames names = encoder_names(o.family);
  for (std::int64_t l = 0; l < o.layers; ++l) {
    const std::string at = names.layer + std::to_string(l) + ".";
    layers_.push_back({linear(at + names.query, H, H), linear(at + names.key, H, H),
                       linear(at + names.value, H, H), linear(at + names.out, H, H),
                       linear(at + names.up, I, H), linear(at + names.down, H, I),
                       norm(at + names.attention_norm), norm(at + names.output_norm)});
  }
  tensors.throw_if_any();
}

at::Tensor TextEncoder::Linear::operator()(const at::Tensor& x) const {
  return at::linear(x, weight, bias);
}

at::Tensor TextEncoder::normalised(const at::Tensor& x, const Norm& norm) const {
  return at::layer_norm(x, {options_.hidden_size}, norm.weight, norm.bias, options_.epsilon);
}

at::Tensor TextEncoder::attention(const Layer& layer, const at::Tensor& x) const {
  const std::int64_t b = x.size(0), T = x.size(1), heads = options_.heads;
  const auto split = [&](const at::Tensor& y) {
    return y.view({b, T, heads, options_.hidden_size / heads}).transpose(1, 2);
  };
  const at::Tensor context = at::scaled_dot_product_attention(
      split(layer.query(x)), split(layer.key(x)), split(layer.value(x)));
  return layer.out(context.transpose(1, 2).reshape({b, T, options_.hidden_size}));
}

at::Tensor TextEncoder::forward(const at::Tensor& ids) const {
  EMO_CHECK(ids.dim() == 2 && ids.scalar_type() == at::kLong && ids.size(1) <= options_.positions,
            "ids are [b, T] int64 with as many positions as the encoder has");
  const at::NoGradGuard no_grad;
  at::Tensor x = at::embedding(words_, ids) + positions_.narrow(0, 0, ids.size(1));
  if (type_.defined()) x = x + type_;
  x = normalised(x, embeddings_);
  for (const Layer& layer : layers_) {
    x = normalised(x + attention(layer, x), layer.attention);
    at::Tensor up = layer.up(x);
    up = options_.activation == "relu"
             ? at::relu(up)
             : at::gelu(up, options_.activation == "gelu" ? "none" : "tanh");
    x = normalised(x + layer.down(up), layer.output);
  }
  return x;
}

}  // namespace emosweep::models
