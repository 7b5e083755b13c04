#include "trainer/loss_kernel.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>

#include "base/error.h"
#include "base/exponential.h"
#include "base/wide.h"

namespace emosweep::trainer {
namespace {

// The coefficients q of -l (cross entropy) or of (1 - p)^gamma (-l) (focal).
void coefficients(const LossShape& shape, const double* soft, std::int64_t target,
                  const double* class_weights, std::int64_t classes, double* q) {
  const auto t = [&](std::int64_t c) { return soft ? soft[c] : (c == target ? 1.0 : 0.0); };
  double row_weight = 0;
  for (std::int64_t c = 0; c < classes; ++c) row_weight += class_weights[c] * t(c);
  for (std::int64_t c = 0; c < classes; ++c) {
    const double smoothed =
        (1 - shape.smoothing) * t(c) + shape.smoothing / static_cast<double>(classes);
    q[c] = smoothed * (shape.weights_of_target ? row_weight : class_weights[c]);
  }
}

// p [rows, C] = exp((z - top) / T), top [rows]: the largest logit of a row.
template <typename T>
EMO_BODY void exponentials_body(const T* __restrict z, std::int64_t rows, std::int64_t C, double T1,
                                double* __restrict top, double* __restrict p) {
  for (std::int64_t r = 0; r < rows; ++r) {
    double most = static_cast<double>(z[r * C]);
    for (std::int64_t c = 1; c < C; ++c) most = std::max(most, static_cast<double>(z[r * C + c]));
    top[r] = most;
    for (std::int64_t c = 0; c < C; ++c) {
      p[r * C + c] = (static_cast<double>(z[r * C + c]) - most) * T1;
    }
  }
  for (std::int64_t i = 0; i < rows * C; ++i) p[i] = exp_negative(p[i]);
}
template <typename T>
EMO_WIDE void exponentials_wide(const T* z, std::int64_t rows, std::int64_t C, double T1,
                                double* top, double* p) {
  exponentials_body(z, rows, C, T1, top, p);
}

// rest^gamma; 2 is what everybody takes.
double focal_power(double rest, double gamma) {
  return gamma == 2 ? rest * rest : std::pow(rest, gamma);
}

// One row. Every loss here is sum_c q_c f(l_c); with a_c = -q_c f'(l_c) its gradient is
// (p_j sum_c a_c - a_j) / T. p: exponentials, not yet divided by their sum.
template <typename T>
struct Row {
  const T* z;
  const double* p;
  std::int64_t classes;
  double top, weight;
  T* gradient;  // may be null
};

struct Slope {
  double f, falls;  // f(l) and -f'(l)
};

// 1 - p = rest without cancellation.
Slope slope_of(const LossShape& shape, double l, double p, double rest) {
  if (!shape.focal || shape.gamma == 0) return {-l, 1};
  const double power = focal_power(rest, shape.gamma);
  return {-l * power, rest > 0 ? power - shape.gamma * power / rest * p * l : 0.0};
}

// q_c = 0 for all but the target.
template <typename T>
double hard_loss(const Row<T>& row, const LossShape& shape, std::int64_t target, double q) {
  double others = 0;
  for (std::int64_t c = 0; c < row.classes; ++c) others += c == target ? 0.0 : row.p[c];
  const double sum = others + row.p[target], share = 1 / sum;
  const double l =
      (static_cast<double>(row.z[target]) - row.top) / shape.temperature - std::log(sum);
  const double rest = others * share;
  const Slope s = slope_of(shape, l, row.p[target] * share, rest);
  if (row.gradient) {
    const double a = row.weight * q * s.falls / shape.temperature;
    for (std::int64_t c = 0; c < row.classes; ++c) {
      row.gradient[c] = static_cast<T>(row.p[c] * share * a);
    }
    row.gradient[target] = static_cast<T>(-rest * a);
  }
  return row.weight * q * s.f;
}

template <typename T>
double soft_loss(const Row<T>& row, const LossShape& shape, const double* q, double* a) {
  double sum = 0, loss = 0, slope = 0;
  for (std::int64_t c = 0; c < row.classes; ++c) sum += row.p[c];
  const double log_sum = std::log(sum);
  for (std::int64_t c = 0; c < row.classes; ++c) {
    a[c] = 0;
    if (q[c] == 0) continue;
    const double l = (static_cast<double>(row.z[c]) - row.top) / shape.temperature - log_sum;
    const Slope s = slope_of(shape, l, row.p[c] / sum, -std::expm1(l));
    loss += q[c] * s.f;
    a[c] = row.weight * q[c] * s.falls;
    slope += a[c];
  }
  if (row.gradient) {
    for (std::int64_t c = 0; c < row.classes; ++c) {
      row.gradient[c] = static_cast<T>((row.p[c] / sum * slope - a[c]) / shape.temperature);
    }
  }
  return row.weight * loss;
}

template <typename T>
void all_rows(const at::Tensor& logits, const LossRows& rows, double* sums, T* gradient) {
  const std::int64_t K = logits.size(0), b = logits.size(1), C = logits.size(2);
  const T* z = logits.const_data_ptr<T>();
  const double* soft = rows.value.defined() ? rows.value.const_data_ptr<double>() : nullptr;
  const std::int64_t* index = soft ? nullptr : rows.index.const_data_ptr<std::int64_t>();
  std::vector<double> scratch(static_cast<std::size_t>(loss_scratch(b, C)));
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
  double *p = scratch, *top = p + rows.rows * C, *q = top + rows.rows, *a = q + C, sum = 0;
  const double T1 = 1 / shape.temperature;
  wide() ? exponentials_wide(logits, rows.rows, C, T1, top, p)
         : exponentials_body(logits, rows.rows, C, T1, top, p);
  if (gradient) std::fill_n(gradient, rows.rows * C, T(0));
  const bool hard = !rows.value && shape.smoothing == 0;
  for (std::int64_t r = 0; r < rows.rows; ++r) {
    if (rows.weight[r] == 0) continue;  // its gradient stays 0
    const Row<T> row{logits + r * C, p + r * C,      C,
                     top[r],         rows.weight[r], gradient ? gradient + r * C : nullptr};
    if (hard) {
      sum += hard_loss(row, shape, rows.index[r], rows.class_weights[rows.index[r]]);
      continue;
    }
    coefficients(shape, rows.value ? rows.value + r * C : nullptr, rows.index ? rows.index[r] : 0,
                 rows.class_weights, C, q);
    sum += soft_loss(row, shape, q, a);
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
