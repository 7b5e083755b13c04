#include "models/image_parts.h"

#include <cmath>

namespace emosweep::models {
namespace {

// As torchvision's resnet: normal with variance 2 / (out * size^2); as torch.nn.Conv2d: uniform.
enum class Start { fan_out_normal, fan_in_uniform };

ConvolutionAt add(Layout& layout, const std::string& name, const std::string& norm, std::int64_t in,
                  std::int64_t out, std::int64_t size, std::int64_t stride, Start start) {
  ConvolutionAt at{name, norm, in, out, size, stride};
  const bool normal = start == Start::fan_out_normal;
  const double fan = static_cast<double>((normal ? out : in) * size * size);
  at.weight =
      layout.add(name + ".weight", {out, in, size, size}, normal ? Init::normal : Init::uniform,
                 normal ? std::sqrt(2 / fan) : 1 / std::sqrt(fan), true);
  at.gamma = layout.add(norm + ".weight", {out}, Init::constant, 1, false);
  at.beta = layout.add(norm + ".bias", {out}, Init::constant, 0, false);
  return at;
}

HeadAt add_head(Layout& layout, const std::string& name, std::int64_t in, std::int64_t out) {
  const double bound = 1 / std::sqrt(static_cast<double>(in));
  return {in, out, layout.add(name + ".weight", {out, in}, Init::uniform, bound, true),
          layout.add(name + ".bias", {out}, Init::uniform, bound, false)};
}

ImageParts small_cnn(const ModelOptions& o) {
  ImageParts parts;
  std::int64_t in = o.image_channels, number = 1;
  for (const std::int64_t out : {32, 64, 128}) {
    const std::string block = "block" + std::to_string(number++);
    parts.plain.push_back(
        add(parts.layout, block + ".conv", block + ".norm", in, out, 3, 1, Start::fan_in_uniform));
    in = out;
  }
  parts.head = add_head(parts.layout, "head", in, o.classes);
  return parts;
}

ImageParts resnet18(const ModelOptions& o) {
  ImageParts parts;
  Layout& layout = parts.layout;
  const auto convolution = [&](const std::string& name, const std::string& norm, std::int64_t in,
                               std::int64_t out, std::int64_t size, std::int64_t stride) {
    return add(layout, name, norm, in, out, size, stride, Start::fan_out_normal);
  };
  parts.plain.push_back(convolution("conv1", "bn1", o.image_channels, 64, 7, 2));
  std::int64_t in = 64;
  for (int layer = 1; layer <= 4; ++layer) {
    const std::int64_t out = std::int64_t{64} << (layer - 1);
    for (int block = 0; block < 2; ++block) {
      const std::string name = "layer" + std::to_string(layer) + "." + std::to_string(block) + ".";
      const std::int64_t stride = layer > 1 && block == 0 ? 2 : 1;
      BlockAt at;
      at.first = convolution(name + "conv1", name + "bn1", in, out, 3, stride);
      at.second = convolution(name + "conv2", name + "bn2", out, out, 3, 1);
      if (in != out) {
        at.shortcut.push_back(
            convolution(name + "downsample.0", name + "downsample.1", in, out, 1, stride));
      }
      parts.blocks.push_back(std::move(at));
      in = out;
    }
  }
  parts.head = add_head(layout, "fc", in, o.classes);
  return parts;
}

}  // namespace

ImageParts image_parts(const ModelOptions& options) {
  return options.model == "resnet18" ? resnet18(options) : small_cnn(options);
}

std::vector<const ConvolutionAt*> convolutions_of(const ImageParts& parts) {
  std::vector<const ConvolutionAt*> all;
  for (const ConvolutionAt& at : parts.plain) all.push_back(&at);
  for (const BlockAt& block : parts.blocks) {
    all.push_back(&block.first);
    all.push_back(&block.second);
    for (const ConvolutionAt& at : block.shortcut) all.push_back(&at);
  }
  return all;
}

}  // namespace emosweep::models
