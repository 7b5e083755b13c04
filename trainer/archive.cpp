#include "trainer/archive.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace emosweep::trainer {
namespace {

template <typename T>
constexpr at::ScalarType kType = c10::CppTypeToScalarType<T>::value;

}  // namespace

Archive::Archive(const models::NamedTensors& from) : loading_(true), contents_(from) {}

at::Tensor Archive::find(const std::string& name, at::ScalarType type) const {
  const auto& all = contents_.tensors;
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& t) { return t.first == name; });
  if (found == all.end()) throw CheckpointError("it has no " + name);
  if (found->second.scalar_type() != type) {
    throw CheckpointError(name + " is " + c10::toString(found->second.scalar_type()) +
                          ", expected " + c10::toString(type));
  }
  return found->second;
}

void Archive::tensor(const std::string& name, at::Tensor value) {
  if (!loading_) {
    contents_.tensors.emplace_back(name, value.detach());
    return;
  }
  const at::NoGradGuard no_grad;
  const at::Tensor saved = find(name, value.scalar_type());
  if (saved.sizes() != value.sizes()) {
    throw CheckpointError(name + " holds " + std::to_string(saved.numel()) +
                          " elements of another shape than the " + std::to_string(value.numel()) +
                          " that are trained");
  }
  value.copy_(saved);
}

void Archive::leaves(const std::string& prefix, std::vector<models::Leaf>& leaves) {
  for (models::Leaf& leaf : leaves) tensor(prefix + leaf.name, leaf.value);
}

template <typename T>
void Archive::vector(const std::string& name, std::vector<T>& values, bool any_length) {
  if (!loading_) {
    const at::Tensor copy = at::empty({static_cast<std::int64_t>(values.size())}, kType<T>);
    std::copy(values.begin(), values.end(), copy.mutable_data_ptr<T>());
    contents_.tensors.emplace_back(name, copy);
    return;
  }
  const at::Tensor saved = find(name, kType<T>);
  if (saved.dim() != 1 ||
      (!any_length && saved.numel() != static_cast<std::int64_t>(values.size()))) {
    throw CheckpointError(name + " holds " + std::to_string(saved.numel()) + " values, expected " +
                          std::to_string(values.size()));
  }
  values.assign(saved.const_data_ptr<T>(), saved.const_data_ptr<T>() + saved.numel());
}

void Archive::values(const std::string& name, std::vector<double>& values) {
  vector(name, values, false);
}

void Archive::values(const std::string& name, std::vector<std::int64_t>& values) {
  vector(name, values, false);
}

void Archive::list(const std::string& name, std::vector<double>& values) {
  vector(name, values, true);
}

void Archive::number(const std::string& name, double& value) {
  std::vector<double> one{value};
  vector(name, one, false);
  value = one[0];
}

void Archive::number(const std::string& name, std::int64_t& value) {
  std::vector<std::int64_t> one{value};
  vector(name, one, false);
  value = one[0];
}

void Archive::texts(const std::string& name, std::vector<std::string>& texts) {
  using Json = nlohmann::json;
  if (!loading_) {
    contents_.metadata[name] = Json(texts).dump();
    return;
  }
  const auto found = contents_.metadata.find(name);
  if (found == contents_.metadata.end()) throw CheckpointError("it has no " + name);
  try {
    texts = Json::parse(found->second).get<std::vector<std::string>>();
  } catch (const Json::exception&) {
    throw CheckpointError(name + " is no list of texts");
  }
}

}  // namespace emosweep::trainer
