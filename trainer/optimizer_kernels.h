// One pass over a trial's parameters. Plain loops over raw memory, compiled for AVX2 and for the
// baseline: additions, products, quotients and roots are rounded alike on both (no contraction), so
// the results are the same bits.
#pragma once

#include <cstdint>

namespace emosweep::trainer {

template <typename T>
struct AdamStep {
  T scale;    // of the gradient (clipping)
  T keep;     // 1 - lr * weight decay (adamw; 1 for adam)
  T penalty;  // weight decay added to the gradient (adam; 0 for adamw)
  T blend1;   // 1 - beta1
  T beta2, blend2;
  T step_size;   // lr / (1 - beta1^t)
  T root_scale;  // 1 / sqrt(1 - beta2^t)
  T epsilon;
};

template <typename T>
struct SgdStep {
  T scale, penalty, momentum, lr;
};

// value, first, second, velocity: [n], updated in place; gradient: [n]. Returns whether the
// gradient is usable: its elements, scaled and with the penalty, and their squares are finite;
// where it is not, what was updated is of no use.
bool adam_step(float* value, const float* gradient, float* first, float* second, std::int64_t n,
               const AdamStep<float>& step);
bool adam_step(double* value, const double* gradient, double* first, double* second, std::int64_t n,
               const AdamStep<double>& step);
bool sgd_step(float* value, const float* gradient, float* velocity, std::int64_t n,
              const SgdStep<float>& step);
bool sgd_step(double* value, const double* gradient, double* velocity, std::int64_t n,
              const SgdStep<double>& step);

// average <- average + share (value - average). [n]
void average_step(float* average, const float* value, std::int64_t n, float share);
void average_step(double* average, const double* value, std::int64_t n, double share);

// Sum of squares in float64, sixteen partial sums in a fixed order. NaN or inf where an element is
// not finite.
double sum_of_squares(const float* x, std::int64_t n);
double sum_of_squares(const double* x, std::int64_t n);

}  // namespace emosweep::trainer
