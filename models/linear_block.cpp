#include "models/linear_block.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

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

// Trials may be apart; within a trial numbers are dense.
at::Tensor dense_trials(const at::Tensor& t) {
  return t.stride(2) == 1 && t.stride(1) == t.size(2) ? t : t.contiguous();
}

template <typename Run>
void by_type(const at::Tensor& x, const Run& run) {
  x.scalar_type() == at::kFloat ? run(float()) : run(double());
}

template <typename T>
void forward(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, bool relu,
             at::Tensor& y) {
  const std::int64_t b = x.size(1), in = x.size(2), out = weight.size(2);
  const std::int64_t piece = b % kPiece == 0 ? kPiece : b;
  const Product<T> product({piece, out, in, in, out, out, false, true});
  T* to = y.mutable_data_ptr<T>();
  for (std::int64_t k = 0; k < x.size(0); ++k, to += b * out) {
    const T* from = bias.const_data_ptr<T>() + k * bias.stride(0);
    bias.size(1) == 1 ? fill_rows(from, b, out, to, out) : fill_rows(from, 1, b * out, to, b * out);
    const T* rows = x.const_data_ptr<T>() + k * b * in;
    const T* matrix = weight.const_data_ptr<T>() + k * weight.stride(0);
    for (std::int64_t r = 0; r < b; r += piece) product(rows + r * in, matrix, to + r * out);
    if (relu) relu_forward(to, b * out);
  }
}

struct Gradients {
  at::Tensor x, weight, bias;  // x may be undefined: not wanted
};

template <typename T>
void backward(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& d, Gradients& g) {
  const std::int64_t b = x.size(1), in = x.size(2), out = weight.size(2);
  const Product<T> of_weight({in, out, b, in, out, out, true, false});
  const Product<T> of_input({b, in, out, out, in, in, false, false});
  const at::Tensor turned = g.x.defined() ? at::empty({in * out}, weight.options()) : at::Tensor();
  for (std::int64_t k = 0; k < x.size(0); ++k) {
    const T* outer = d.const_data_ptr<T>() + k * b * out;
    of_weight(x.const_data_ptr<T>() + k * b * in, outer,
              g.weight.mutable_data_ptr<T>() + k * in * out);
    if (g.bias.size(1) == 1) {
      sum_rows(outer, b, out, out, g.bias.mutable_data_ptr<T>() + k * out);
    }
    if (!g.x.defined()) continue;
    transpose(weight.const_data_ptr<T>() + k * weight.stride(0), in, out,
              turned.mutable_data_ptr<T>());
    of_input(outer, turned.const_data_ptr<T>(), g.x.mutable_data_ptr<T>() + k * b * in);
  }
}

struct LinearBlock : torch::autograd::Function<LinearBlock> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x0,
                            const at::Tensor& weight0, const at::Tensor& bias0, bool relu) {
    const at::Tensor x = x0.contiguous(), weight = dense_trials(weight0),
                     bias = dense_trials(bias0);
    at::Tensor y = at::empty({x.size(0), x.size(1), weight.size(2)}, x.options());
    by_type(x, [&]<typename T>(T) { models::forward<T>(x, weight, bias, relu, y); });
    context->save_for_backward({x, weight, relu ? y : at::Tensor()});
    context->saved_data["residual"] = bias.size(1) != 1;
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list outers) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &y = saved[2];
    at::Tensor d = outers[0].contiguous();
    if (y.defined()) d = d.clone();
    Gradients g;
    if (context->needs_input_grad(0)) g.x = at::empty_like(x);
    g.weight = at::empty({weight.size(0), weight.size(1), weight.size(2)}, weight.options());
    const bool residual = context->saved_data["residual"].toBool();
    g.bias = residual ? d : at::empty({d.size(0), 1, d.size(2)}, d.options());
    by_type(x, [&]<typename T>(T) {
      if (y.defined()) relu_backward(y.const_data_ptr<T>(), d.mutable_data_ptr<T>(), d.numel());
      models::backward<T>(x, weight, d, g);
    });
    return {g.x, g.weight, g.bias, at::Tensor()};
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
      gate_backward(gate_rows<T>(z, {}), gates.const_data_ptr<T>(), outer.const_data_ptr<T>(),
                    d_logits.mutable_data_ptr<T>(), dz.mutable_data_ptr<T>());
    });
    return {dz, d_logits, at::Tensor()};
  }
};

}  // namespace

at::Tensor linear_block(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                        bool relu) {
  EMO_CHECK(x.dim() == 3 && weight.dim() == 3 && bias.dim() == 3 && x.size(0) == weight.size(0) &&
                x.size(2) == weight.size(1) && bias.size(0) == x.size(0) &&
                bias.size(2) == weight.size(2),
            "x [K,b,in], weight [K,in,out], bias [K,1,out] expected");
  if (!small(x) || x.numel() == 0 || !products_by_trial(x.size(2), weight.size(2), x.size(1))) {
    const at::Tensor y = at::baddbmm(bias, x, weight);
    return relu ? at::relu(y) : y;
  }
  return LinearBlock::apply(x, weight, bias, relu);
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
