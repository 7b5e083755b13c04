#include "models/linear_block.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "base/error.h"
#include "models/fused_kernels.h"
#include "models/small_product.h"

namespace emosweep::models {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// A row must not depend on its place in a batch: a kernel of so many rows treats all alike, larger
// ones need not (models/fused_model.cpp), nor are they faster.
constexpr std::int64_t kPiece = 4;

bool small(const at::Tensor& x) {
  return x.device().is_cpu() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kDouble);
}

// Numbers of a row stand side by side, and rows do not overlap.
at::Tensor dense_rows(const at::Tensor& t) {
  const bool dense =
      (t.size(-1) == 1 || t.stride(-1) == 1) && (t.size(-2) == 1 || t.stride(-2) >= t.size(-1));
  return dense ? t : t.contiguous();
}

template <typename Run>
void by_type(const at::Tensor& x, const Run& run) {
  x.scalar_type() == at::kFloat ? run(float()) : run(double());
}

// The matrices of a stack [K,r,c] or [K,M,r,c], or of columns [first, first + c) of one; `ld` is
// from row to row.
template <typename T>
struct Matrices {
  Matrices(const at::Tensor& t, T* first)
      : data(first),
        each(t.dim() == 4 ? t.size(1) : 1),
        trial(t.stride(0)),
        modality(t.dim() == 4 ? t.stride(1) : 0),
        ld(t.size(-2) == 1 ? t.size(-1) : t.stride(-2)) {}
  T* operator[](std::int64_t i) const { return data + i / each * trial + i % each * modality; }

  T* data;
  std::int64_t each, trial, modality, ld;
};
template <typename T>
Matrices<const T> read(const at::Tensor& t, std::int64_t column = 0) {
  return {t, t.const_data_ptr<T>() + column};
}
template <typename T>
Matrices<T> write(const at::Tensor& t, std::int64_t column = 0) {
  return {t, t.mutable_data_ptr<T>() + column};
}

std::int64_t matrices_of(const at::Tensor& t) {
  return t.dim() == 4 ? t.size(0) * t.size(1) : t.size(0);
}

bool is_residual(const at::Tensor& x, const at::Tensor& bias) {
  return x.size(-2) != 1 && bias.size(-2) == x.size(-2);
}

// Columns [column, column + out) of y [..., b, ld].
template <typename T>
void forward(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
             std::int64_t column, bool relu, at::Tensor& y) {
  const std::int64_t b = x.size(-2), in = x.size(-1), out = weight.size(-1), n = bias.size(-1);
  const std::int64_t piece = b % kPiece == 0 ? kPiece : b;
  const Matrices<const T> rows = read<T>(x), matrix = read<T>(weight), add = read<T>(bias);
  const Matrices<T> to = write<T>(y, column);
  const Product<T> product({piece, out, in, rows.ld, matrix.ld, to.ld, false, true});
  const bool residual = is_residual(x, bias);
  std::vector<T> row(static_cast<std::size_t>(out));
  for (std::int64_t i = 0; i < matrices_of(x); ++i) {
    if (residual) {
      for (std::int64_t r = 0; r < b; ++r) std::copy_n(add[i] + r * add.ld, out, to[i] + r * to.ld);
    } else {
      std::copy_n(add[i], n, row.data() + (out - n));
      fill_rows<T>(row.data(), b, out, to[i], to.ld);
    }
    for (std::int64_t r = 0; r < b; r += piece)
      product(rows[i] + r * rows.ld, matrix[i], to[i] + r * to.ld);
    if (relu) relu_forward(to[i], b * out);
  }
}

struct Gradients {
  at::Tensor x, weight, bias;  // undefined: not wanted
};

// d [..., b, ld], of which the layer's are columns [column, column + out).
template <typename T>
void backward(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& d,
              std::int64_t column, const Gradients& g) {
  const std::int64_t b = x.size(-2), in = x.size(-1), out = weight.size(-1);
  const Matrices<const T> rows = read<T>(x), matrix = read<T>(weight), outer = read<T>(d, column);
  const Matrices<T> of_weight = write<T>(g.weight);
  const Product<T> weigh({in, out, b, rows.ld, outer.ld, of_weight.ld, true, false});
  for (std::int64_t i = 0; i < matrices_of(x); ++i) weigh(rows[i], outer[i], of_weight[i]);
  if (g.bias.defined()) {
    const Matrices<T> of_bias = write<T>(g.bias);
    const std::int64_t n = g.bias.size(-1);
    for (std::int64_t i = 0; i < matrices_of(x); ++i)
      sum_rows<T>(outer[i] + (out - n), b, n, outer.ld, of_bias[i]);
  }
  if (!g.x.defined()) return;
  const Matrices<T> of_x = write<T>(g.x);
  const TurnedShape shape{b, in, out, outer.ld, matrix.ld, of_x.ld, false};
  const TurnedProduct<T> hand_back(shape);
  const at::Tensor scratch = at::empty({TurnedProduct<T>::scratch(shape)}, weight.options());
  for (std::int64_t i = 0; i < matrices_of(x); ++i)
    hand_back(outer[i], matrix[i], of_x[i], scratch.mutable_data_ptr<T>());
}

// What a node keeps beside tensors of the graph.
struct Layers final : torch::CustomClassHolder {
  std::vector<at::Tensor> weight_gradient, bias_gradient;  // undefined: autograd's
  std::vector<std::vector<std::int64_t>> bias_shape;       // empty: a residual
  bool relu = false;
};

at::Tensor or_new(const at::Tensor& place, at::IntArrayRef shape, const at::Tensor& like) {
  return place.defined() ? place : at::empty(shape, like.options());
}

struct LinearBlock : torch::autograd::Function<LinearBlock> {
  static at::Tensor forward(AutogradContext* context, at::TensorList x0, at::TensorList weight0,
                            at::TensorList bias0, const c10::intrusive_ptr<Layers>& layers) {
    const auto n = static_cast<std::int64_t>(x0.size());
    const std::int64_t out = weight0[0].size(-1);
    std::vector<std::int64_t> shape = x0[0].sizes().vec();
    shape.back() = n * out;
    at::Tensor y = at::empty(shape, x0[0].options());
    variable_list saved;
    for (std::size_t i = 0; i < x0.size(); ++i) {
      const at::Tensor x = dense_rows(x0[i]), weight = dense_rows(weight0[i]),
                       bias = dense_rows(bias0[i]);
      by_type(x, [&]<typename T>(T) {
        models::forward<T>(x, weight, bias, static_cast<std::int64_t>(i) * out, layers->relu, y);
      });
      saved.push_back(x);
      saved.push_back(weight);
      layers->bias_shape.push_back(is_residual(x, bias) ? std::vector<std::int64_t>()
                                                        : bias.sizes().vec());
    }
    if (layers->relu) saved.push_back(y);
    context->save_for_backward(std::move(saved));
    context->saved_data["layers"] = c10::IValue::make_capsule(layers);
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list outers) {
    const variable_list saved = context->get_saved_variables();
    const c10::IValue kept = context->saved_data["layers"];
    const auto& layers = *c10::static_intrusive_pointer_cast<Layers>(kept.toCapsule());
    const std::size_t n = layers.bias_shape.size();
    at::Tensor d = outers[0].contiguous();
    if (layers.relu) {
      d = d.clone();
      by_type(d, [&]<typename T>(T) {
        relu_backward(saved.back().const_data_ptr<T>(), d.mutable_data_ptr<T>(), d.numel());
      });
    }
    variable_list all(3 * n + 1);
    for (std::size_t i = 0; i < n; ++i) {
      const at::Tensor &x = saved[2 * i], &weight = saved[2 * i + 1];
      const bool residual = layers.bias_shape[i].empty();
      Gradients g;
      if (context->needs_input_grad(i)) g.x = at::empty_like(x);
      g.weight = or_new(layers.weight_gradient[i], weight.sizes(), weight);
      if (!residual) g.bias = or_new(layers.bias_gradient[i], layers.bias_shape[i], weight);
      by_type(x, [&]<typename T>(T) {
        models::backward<T>(x, weight, d, static_cast<std::int64_t>(i) * weight.size(-1), g);
      });
      all[i] = g.x;
      if (!layers.weight_gradient[i].defined()) all[n + i] = g.weight;
      if (!layers.bias_gradient[i].defined()) all[2 * n + i] = residual ? d : g.bias;
    }
    return all;
  }
};

template <typename T>
GateRows<T> gate_rows(const at::Tensor& z, const at::Tensor& present) {
  return {z.size(0) * z.size(1), z.size(2), z.size(3),
          present.defined() ? present.const_data_ptr<bool>() : nullptr, z.const_data_ptr<T>()};
}

struct GateBlock : torch::autograd::Function<GateBlock> {
  static variable_list forward(AutogradContext* context, const at::Tensor& z0,
                               const at::Tensor& logits, const std::optional<at::Tensor>& some) {
    const at::Tensor z = z0.contiguous();
    const at::Tensor present = some ? some->contiguous() : at::Tensor();
    at::Tensor gates = logits.clone(at::MemoryFormat::Contiguous);
    at::Tensor value = at::empty({z.size(0), z.size(1), z.size(3)}, z.options());
    by_type(z, [&]<typename T>(T) {
      gate_forward(gate_rows<T>(z, present), gates.mutable_data_ptr<T>(),
                   value.mutable_data_ptr<T>());
    });
    context->save_for_backward({z, gates});
    context->mark_non_differentiable({gates});
    return {value, gates};
  }

  static variable_list backward(AutogradContext* context, variable_list outers) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &z = saved[0], &gates = saved[1];
    const at::Tensor outer = outers[0].contiguous();
    at::Tensor d_logits = at::empty_like(gates), dz = at::empty_like(z);
    by_type(z, [&]<typename T>(T) {
      const GateRows<T> rows = gate_rows<T>(z, {});
      const T *gate = gates.const_data_ptr<T>(), *d = outer.const_data_ptr<T>();
      gate_logits_backward(rows, gate, d, d_logits.mutable_data_ptr<T>());
      gate_values_backward(rows, gate, d, false, dz.mutable_data_ptr<T>());
    });
    return {dz, d_logits, at::Tensor()};
  }
};

bool by_trial(const at::Tensor& x, const at::Tensor& weight) {
  return small(x) && x.numel() > 0 && products_by_trial(x.size(-1), weight.size(-1), x.size(-2));
}

at::Tensor layer_by_aten(const at::Tensor& x, const Parameter& weight, const Parameter& bias) {
  leave_to_autograd(weight);
  leave_to_autograd(bias);
  const std::int64_t missing = weight.value.size(-1) - bias.value.size(-1);
  at::Tensor b = missing > 0 ? at::constant_pad_nd(bias.value, {missing, 0}) : bias.value;
  if (x.dim() == 3) return at::baddbmm(b, x, weight.value);
  const at::Tensor y = at::baddbmm(b.flatten(0, 1), x.flatten(0, 1), weight.value.flatten(0, 1));
  return y.unflatten(0, {x.size(0), x.size(1)});
}

}  // namespace

at::Tensor linear_block(const at::Tensor& x, const Parameter& weight, const Parameter& bias,
                        bool relu) {
  const at::Tensor &w = weight.value, &b = bias.value;
  EMO_CHECK((x.dim() == 3 || x.dim() == 4) && w.dim() == x.dim() && b.dim() == x.dim() &&
                w.size(0) == x.size(0) && b.size(0) == x.size(0) &&
                (x.dim() == 3 || (w.size(1) == x.size(1) && b.size(1) == x.size(1))) &&
                w.size(-2) == x.size(-1) && b.size(-1) <= w.size(-1),
            "x [K,(M,)b,in], weight [K,(M,)in,out], bias [K,(M,)1,out] expected");
  EMO_CHECK(b.size(-2) == 1 || (b.size(-2) == x.size(-2) && b.size(-1) == w.size(-1)),
            "a bias has one row, or the output's shape");
  EMO_CHECK(b.size(-2) == 1 || !bias.gradient.defined(), "a residual is no parameter");
  if (!by_trial(x, w)) {
    const at::Tensor y = layer_by_aten(x, weight, bias);
    return relu ? at::relu(y) : y;
  }
  auto layers = c10::make_intrusive<Layers>();
  layers->weight_gradient = {weight.gradient};
  layers->bias_gradient = {bias.gradient};
  layers->relu = relu;
  return LinearBlock::apply(at::TensorList(x), at::TensorList(w), at::TensorList(b), layers);
}

at::Tensor linear_side_by_side(std::span<const at::Tensor> x,
                               std::span<const LinearParameters> layers) {
  EMO_CHECK(!x.empty() && x.size() == layers.size(), "one layer an input");
  bool all = true;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const at::Tensor &w = layers[i].weight.value, &b = layers[i].bias.value;
    EMO_CHECK(x[i].dim() == 3 && w.dim() == 3 && x[i].size(0) == w.size(0) &&
                  x[i].size(2) == w.size(1) && x[i].size(1) == x[0].size(1) &&
                  w.size(2) == layers[0].weight.value.size(2) && b.dim() == 3 &&
                  b.size(0) == w.size(0) && b.size(1) == 1 && b.size(2) == w.size(2),
              "inputs [K,b,in] of equally many rows and layers of equally many outputs");
    all = all && by_trial(x[i], w);
  }
  if (x.size() == 1) return linear_block(x[0], layers[0].weight, layers[0].bias, false);
  if (!all) {
    std::vector<at::Tensor> parts;
    for (std::size_t i = 0; i < x.size(); ++i)
      parts.push_back(linear_block(x[i], layers[i].weight, layers[i].bias, false));
    return at::cat(parts, -1);
  }
  auto kept = c10::make_intrusive<Layers>();
  variable_list weights, biases;
  for (const LinearParameters& layer : layers) {
    weights.push_back(layer.weight.value);
    biases.push_back(layer.bias.value);
    kept->weight_gradient.push_back(layer.weight.gradient);
    kept->bias_gradient.push_back(layer.bias.gradient);
  }
  return LinearBlock::apply(at::TensorList(x.data(), x.size()), at::TensorList(weights),
                            at::TensorList(biases), kept);
}

Gated gate_block(const at::Tensor& z, const at::Tensor& logits, const at::Tensor& present) {
  if (small(z) && z.numel() > 0) {
    std::optional<at::Tensor> some;
    if (present.defined()) some = present;
    const variable_list out = GateBlock::apply(z, logits, some);
    return {out[0], out[1]};
  }
  at::Tensor open = logits;
  if (present.defined()) {  // a row without any modality keeps all gates: never 0 / 0
    const at::Tensor shut = present.logical_not().logical_and(present.any(-1, true));
    open = logits.masked_fill(shut, -std::numeric_limits<double>::infinity());
  }
  const at::Tensor gates = at::softmax(open, -1);
  return {(z * gates.unsqueeze(-1)).sum(2), gates};
}

}  // namespace emosweep::models
