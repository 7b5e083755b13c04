// The tensors of a text encoder by the names that Hugging Face gives them. Private to models/.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>

#include "base/error.h"
#include "models/weights.h"

namespace emosweep::models {

// Of the parts of layer i behind `layer` + "i.".
struct EncoderNames {
  std::string layer, query, key, value, out, attention_norm, up, down, output_norm;
};
EncoderNames encoder_names(const std::string& family);

// Takes tensors by name and collects what is wrong with them. Names may begin with "bert." or
// "distilbert.".
class EncoderTensors {
 public:
  EncoderTensors(const NamedTensors& weights, const std::string& file);
  // Float32, contiguous; undefined where a mistake was added.
  at::Tensor take(const std::string& name, at::IntArrayRef shape);
  void throw_if_any() const { mistakes_.throw_if_any(); }

 private:
  std::string file_;
  std::map<std::string, at::Tensor> by_name_;
  Mistakes mistakes_;
};

}  // namespace emosweep::models
