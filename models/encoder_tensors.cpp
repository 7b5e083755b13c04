#include "models/encoder_tensors.h"

#include <ATen/ATen.h>

namespace emosweep::models {

EncoderTensors::EncoderTensors(const NamedTensors& weights, const std::string& file) : file_(file) {
  for (const auto& [name, tensor] : weights.tensors) {
    std::string own = name;
    for (const char* prefix : {"bert.", "distilbert."}) {
      if (own.starts_with(prefix)) own.erase(0, std::string(prefix).size());
    }
    by_name_.emplace(std::move(own), tensor);
  }
}

at::Tensor EncoderTensors::take(const std::string& name, at::IntArrayRef shape) {
  auto found = by_name_.find(name);
  if (found == by_name_.end()) {  // older checkpoints call the parts of norms gamma and beta
    std::string old = name;
    const auto rename = [&](const std::string& now, const std::string& before) {
      if (old.ends_with("LayerNorm." + now))
        old.replace(old.size() - now.size(), now.size(), before);
    };
    rename("weight", "gamma");
    rename("bias", "beta");
    found = by_name_.find(old);
  }
  if (found == by_name_.end()) {
    mistakes_.add(file_ + ": tensor " + name + " is missing");
    return {};
  }
  const at::Tensor& tensor = found->second;
  if (tensor.sizes() != shape || !tensor.is_floating_point()) {
    mistakes_.add(file_ + ": tensor " + name + " is " +
                  c10::str(tensor.scalar_type(), " ", tensor.sizes()) + ", config.json says " +
                  c10::str(shape));
    return {};
  }
  const at::Tensor value = tensor.to(at::kFloat).contiguous();
  if (!at::isfinite(value).all().item<bool>())
    mistakes_.add(file_ + ": tensor " + name + " holds values that are not finite");
  return value;
}

EncoderNames encoder_names(const std::string& family) {
  if (family == "bert")
    return {"encoder.layer.",       "attention.self.query",   "attention.self.key",
            "attention.self.value", "attention.output.dense", "attention.output.LayerNorm",
            "intermediate.dense",   "output.dense",           "output.LayerNorm"};
  return {"transformer.layer.", "attention.q_lin",   "attention.k_lin",
          "attention.v_lin",    "attention.out_lin", "sa_layer_norm",
          "ffn.lin1",           "ffn.lin2",          "output_layer_norm"};
}

}  // namespace emosweep::models
