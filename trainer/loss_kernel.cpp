#include "trainer/loss_kernel.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>

#include "base/error.h"

namespace emosweep::trainer {
namespace {

// The coefficients q of -l (cross entropy) or of (1 - p)^gamma (-l) (focal).
void coefficients(const LossShape& shape, const double* soft, std::int64_t target,
                  const double* class_weights, std::int64_t classes, double* q) {
  if (!soft && shape.smoothing == 0) {
    std::fill_n(q, classes, 0.0);
    q[target] = class_weights[target];
    return;
  }
  const auto t = [&](std::int64_t c) { return soft ? soft[c] : (c == target ? 1.0 : 0.0); };
  double row_weight = 0;
  for (std::int64_t c = 0; c < classes; ++c) row_weight += class_weights[c] * t(c);
  for (std::int64_t c = 0; c < classes; ++c) {
    const double smoothed =
        (1 - shape.smoothing) * t(c) + shape.smoothing / static_cast<double>(classes);
    q[c] = smoothed * (shape.weights_of_target ? row_weight : class_weights[c]);
  }
}

// Loss of one row. With `gradient`, also d loss / d z. Every loss here is sum_c q_c f(l_c); with
// a_c = -q_c f'(l_c) its gradient is (p_j sum_c a_c - a_j) / T.
template <typename T>
double row_loss(const T* z, std::int64_t classes, const LossShape& shape, const double* q,
                double weight, double* l, double* a, double* p, T* gradient) {
  double top = static_cast<double>(z[0]);
  for (std::int64_t c = 1; c < classes; ++c) top = std::max(top, static_cast<double>(z[c]));
  double sum = 0;
  for (std::int64_t c = 0; c < classes; ++c) {
    l[c] = (static_cast<double>(z[c]) - top) / shape.temperature;
    p[c] = std::exp(l[c]);
    sum += p[c];
  }
  const double log_sum = std::log(sum);
  double loss = 0, slope = 0;
  for (std::int64_t c = 0; c < classes; ++c) {
    l[c] -= log_sum;
    a[c] = 0;
    if (q[c] == 0) continue;
    double f = -l[c], falls = 1;
    if (shape.focal && shape.gamma != 0) {
      const double rest = -std::expm1(l[c]);  // 1 - p without cancellation
      const double power = std::pow(rest, shape.gamma);
      f *= power;
      falls = rest > 0 ? power - shape.gamma * power / rest * (p[c] / sum) * l[c] : 0.0;
    }
    loss += q[c] * f;
    a[c] = weight * q[c] * falls;
    slope += a[c];
  }
  if (gradient) {
    for (std::int64_t c = 0; c < classes; ++c) {
      gradient[c] = static_cast<T>((p[c] / sum * slope - a[c]) / shape.temperature);
    }
  }
  return weight * loss;
}

template <typename T>
void all_rows(const at::Tensor& logits, const LossRows& rows, double* sums, T* gradient) {
  const std::int64_t K = logits.size(0), b = logits.size(1), C = logits.size(2);
  const T* z = logits.const_data_ptr<T>();
  const double* soft = rows.value.defined() ? rows.value.const_data_ptr<double>() : nullptr;
  const std::int64_t* index = soft ? nullptr : rows.index.const_data_ptr<std::int64_t>();
  std::vector<double> scratch(static_cast<std::size_t>(4 * C));
  for (std::int64_t k = 0; k < K; ++k) {
    const TrialRows trial{b,
                          C,
                          rows.weight.const_data_ptr<double>() + k * b,
                          index ? index + k * b : nullptr,
                          soft ? soft + k * b * C : nullptr,
                          rows.class_weights.const_data_ptr<double>() + k * C};
    sums[k] = trial_loss(z + k * b * C, trial, rows.shape[static_cast<std::size_t>(k)],
                         scratch.data(), gradient ? gradient + k * b * C : nullptr);
  }
}

struct Result {
  at::Tensor sums, gradient;
};

Result compute(const at::Tensor& logits, const LossRows& rows, bool with_gradient) {
  const at::Tensor z = logits.contiguous();
  Result result{at::empty({z.size(0)}, z.options().dtype(at::kDouble)), {}};
  if (with_gradient) result.gradient = at::empty_like(z);
  double* sums = result.sums.mutable_data_ptr<double>();
  if (z.scalar_type() == at::kFloat) {
    all_rows<float>(z, rows, sums,
                    with_gradient ? result.gradient.mutable_data_ptr<float>() : nullptr);
  } else {
    all_rows<double>(z, rows, sums,
                     with_gradient ? result.gradient.mutable_data_ptr<double>() : nullptr);
  }
  return result;
}

struct LossSum : torch::autograd::Function<LossSum> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& logits,
                            const LossRows* rows) {
    Result result = compute(logits, *rows, true);
    context->save_for_backward({result.gradient});
    return result.sums;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list outer) {
    const at::Tensor gradient = context->get_saved_variables()[0];
    return {gradient * outer[0].to(gradient.scalar_type()).reshape({-1, 1, 1}), at::Tensor()};
  }
};

}  // namespace

template <typename T>
double trial_loss(const T* logits, const TrialRows& rows, const LossShape& shape, double* scratch,
                  T* gradient) {
  const std::int64_t C = rows.classes;
  double *q = scratch, *l = q + C, *a = l + C, *p = a + C, sum = 0;
  if (gradient) std::fill_n(gradient, rows.rows * C, T(0));
  for (std::int64_t r = 0; r < rows.rows; ++r) {
    if (rows.weight[r] == 0) continue;  // its gradient stays 0
    coefficients(shape, rows.value ? rows.value + r * C : nullptr, rows.index ? rows.index[r] : 0,
                 rows.class_weights, C, q);
    sum += row_loss(logits + r * C, C, shape, q, rows.weight[r], l, a, p,
                    gradient ? gradient + r * C : nullptr);
  }
  return sum;
}
template double trial_loss(const float*, const TrialRows&, const LossShape&, double*, float*);
template double trial_loss(const double*, const TrialRows&, const LossShape&, double*, double*);

at::Tensor loss_sum(const at::Tensor& logits, const LossRows& rows) {
  EMO_CHECK(logits.dim() == 3 && logits.device().is_cpu(), "logits [K,b,C] on the CPU expected");
  EMO_CHECK(logits.scalar_type() == at::kFloat || logits.scalar_type() == at::kDouble,
            "float32 or float64 logits expected");
  if (at::GradMode::is_enabled() && logits.requires_grad()) return LossSum::apply(logits, &rows);
  return compute(logits, rows, false).sums;
}

}  // namespace emosweep::trainer
