#include "results/statistics/distributions.h"

#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/fisher_f.hpp>
#include <boost/math/distributions/non_central_t.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>

namespace emosweep::results {
namespace {

namespace math = boost::math;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Nothing here throws: what has no value is NaN, a quantile of 0 or 1 is infinite.
using Quiet =
    math::policies::policy<math::policies::domain_error<math::policies::ignore_error>,
                           math::policies::pole_error<math::policies::ignore_error>,
                           math::policies::overflow_error<math::policies::ignore_error>,
                           math::policies::evaluation_error<math::policies::ignore_error>>;
using Normal = math::normal_distribution<double, Quiet>;
using Student = math::students_t_distribution<double, Quiet>;
using ChiSquared = math::chi_squared_distribution<double, Quiet>;
using FisherF = math::fisher_f_distribution<double, Quiet>;
using NoncentralT = math::non_central_t_distribution<double, Quiet>;
using Binomial = math::binomial_distribution<double, Quiet>;

bool is_probability(double p) { return p >= 0 && p <= 1; }

}  // namespace

double normal_cdf(double z) { return std::isnan(z) ? kNaN : math::cdf(Normal(), z); }

double normal_quantile(double p) {
  if (!is_probability(p)) return kNaN;
  if (p == 0 || p == 1) return p == 0 ? -kInfinity : kInfinity;
  return math::quantile(Normal(), p);
}

double student_cdf(double t, double df) {
  if (std::isnan(t) || !(df > 0)) return kNaN;
  if (std::isinf(t)) return t < 0 ? 0 : 1;
  return math::cdf(Student(df), t);
}

double student_quantile(double p, double df) {
  if (!is_probability(p) || !(df > 0)) return kNaN;
  if (p == 0 || p == 1) return p == 0 ? -kInfinity : kInfinity;
  return math::quantile(Student(df), p);
}

double student_two_sided(double t, double df) { return 2 * student_cdf(-std::fabs(t), df); }

double chi_squared_tail(double x, double df) {
  if (std::isnan(x) || !(df > 0)) return kNaN;
  if (x <= 0) return 1;
  return std::isinf(x) ? 0 : math::cdf(math::complement(ChiSquared(df), x));
}

double f_tail(double x, double df_above, double df_below) {
  if (std::isnan(x) || !(df_above > 0) || !(df_below > 0)) return kNaN;
  if (x <= 0) return 1;
  return std::isinf(x) ? 0 : math::cdf(math::complement(FisherF(df_above, df_below), x));
}

double noncentral_t_cdf(double t, double df, double shift) {
  if (std::isnan(t) || !(df > 0) || !std::isfinite(shift)) return kNaN;
  if (std::isinf(t)) return t < 0 ? 0 : 1;
  return math::cdf(NoncentralT(df, shift), t);
}

double fair_coin_cdf(std::int64_t heads, std::int64_t n) {
  if (n < 0) return kNaN;
  if (heads < 0) return 0;
  if (heads >= n) return 1;
  return math::cdf(Binomial(static_cast<double>(n), 0.5), static_cast<double>(heads));
}

}  // namespace emosweep::results
