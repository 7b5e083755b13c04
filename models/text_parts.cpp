#include "models/text_parts.h"

#include <cmath>

#include "models/encoder_tensors.h"

namespace emosweep::models {
namespace {

constexpr double kSpread = 0.02;  // of initial weights, as BERT's

class Builder {
 public:
  explicit Builder(TextParts& parts) : parts_(parts) {}

  // All that is added from here on is frozen, or learns at lr * rate.
  void begin(bool frozen, double rate) {
    end();
    frozen_ = frozen;
    rate_ = rate;
    from_ = parts_.trained.row();
  }
  void end() {
    const std::int64_t to = parts_.trained.row();
    if (rate_ != 1 && to > from_) parts_.rates.push_back({from_, to, rate_});
  }
  TextAt weight(const std::vector<std::string>& names, std::vector<std::int64_t> shape) {
    return add(names, std::move(shape), Init::normal, kSpread, true);
  }
  TextAt constant(const std::vector<std::string>& names, std::int64_t size, double value) {
    return add(names, {size}, Init::constant, value, false);
  }
  TextLinearAt linear(const std::vector<std::string>& names, std::int64_t in, std::int64_t out) {
    std::vector<std::string> weights, biases;
    for (const std::string& name : names) {
      weights.push_back(name + ".weight");
      biases.push_back(name + ".bias");
    }
    const TextAt at = weight(weights, {out, in});
    return {at, constant(biases, out, 0), in, out * static_cast<std::int64_t>(names.size())};
  }
  TextNormAt norm(const std::string& name, std::int64_t size) {
    const TextAt at = constant({name + ".weight"}, size, 1);
    return {at, constant({name + ".bias"}, size, 0)};
  }

 private:
  TextAt add(const std::vector<std::string>& names, std::vector<std::int64_t> shape, Init init,
             double scale, bool decay) {
    Layout& layout = frozen_ ? parts_.frozen : parts_.trained;
    return {frozen_, layout.add_stack(names, shape, init, scale, decay)};
  }

  TextParts& parts_;
  bool frozen_ = false;
  double rate_ = 1;
  std::int64_t from_ = 0;
};

}  // namespace

TextParts text_parts(const TextModelOptions& options, std::int64_t classes) {
  const TextEncoderOptions& o = options.encoder;
  const std::int64_t H = o.hidden_size, I = o.intermediate_size;
  const auto rate = [&](std::int64_t depth) {
    return std::pow(options.layer_lr_decay, static_cast<double>(depth));
  };
  TextParts parts;
  Builder build(parts);
  build.begin(options.frozen > 0, rate(o.layers + 1));
  parts.positions = build.weight({"embeddings.position_embeddings.weight"}, {o.positions, H});
  if (o.types > 0)
    parts.types = build.weight({"embeddings.token_type_embeddings.weight"}, {o.types, H});
  parts.norm = build.norm("embeddings.LayerNorm", H);
  const EncoderNames names = encoder_names(o.family);
  for (std::int64_t l = 0; l < o.layers; ++l) {
    build.begin(options.frozen > l + 1, rate(o.layers - l));
    const std::string at = names.layer + std::to_string(l) + ".";
    TextLayerAt layer;
    layer.query_key_value =
        build.linear({at + names.query, at + names.key, at + names.value}, H, H);
    layer.out = build.linear({at + names.out}, H, H);
    layer.attention_norm = build.norm(at + names.attention_norm, H);
    layer.up = build.linear({at + names.up}, H, I);
    layer.down = build.linear({at + names.down}, I, H);
    layer.output_norm = build.norm(at + names.output_norm, H);
    parts.layers.push_back(layer);
  }
  build.begin(false, options.head_lr);
  parts.head = build.linear({"head"}, H, classes);
  // Last, since a step's gradient has few of its rows: they are summed over a team by themselves.
  build.begin(options.frozen > 0, rate(o.layers + 1));
  parts.words = build.weight({"embeddings.word_embeddings.weight"}, {o.vocabulary, H});
  build.end();
  return parts;
}

}  // namespace emosweep::models
