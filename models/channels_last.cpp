#include "models/channels_last.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "base/error.h"
#include "models/small_product.h"

namespace emosweep::models {
namespace {

// [out, rows, columns] -> [out, columns, rows]
template <typename T>
void transpose_each(const at::Tensor& from, std::int64_t rows, std::int64_t columns,
                    at::Tensor& to) {
  const std::int64_t size = rows * columns;
  const T* x = from.const_data_ptr<T>();
  T* y = to.mutable_data_ptr<T>();
  for (std::int64_t o = 0; o < from.size(0); ++o) {
    transpose(x + o * size, rows, columns, y + o * size);
  }
}

at::Tensor moved(const at::Tensor& from, at::MemoryFormat to) {
  at::Tensor out = at::empty(from.sizes(), from.options(), to);
  if (from.numel() == 0) return out;
  const std::int64_t in = from.size(1), places = from.size(2) * from.size(3);
  const bool innermost = to == at::MemoryFormat::ChannelsLast;
  const auto run =
      from.scalar_type() == at::kFloat ? transpose_each<float> : transpose_each<double>;
  run(from, innermost ? in : places, innermost ? places : in, out);
  return out;
}

struct ChannelsLastNode : torch::autograd::Function<ChannelsLastNode> {
  static at::Tensor forward(torch::autograd::AutogradContext*, const at::Tensor& weight) {
    return moved(weight, at::MemoryFormat::ChannelsLast);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext*,
                                                 torch::autograd::variable_list outers) {
    const at::Tensor& outer = outers[0];
    if (outer.is_contiguous()) return {outer};
    return {moved(outer.contiguous(at::MemoryFormat::ChannelsLast), at::MemoryFormat::Contiguous)};
  }
};

}  // namespace

at::Tensor channels_last(const at::Tensor& weight) {
  if (!weight.is_cpu()) return weight.contiguous(at::MemoryFormat::ChannelsLast);
  EMO_CHECK(weight.dim() == 4 && weight.is_contiguous() && weight.device().is_cpu() &&
                (weight.scalar_type() == at::kFloat || weight.scalar_type() == at::kDouble),
            "weights of a convolution are [out, in, h, w]");
  return ChannelsLastNode::apply(weight);
}

}  // namespace emosweep::models
