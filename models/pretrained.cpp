#include "models/pretrained.h"

#include <ATen/ATen.h>

#include <map>

#include "base/error.h"

namespace emosweep::models {
namespace {

bool ends_with(const std::string& text, std::string_view end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

bool of_head(const std::string& name) {
  return name.starts_with("fc.") || name.starts_with("head.");
}

// [out, channels, h, w] of a file, where the model's convolution has one channel.
bool sums_to(const at::Tensor& from, const at::Tensor& to) {
  return from.dim() == 4 && to.dim() == 4 && to.size(1) == 1 && from.size(1) > 1 &&
         from.size(0) == to.size(0) && from.size(2) == to.size(2) && from.size(3) == to.size(3);
}

using Given = std::map<std::string, at::Tensor>;

Given given_tensors(const NamedTensors& weights, const std::string& file) {
  Given given;
  Mistakes mistakes;
  for (const auto& [name, tensor] : weights.tensors) {
    if (ends_with(name, ".num_batches_tracked")) continue;
    if (!given.emplace(name, tensor).second)
      mistakes.add(file + ": tensor " + name + " stands twice");
    if (tensor.is_floating_point() && !at::isfinite(tensor).all().item<bool>())
      mistakes.add(file + ": tensor " + name + " holds values that are not finite");
  }
  mistakes.throw_if_any();
  return given;
}

}  // namespace

std::vector<std::string> load_pretrained(Model& model, std::int64_t k, const NamedTensors& weights,
                                         const std::string& file) {
  Given given = given_tensors(weights, file);
  std::vector<std::string> left;
  NamedTensors fitted;
  std::int64_t classes = -1, own_classes = -1;  // of a head that is left as it was
  for (const std::vector<Leaf>* leaves : {&model.leaves(), &model.state()}) {
    for (const Leaf& leaf : *leaves) {
      const at::Tensor to = leaf.value.detach().select(0, k);
      const auto found = given.find(leaf.name);
      const bool missing = found == given.end();
      if (of_head(leaf.name) && (missing || found->second.sizes() != to.sizes())) {
        fitted.tensors.emplace_back(leaf.name, to.clone());
        classes = missing ? classes : found->second.size(0);
        own_classes = to.size(0);
        if (!missing) given.erase(found);
        continue;
      }
      if (missing) continue;  // load_weights lists it
      at::Tensor from = found->second;
      if (sums_to(from, to)) from = from.sum(1, true);
      fitted.tensors.emplace_back(leaf.name, from.to(to.scalar_type()));
      given.erase(found);
    }
  }
  for (const auto& [name, tensor] : given) fitted.tensors.emplace_back(name, tensor);
  load_weights(model, k, fitted, file);
  if (own_classes >= 0) {
    left.push_back("pretrained: the head starts anew, " + file + " has " +
                   (classes < 0 ? "none" : "one of " + std::to_string(classes) + " classes") +
                   ", the dataset " + std::to_string(own_classes) + " classes");
  }
  return left;
}

}  // namespace emosweep::models
