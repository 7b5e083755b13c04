// Convolutional networks over images: one row of features is one image, [channels, height, width].
#pragma once

#include <memory>
#include <span>

#include "models/model.h"
#include "models/parameters.h"

namespace emosweep::models {

// Every parameter and running value of the network. Convolutions are [out, in, h, w], the head
// [out, in], as torch has them.
Layout image_layout(const ModelOptions& options);

// Multiply-and-add operations of the forward pass of one image, times two, and the numbers that
// training keeps of it.
struct ImageWork {
  double forward = 0, values = 0;
};
ImageWork image_work(const ModelOptions& options);

// small_cnn: three times convolution 3x3 (32, 64, 128 channels), batch norm, ReLU, the first two
//            with max pooling 2x2; mean over places, dropout, head.
// resnet18:  He et al. (2016), names and arithmetic of torchvision, so that its weights can be
//            loaded: first convolution with `channels` inputs, dropout before the head.
// K = 1. Rows of weight 0 stand last and are not computed; they get logits of 0. Batch norm is of
// the team's whole batch unless options.local_batch_norm. `options` have passed check_options.
std::unique_ptr<Model> make_image_network(const ModelOptions& options,
                                          std::span<const StreamKey> keys);

}  // namespace emosweep::models
