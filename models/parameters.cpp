#include "models/parameters.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "base/error.h"

namespace emosweep::models {
namespace {

constexpr std::int64_t kAlign = 16;  // elements: 64 bytes in float32, 128 in float64

std::int64_t aligned(std::int64_t n) { return (n + kAlign - 1) / kAlign * kAlign; }

std::int64_t product(const std::vector<std::int64_t>& shape) {
  std::int64_t n = 1;
  for (std::int64_t d : shape) n *= d;
  return n;
}

std::vector<double> initial_values(const ParameterSpec& spec, const StreamKey& trial) {
  std::vector<double> values(static_cast<std::size_t>(spec.size), spec.scale);
  if (spec.init == Init::constant) return values;
  const StreamKey key = derive(trial, "weights/" + spec.name);
  if (spec.init == Init::normal) {
    fill_normal(values, key, 0);
    for (double& v : values) v *= spec.scale;
    return values;
  }
  std::vector<float> unit(values.size());
  fill_uniform(unit, key, 0, 0);
  for (std::size_t i = 0; i < unit.size(); ++i) {
    values[i] = (2.0 * static_cast<double>(unit[i]) - 1.0) * spec.scale;
  }
  return values;
}

// [K, P]
at::Tensor initial_rows(const Layout& layout, std::span<const StreamKey> keys) {
  const auto K = static_cast<std::int64_t>(keys.size());
  at::Tensor values = at::zeros({K, layout.row()}, at::kDouble);
  for (const ParameterSpec& spec : layout.specs()) {
    for (std::int64_t k = 0; k < K; ++k) {
      const std::vector<double> v = initial_values(spec, keys[static_cast<std::size_t>(k)]);
      std::copy(v.begin(), v.end(), values.data_ptr<double>() + k * layout.row() + spec.offset);
    }
  }
  return values;
}

at::Tensor view_at(const at::Tensor& flat, std::int64_t offset,
                   const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> sizes = {flat.size(0)};
  sizes.insert(sizes.end(), shape.begin(), shape.end());
  return flat.detach().narrow(1, offset, product(shape)).view(sizes).detach();
}

at::Tensor leaf_at(const at::Tensor& flat, const at::Tensor& grad, std::int64_t offset,
                   const std::vector<std::int64_t>& shape) {
  at::Tensor leaf = view_at(flat, offset, shape);
  leaf.set_requires_grad(true);
  leaf.mutable_grad() = view_at(grad, offset, shape);
  return leaf;
}

}  // namespace

void Layout::append(const std::string& name, const std::vector<std::int64_t>& shape, Init init,
                    double scale, bool decay) {
  ParameterSpec spec{name, shape, init, scale, decay, end_, product(shape)};
  end_ += spec.size;
  count_ += spec.size;
  specs_.push_back(std::move(spec));
}

std::int64_t Layout::add(const std::string& name, std::vector<std::int64_t> shape, Init init,
                         double scale, bool decay) {
  return add_stack({name}, shape, init, scale, decay);
}

std::int64_t Layout::add_stack(const std::vector<std::string>& names,
                               const std::vector<std::int64_t>& shape, Init init, double scale,
                               bool decay) {
  end_ = aligned(end_);
  const std::int64_t offset = end_;
  for (const std::string& name : names) append(name, shape, init, scale, decay);
  return offset;
}

std::int64_t Layout::row() const { return aligned(end_); }

FlatParameters::FlatParameters(const Layout& layout, std::span<const StreamKey> keys,
                               at::ScalarType dtype, at::Device device)
    : FlatParameters(layout, initial_rows(layout, keys).to(dtype).to(device)) {}

FlatParameters::FlatParameters(const Layout& layout, const at::Tensor& values) {
  EMO_CHECK(values.dim() == 2 && values.size(1) == layout.row(), "values are [K, P]");
  flat_ = values.clone(at::MemoryFormat::Contiguous);
  grad_ = at::zeros(values.sizes(), values.options());
  decay_ = at::zeros({layout.row()}, values.options());
  for (const ParameterSpec& spec : layout.specs()) {
    if (spec.decay) decay_.narrow(0, spec.offset, spec.size).fill_(1);
  }
  for (const at::Tensor& t : {flat_, grad_}) {
    EMO_CHECK(reinterpret_cast<std::uintptr_t>(t.data_ptr()) % 64 == 0,
              "the allocator gave a block that is not 64-byte aligned");
  }
  for (const ParameterSpec& spec : layout.specs()) {
    Leaf leaf;
    leaf.name = spec.name;
    leaf.value = leaf_at(flat_, grad_, spec.offset, spec.shape);
    leaf.decay = spec.decay;
    leaves_.push_back(std::move(leaf));
  }
}

at::Tensor FlatParameters::rows(std::span<const std::int64_t> trials) const {
  std::vector<at::Tensor> rows;
  for (const std::int64_t k : trials) rows.push_back(flat_[k]);
  return at::stack(rows);
}

at::Tensor FlatParameters::variable(std::int64_t offset, std::vector<std::int64_t> shape) {
  at::Tensor value = leaf_at(flat_, grad_, offset, shape);
  const auto first = std::find_if(leaves_.begin(), leaves_.end(), [&](const Leaf& leaf) {
    return leaf.value.storage_offset() == offset;
  });
  EMO_CHECK(first != leaves_.end(), "no parameter begins there");
  variables_.push_back({first->name, value});
  return value;
}

void leave_to_autograd(const Parameter& parameter) {
  if (parameter.gradient.defined() && at::GradMode::is_enabled()) parameter.gradient.zero_();
}

Parameter FlatParameters::parameter(std::int64_t offset, std::vector<std::int64_t> shape) {
  at::Tensor value = variable(offset, std::move(shape));
  at::Tensor gradient = value.grad();
  return {std::move(value), std::move(gradient)};
}

std::vector<Variable> FlatParameters::variables() const {
  std::vector<Variable> sorted = variables_;
  std::sort(sorted.begin(), sorted.end(), [](const Variable& a, const Variable& b) {
    return a.value.storage_offset() < b.value.storage_offset();
  });
  return sorted;
}

}  // namespace emosweep::models
