// How many seeds or subjects a difference would need to be found. Pure, thread-safe.
#pragma once

#include <cstdint>

namespace emosweep::results {

struct PowerOptions {
  double alpha = 0.05;  // chance of a false finding
  double power = 0.8;   // chance of finding a difference that is there
};

// Power of the two-sided paired t test with n differences of true effect d_z: 1 - F(t) + F(-t), F
// the non-central t with n - 1 degrees of freedom and noncentrality d_z sqrt(n), t the critical
// value. NaN for n < 2.
double paired_t_power(double d_z, std::int64_t n, double alpha);

// The fewest differences (seeds or subjects) with which paired_t_power reaches the power, at least
// 2; 0 where none do: an effect of 0, undefined or so small that it is beyond 10^12.
std::int64_t pairs_needed(double d_z, const PowerOptions& options = {});

// The same for the sign of paired differences with P(A > B) = probability (Noether 1987,
// one-sided): ceil(((z_{1 - alpha} + z_power) / (sqrt(6) (probability - 1/2)))^2). 0 for a
// probability of 1/2.
std::int64_t pairs_needed_for_probability(double probability, const PowerOptions& options = {});

}  // namespace emosweep::results
