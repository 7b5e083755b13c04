#include "models/fusion_parts.h"

#include <cmath>

namespace emosweep::models {
namespace {

using Names = std::vector<std::string>;

double bound(std::int64_t fan_in) { return 1 / std::sqrt(static_cast<double>(fan_in)); }

Names named(const std::string& prefix, const Names& inputs, const std::string& suffix) {
  Names names;
  for (const std::string& input : inputs) names.push_back(prefix + input + suffix);
  return names;
}

LinearAt add_linear(Layout& layout, const std::string& name, std::int64_t in, std::int64_t out) {
  return {layout.add(name + ".weight", {in, out}, Init::uniform, bound(in), true),
          layout.add(name + ".bias", {out}, Init::uniform, bound(in), false), in, out};
}

NormAt add_norms(Layout& layout, const Names& names, std::int64_t width) {
  const auto n = static_cast<std::int64_t>(names.size());
  return {layout.add_stack(named("", names, ".norm.gamma"), {width}, Init::constant, 1, false),
          layout.add_stack(named("", names, ".norm.beta"), {width}, Init::constant, 0, false),
          n * width};
}

}  // namespace

Parts parts_of(const ModelOptions& o) {
  const auto M = static_cast<std::int64_t>(o.inputs.size());
  const std::int64_t H = o.hidden_size;
  Parts p;
  for (std::size_t m = 0; m < o.inputs.size(); ++m) {
    p.encoders.push_back(add_linear(p.layout, "encoder." + o.inputs[m], o.widths[m], H));
  }
  p.encoder_norm = add_norms(p.layout, named("encoder.", o.inputs, ""), H);
  switch (o.fusion) {
    case Fusion::none:
      break;
    case Fusion::concat:
      p.fusion.push_back(add_linear(p.layout, "fusion.0", M * H, 2 * H));
      p.fusion_norm.push_back(add_norms(p.layout, {"fusion.0"}, 2 * H));
      p.fusion.push_back(add_linear(p.layout, "fusion.1", 2 * H, H));
      p.fusion_norm.push_back(add_norms(p.layout, {"fusion.1"}, H));
      break;
    case Fusion::gated:
      p.fusion.push_back(add_linear(p.layout, "gate.0", M * H, H));
      p.fusion.push_back(add_linear(p.layout, "gate.1", H, M));
      p.fusion_norm.push_back(add_norms(p.layout, {"fusion"}, H));
      break;
    case Fusion::cross_attention: {
      const auto stack = [&](const std::string& suffix, const std::vector<std::int64_t>& shape,
                             Init init, double scale, bool decay) {
        return p.layout.add_stack(named("attention.", o.inputs, suffix), shape, init, scale, decay);
      };
      p.attention.expand =
          stack(".tokens.weight", {H, o.tokens * H}, Init::uniform, bound(H), true);
      p.attention.embedding = stack(".tokens.embedding", {o.tokens, H}, Init::normal, 0.02, false);
      p.attention.kqv = stack(".kqv.weight", {H, 3 * H}, Init::uniform, bound(H), true);
      p.attention.bias = stack(".qv.bias", {2 * H}, Init::uniform, bound(H), false);
      p.attention.out = stack(".out.weight", {H, H}, Init::uniform, bound(H), true);
      p.attention.norm = add_norms(p.layout, named("attention.", o.inputs, ""), H);
      p.fusion.push_back(add_linear(p.layout, "fusion.0", M * H, H));
      p.fusion_norm.push_back(add_norms(p.layout, {"fusion.0"}, H));
      break;
    }
  }
  p.head = add_linear(p.layout, "head", H, o.classes);
  return p;
}

std::vector<std::string> encoder_layers(const ModelOptions& options) {
  return named("encoder.", options.inputs, "");
}

std::string fusion_layer(std::size_t i) { return "fusion." + std::to_string(i); }

}  // namespace emosweep::models
