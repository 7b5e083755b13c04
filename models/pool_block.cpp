#include "models/pool_block.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <optional>

#include "base/error.h"
#include "models/blocks.h"
#include "models/norm_kernels.h"

namespace emosweep::models {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// What a node keeps beside tensors of the graph.
struct Pool final : torch::CustomClassHolder {
  std::int64_t K = 0, M = 0, b = 0, tokens = 0, H = 0;
  at::Tensor gamma_gradient, beta_gradient;  // undefined: autograd's
  at::Tensor present;
};

template <typename T>
const T* part(const at::Tensor& t, std::int64_t k, std::int64_t m) {  // of [K,M,1,H]
  return t.const_data_ptr<T>() + k * t.stride(0) + m * t.stride(1);
}

// Modality m of trial k.
template <typename T>
PoolRows<T> rows_of(const Pool& p, const at::Tensor& normal, const at::Tensor& scale,
                    const at::Tensor& gamma, const at::Tensor* beta, std::int64_t k,
                    std::int64_t m) {
  const std::int64_t tokens = (k * p.M + m) * p.b * p.tokens;
  PoolRows<T> rows{p.b, p.tokens, p.H, p.M * p.H, part<T>(gamma, k, m)};
  if (beta != nullptr) rows.beta = part<T>(*beta, k, m);
  rows.normal = normal.mutable_data_ptr<T>() + tokens * p.H;
  rows.scale = scale.mutable_data_ptr<T>() + tokens;
  if (p.present.defined()) {
    rows.present = p.present.const_data_ptr<bool>() + k * p.b * p.M + m;
    rows.present_ld = p.M;
  }
  return rows;
}

template <typename Run>
void each(const Pool& p, at::ScalarType dtype, const Run& run) {
  const auto all = [&](auto type) {
    for (std::int64_t k = 0; k < p.K; ++k)
      for (std::int64_t m = 0; m < p.M; ++m) run(type, k, m);
  };
  dtype == at::kFloat ? all(float()) : all(double());
}

struct PoolBlock : torch::autograd::Function<PoolBlock> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& gamma,
                            const at::Tensor& beta, const c10::intrusive_ptr<Pool>& pool) {
    const Pool& p = *pool;
    const at::Tensor tokens = x.contiguous();
    const at::Tensor normal = at::empty_like(tokens);
    const at::Tensor scale = at::empty({p.K * p.M * p.b * p.tokens}, x.options());
    at::Tensor y = at::empty({p.K, p.b, p.M * p.H}, x.options());
    each(p, x.scalar_type(), [&]<typename T>(T, std::int64_t k, std::int64_t m) {
      pool_forward(rows_of<T>(p, normal, scale, gamma, &beta, k, m),
                   tokens.const_data_ptr<T>() + k * tokens.stride(0) + m * tokens.stride(1),
                   y.mutable_data_ptr<T>() + (k * p.b * p.M + m) * p.H);
    });
    context->save_for_backward({gamma, normal, scale});
    context->saved_data["pool"] = c10::IValue::make_capsule(pool);
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list outers) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &gamma = saved[0], &normal = saved[1], &scale = saved[2];
    const at::Tensor d = outers[0].contiguous();
    const c10::IValue kept = context->saved_data["pool"];
    const Pool& p = *c10::static_intrusive_pointer_cast<Pool>(kept.toCapsule());
    const auto place = [&](const at::Tensor& given) {
      return given.defined() ? given : at::empty({p.K, p.M, 1, p.H}, d.options());
    };
    at::Tensor x = at::empty_like(normal), d_gamma = place(p.gamma_gradient),
               d_beta = place(p.beta_gradient);
    each(p, d.scalar_type(), [&]<typename T>(T, std::int64_t k, std::int64_t m) {
      const auto at = [&](const at::Tensor& t) {
        return t.mutable_data_ptr<T>() + k * t.stride(0) + m * t.stride(1);
      };
      pool_backward(rows_of<T>(p, normal, scale, gamma, nullptr, k, m),
                    d.const_data_ptr<T>() + (k * p.b * p.M + m) * p.H, at(x), at(d_gamma),
                    at(d_beta));
    });
    if (p.gamma_gradient.defined()) d_gamma.reset();
    if (p.beta_gradient.defined()) d_beta.reset();
    return {x, d_gamma, d_beta, at::Tensor()};
  }
};

at::Tensor pool_by_aten(const at::Tensor& x, const Parameter& gamma, const Parameter& beta,
                        const at::Tensor& present, std::int64_t tokens) {
  leave_to_autograd(gamma);
  leave_to_autograd(beta);
  const at::Tensor mean = normalise(x.unflatten(3, {tokens, -1})).mean(3);
  at::Tensor y = at::addcmul(beta.value, mean, gamma.value).transpose(1, 2);  // [K,b,M,H]
  if (present.defined()) y = y * present.unsqueeze(-1);
  return y.flatten(2);
}

}  // namespace

at::Tensor pool_block(const at::Tensor& x, const Parameter& gamma, const Parameter& beta,
                      const at::Tensor& present, std::int64_t tokens) {
  const std::int64_t H = gamma.value.size(-1);
  const std::vector<std::int64_t> shape{x.size(0), x.dim() == 4 ? x.size(1) : 0, 1, H};
  EMO_CHECK(x.dim() == 4 && gamma.value.sizes() == shape && beta.value.sizes() == shape &&
                x.size(3) == tokens * H,
            "x [K,M,b,tokens*H], gamma and beta [K,M,1,H] expected");
  const bool known = x.scalar_type() == at::kFloat || x.scalar_type() == at::kDouble;
  const bool dense = gamma.value.stride(3) == 1 && beta.value.stride(3) == 1;
  if (!x.device().is_cpu() || !known || !dense || x.numel() == 0)
    return pool_by_aten(x, gamma, beta, present, tokens);
  auto pool = c10::make_intrusive<Pool>();
  pool->K = x.size(0), pool->M = x.size(1), pool->b = x.size(2);
  pool->tokens = tokens, pool->H = H;
  pool->gamma_gradient = gamma.gradient;
  pool->beta_gradient = beta.gradient;
  if (present.defined()) pool->present = present.contiguous();
  return PoolBlock::apply(x, gamma.value, beta.value, pool);
}

}  // namespace emosweep::models
