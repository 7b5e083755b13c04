// L-BFGS with a strong Wolfe line search: Nocedal & Wright, Numerical Optimization (2006),
// algorithms 7.4, 7.5, 3.5, 3.6.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace emosweep::trainer {

struct LbfgsOptions {
  std::int64_t memory = 10;
  std::int64_t iterations = 1000;
  double gradient =
      1e-6;  // converged: the largest absolute element of the gradient is at most this
};

struct LbfgsResult {
  std::int64_t iterations = 0, evaluations = 0;
  double value = 0, gradient = 0;  // the largest absolute element
  bool converged = false;
};

// f(x, g) returns the value at x and fills g. Starts at x and leaves the minimiser there.
// Deterministic.
using Differentiable = std::function<double(std::span<const double> x, std::span<double> g)>;
LbfgsResult minimise(const Differentiable& f, std::vector<double>& x,
                     const LbfgsOptions& options = {});

}  // namespace emosweep::trainer
