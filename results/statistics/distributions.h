// The distributions behind tests and intervals: Boost.Math behind plain functions, so that one file
// compiles it. Pure and thread-safe. NaN in, NaN out; degrees of freedom that are not above 0 and
// probabilities outside of [0, 1] give NaN too; an infinite statistic gives the limit.
#pragma once

#include <cstdint>

namespace emosweep::results {

double normal_cdf(double z);
double normal_quantile(double p);

double student_cdf(double t, double df);
double student_quantile(double p, double df);
double student_two_sided(double t, double df);  // P(|T| >= |t|)

double chi_squared_tail(double x, double df);                // P(X >= x)
double f_tail(double x, double df_above, double df_below);   // P(F >= x)
double noncentral_t_cdf(double t, double df, double shift);  // shift: the noncentrality
double fair_coin_cdf(std::int64_t heads, std::int64_t n);    // P(at most so many of n), p = 1/2

}  // namespace emosweep::results
