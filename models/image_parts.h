// Where the parameters of an image network stand. Private to models/.
#pragma once

#include <string>
#include <vector>

#include "models/model.h"
#include "models/parameters.h"

namespace emosweep::models {

// A square convolution without bias, and the batch norm behind it.
struct ConvolutionAt {
  std::string name, norm;  // "layer1.0.conv1", "layer1.0.bn1"
  std::int64_t in = 0, out = 0, size = 3, stride = 1;
  std::int64_t weight = 0, gamma = 0, beta = 0;  // offsets
};

// Two convolutions and what is added behind the second: the block's input, or that after a
// convolution of size 1 where shapes differ.
struct BlockAt {
  ConvolutionAt first, second;
  std::vector<ConvolutionAt> shortcut;  // at most one
};

struct HeadAt {
  std::int64_t in = 0, out = 0, weight = 0, bias = 0;
};

struct ImageParts {
  Layout layout;
  std::vector<ConvolutionAt> plain;  // small_cnn: all; resnet18: the first
  std::vector<BlockAt> blocks;
  HeadAt head;
};

ImageParts image_parts(const ModelOptions& options);
// All convolutions, in the order in which they stand in the layout.
std::vector<const ConvolutionAt*> convolutions_of(const ImageParts& parts);

}  // namespace emosweep::models
