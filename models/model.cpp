#include "models/model.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "base/error.h"
#include "models/fused_model.h"
#include "models/fusion.h"
#include "models/image_network.h"
#include "models/text_network.h"

namespace emosweep::models {
namespace {

constexpr std::int64_t kLargest = 1 << 20;  // of every size: products of two stay far from overflow

void check_size(Mistakes& mistakes, const std::string& what, std::int64_t value) {
  if (value < 1 || value > kLargest) {
    mistakes.add(what + " is " + std::to_string(value) + ", expected 1 to " +
                 std::to_string(kLargest));
  }
}

// The smallest image whose places do not vanish on the way through the network.
std::int64_t least_side(const std::string& model) { return model == "small_cnn" ? 4 : 1; }

void check_image(Mistakes& mistakes, const ModelOptions& o) {
  if (o.inputs.size() > 1) mistakes.add("model: " + o.model + " takes one modality of images");
  if (o.image_channels < 1 || o.image_channels > 16) {
    mistakes.add("model: images have 1 to 16 channels");
  }
  const std::int64_t least = least_side(o.model), most = std::int64_t{1} << 14;
  if (o.image_height < least || o.image_width < least || o.image_height > most ||
      o.image_width > most) {
    mistakes.add("model: " + o.model + " takes images of " + std::to_string(least) + " to " +
                 std::to_string(most) + " pixels a side, these are " +
                 std::to_string(o.image_height) + " x " + std::to_string(o.image_width));
  } else if (!o.widths.empty() &&
             o.widths[0] != o.image_channels * o.image_height * o.image_width) {
    mistakes.add("model: a row of " + std::to_string(o.widths[0]) + " numbers is no image of " +
                 std::to_string(o.image_channels) + " x " + std::to_string(o.image_height) + " x " +
                 std::to_string(o.image_width));
  }
  if (o.kernels == Kernels::fused) mistakes.add("kernels: " + o.model + " has none that are fused");
}

void check_text(Mistakes& mistakes, const ModelOptions& o) {
  const TextModelOptions& text = o.text;
  if (o.inputs.size() > 1) mistakes.add("model: transformer takes one modality of texts");
  if (text.encoder.layers < 1 || text.encoder.heads < 1 ||
      text.encoder.hidden_size % text.encoder.heads != 0) {
    mistakes.add("model: transformer needs an encoder whose heads divide its hidden size");
  }
  if (!o.widths.empty() && (o.widths[0] < 2 || o.widths[0] > text.encoder.positions)) {
    mistakes.add("max_length: " + std::to_string(o.widths[0]) + " tokens, the encoder has " +
                 std::to_string(text.encoder.positions) + " positions");
  }
  if (text.pooling != "mean" && text.pooling != "cls") {
    mistakes.add("pooling: " + text.pooling + " is unknown (mean, cls)");
  }
  if (text.frozen < 0 || text.frozen > text.encoder.layers) {
    mistakes.add("freeze: " + std::to_string(text.frozen - 1) + " layers of an encoder of " +
                 std::to_string(text.encoder.layers) +
                 "; to freeze all of it take kind: embeddings, which encodes every text once");
  }
  if (o.kernels == Kernels::fused) mistakes.add("kernels: transformer has none that are fused");
}

}  // namespace

void Model::zero_gradient() { flat_grad().zero_(); }

void check_options(const ModelOptions& options) {
  Mistakes mistakes;
  const std::vector<std::string> known{"mlp", "small_cnn", "resnet18", "transformer"};
  if (std::find(known.begin(), known.end(), options.model) == known.end()) {
    const std::string near = nearest(options.model, known);
    mistakes.add("model: " + options.model +
                 " is not known here, expected mlp, small_cnn, resnet18 or transformer" +
                 (near.empty() ? "" : "; did you mean " + near + "?"));
  }
  if (options.inputs.empty()) mistakes.add("model: it has no input modality");
  if (options.inputs.size() != options.widths.size()) {
    mistakes.add("model: " + std::to_string(options.inputs.size()) + " inputs, but " +
                 std::to_string(options.widths.size()) + " widths");
  }
  for (std::size_t m = 0; m < std::min(options.inputs.size(), options.widths.size()); ++m) {
    check_size(mistakes, "model: width of modality " + options.inputs[m], options.widths[m]);
    if (std::count(options.inputs.begin(), options.inputs.end(), options.inputs[m]) > 1) {
      mistakes.add("model: modality " + options.inputs[m] + " is named twice");
    }
  }
  if (options.inputs.size() == 1 && options.fusion != Fusion::none) {
    mistakes.add("fusion_type: there is only one modality, nothing to fuse");
  }
  if (options.inputs.size() > 1 && options.fusion == Fusion::none) {
    mistakes.add("fusion_type: several modalities need concat, gated or cross_attention");
  }
  if (is_image_model(options.model)) check_image(mistakes, options);
  if (is_text_model(options.model)) check_text(mistakes, options);
  check_size(mistakes, "hidden_size", options.hidden_size);
  check_size(mistakes, "number of classes", options.classes);
  if (options.fusion == Fusion::cross_attention) {
    check_size(mistakes, "tokens", options.tokens);
    check_size(mistakes, "heads", options.heads);
    if (options.heads >= 1 && options.hidden_size % options.heads != 0) {
      mistakes.add("heads: " + std::to_string(options.heads) + " does not divide hidden_size " +
                   std::to_string(options.hidden_size));
    }
  }
  if (!options.device.is_cpu() && !is_image_model(options.model) && !is_text_model(options.model)) {
    mistakes.add("device: " + options.model + " is computed on the CPU");
  }
  if (options.dtype != at::kFloat && options.dtype != at::kDouble) {
    mistakes.add("dtype: expected float32 or float64");
  }
  mistakes.throw_if_any();
}

std::vector<std::string> model_warnings(const ModelOptions& options) {
  std::vector<std::string> warnings;
  if (options.fusion == Fusion::cross_attention && options.tokens == 1) {
    warnings.push_back(options.inputs.size() == 2
                           ? "tokens: 1: with two modalities every attention looks at a single "
                             "token, its softmax is always 1 "
                             "and queries and keys learn nothing; use 2 or more"
                           : "tokens: 1: each modality is a single token, so attention only "
                             "chooses between modalities");
  }
  return warnings;
}

std::int64_t parameter_count(const ModelOptions& options) {
  check_options(options);
  if (is_text_model(options.model)) return text_parameter_count(options);
  return (is_image_model(options.model) ? image_layout(options) : fusion_layout(options)).count();
}

std::unique_ptr<Model> make_model(const ModelOptions& options, std::span<const StreamKey> keys) {
  check_options(options);
  EMO_CHECK(!keys.empty(), "a pack holds at least one trial");
  if (is_image_model(options.model)) return make_image_network(options, keys);
  if (is_text_model(options.model)) return make_text_network(options, keys);
  if (options.kernels == Kernels::fused) return std::make_unique<FusedModel>(options, keys);
  return make_fusion_model(options, keys);
}

}  // namespace emosweep::models
