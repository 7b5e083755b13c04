// What a model computes for one row of a batch, counted from its sizes: for estimates of time and
// memory before anything is made.
#pragma once

#include "models/model.h"

namespace emosweep::models {

struct Work {
  // Floating-point operations of the matrix products (2 a multiply and add): of the forward pass,
  // and of forward and backward together. The encoders' inputs need no gradient.
  double forward = 0, step = 0;
  // Numbers that the forward pass makes and the backward pass reads: inputs, activations, their
  // normalised forms, masks.
  double values = 0;
};

// `options` have passed check_options; a model that is trained by steps, so not "linear".
Work counted_work(const ModelOptions& options);

}  // namespace emosweep::models
