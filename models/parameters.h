// All parameters of a pack in one flat storage [K, P], declared before they are allocated: counting
// needs no tensor.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/philox.h"
#include "models/model.h"

namespace emosweep::models {

enum class Init {
  uniform,  // in [-scale, scale), as torch.nn.Linear with scale = 1 / sqrt(fan_in)
  normal,   // standard deviation `scale`
  constant  // `scale` everywhere
};

struct ParameterSpec {
  std::string name;
  std::vector<std::int64_t> shape;  // of one trial
  Init init = Init::uniform;
  double scale = 0;
  bool decay = true;
  std::int64_t offset = 0, size = 0;  // in elements, within one trial's row
};

// Where each parameter stands in a trial's row. Offsets are multiples of 16 elements (64 bytes in
// float32); the gaps hold zeros, in the gradient too.
class Layout {
 public:
  // Returns the offset.
  std::int64_t add(const std::string& name, std::vector<std::int64_t> shape, Init init,
                   double scale, bool decay);
  // Parameters of equal shape side by side without gaps, so that one tensor [K, n, ...] covers them
  // all.
  std::int64_t add_stack(const std::vector<std::string>& names,
                         const std::vector<std::int64_t>& shape, Init init, double scale,
                         bool decay);
  const std::vector<ParameterSpec>& specs() const { return specs_; }
  std::int64_t count() const { return count_; }  // parameters, gaps not counted
  std::int64_t row() const;                      // P: gaps and padding to a multiple of 16 included

 private:
  void append(const std::string& name, const std::vector<std::int64_t>& shape, Init init,
              double scale, bool decay);
  std::vector<ParameterSpec> specs_;
  std::int64_t end_ = 0, count_ = 0;
};

// A parameter as a block of a model's graph takes it. Where `gradient` is defined, it is the memory
// of value.grad(): the block's backward pass overwrites it and hands autograd none, so that nothing
// is zeroed, allocated and added in every step. A parameter with it stands in a graph once. Its
// leaf is an input of the block's node all the same: reducers watch that.
struct Parameter {
  explicit Parameter(at::Tensor v) : value(std::move(v)) {}  // autograd's, or no parameter at all
  Parameter(at::Tensor v, at::Tensor g) : value(std::move(v)), gradient(std::move(g)) {}
  at::Tensor value, gradient;
};

// Before a forward pass by operations of ATen's: autograd will add to the gradient's place.
void leave_to_autograd(const Parameter& parameter);

// The storage, its gradient and two kinds of views: `leaves` in natural shapes for everybody else,
// and `variable` for the model's graph (several neighbours as one tensor, broadcastable shapes).
// Both kinds alias the same memory, values and gradients: backward accumulates into flat_grad in
// place, because every variable's grad() is preset, or a block overwrites it (Parameter). Nobody
// may replace a value or a grad() by another tensor.
class FlatParameters {
 public:
  // Values as the layout says, keyed by name: element i of leaf `name` of trial k is a function of
  // (keys[k], name, i), computed in double on the host, then cast and moved to `device`.
  FlatParameters(const Layout& layout, std::span<const StreamKey> keys, at::ScalarType dtype,
                 at::Device device = at::kCPU);
  // Given values [K, P], which are copied on their device.
  FlatParameters(const Layout& layout, const at::Tensor& values);

  // A leaf of the autograd graph over [K, shape...] from `offset` on.
  at::Tensor variable(std::int64_t offset, std::vector<std::int64_t> shape);
  Parameter parameter(std::int64_t offset, std::vector<std::int64_t> shape);  // with its gradient
  std::vector<Variable> variables() const;  // all that were made, in the order of their places
  at::Tensor flat() const { return flat_; }
  at::Tensor flat_grad() const { return grad_; }
  at::Tensor decay_mask() const { return decay_; }
  std::vector<Leaf>& leaves() { return leaves_; }
  std::int64_t trials() const { return flat_.size(0); }
  at::Tensor rows(std::span<const std::int64_t> trials) const;  // copies of their values

 private:
  at::Tensor flat_, grad_, decay_;
  std::vector<Leaf> leaves_;
  std::vector<Variable> variables_;
};

}  // namespace emosweep::models
