#include "results/statistics/paired_tests.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "results/statistics/distributions.h"
#include "results/statistics/ranks.h"

namespace emosweep::results {
namespace {

constexpr std::size_t kExact = 100;  // differences; 10^6 additions at that size

double corrected_error(const Spread& spread, double test_over_train) {
  const auto n = static_cast<double>(spread.n);
  return std::sqrt(spread.sd * spread.sd * (1 / n + test_over_train));
}

struct SignedRanks {
  std::vector<double> ranks;  // of the absolute differences
  double above = 0, below = 0;
};

SignedRanks signed_ranks(std::span<const double> differences) {
  std::vector<double> rest, absolute;
  for (const double difference : differences) {
    if (difference == 0) continue;
    rest.push_back(difference);
    absolute.push_back(std::fabs(difference));
  }
  SignedRanks result{midranks(absolute), 0, 0};
  for (std::size_t i = 0; i < rest.size(); ++i) {
    (rest[i] > 0 ? result.above : result.below) += result.ranks[i];
  }
  return result;
}

// P(W+ <= w) when every sign is a fair coin. Midranks are multiples of a half, so twice a rank is
// whole and chances are counted by sums of them.
double exact_signed_rank_cdf(const std::vector<double>& ranks, double w) {
  std::vector<double> chance{1};
  for (const double rank : ranks) {
    const auto step = static_cast<std::size_t>(std::lround(2 * rank));
    std::vector<double> next(chance.size() + step, 0);
    for (std::size_t i = 0; i < chance.size(); ++i) {
      next[i] += chance[i] / 2;
      next[i + step] += chance[i] / 2;
    }
    chance = std::move(next);
  }
  const auto last = std::min(chance.size() - 1, static_cast<std::size_t>(std::lround(2 * w)));
  double sum = 0;
  for (std::size_t i = 0; i <= last; ++i) sum += chance[i];
  return sum;
}

double normal_signed_rank_cdf(const std::vector<double>& ranks, double w) {
  double sum = 0, squares = 0;  // the squares of midranks hold the correction for ties
  for (const double rank : ranks) {
    sum += rank;
    squares += rank * rank;
  }
  return normal_cdf((w - sum / 2) / std::sqrt(squares / 4));
}

}  // namespace

TestResult t_test(double statistic, double standard_error, double df) {
  if (standard_error == 0 && statistic == 0) return {0, df, 1};
  const double t = statistic / standard_error;
  return {t, df, student_two_sided(t, df)};
}

TestResult paired_t(std::span<const double> differences) { return corrected_t(differences, 0); }

TestResult corrected_t(std::span<const double> differences, double test_over_train) {
  const Spread spread = spread_of(differences);
  if (spread.n < 2) return {};
  return t_test(spread.mean, corrected_error(spread, test_over_train),
                static_cast<double>(spread.n - 1));
}

Posterior correlated_posterior(std::span<const double> differences, double test_over_train,
                               double rope) {
  const Spread spread = spread_of(differences);
  if (spread.n < 2) return {};
  Posterior result;
  result.mean = spread.mean;
  result.scale = corrected_error(spread, test_over_train);
  result.df = static_cast<double>(spread.n - 1);
  if (result.scale == 0) {
    result.below = result.mean < -rope ? 1 : 0;
    result.above = result.mean > rope ? 1 : 0;
  } else {
    result.below = student_cdf((-rope - result.mean) / result.scale, result.df);
    result.above = student_cdf((result.mean - rope) / result.scale, result.df);
  }
  result.within = 1 - result.below - result.above;
  return result;
}

TestResult wilcoxon(std::span<const double> differences) {
  const SignedRanks signs = signed_ranks(differences);
  const double w = std::min(signs.above, signs.below);
  if (signs.ranks.empty()) return {0, kUndefined, 1};
  const double tail = signs.ranks.size() <= kExact ? exact_signed_rank_cdf(signs.ranks, w)
                                                   : normal_signed_rank_cdf(signs.ranks, w);
  return {w, kUndefined, std::min(1.0, 2 * tail)};
}

TestResult sign_test(std::span<const double> differences) {
  std::int64_t above = 0, below = 0;
  for (const double difference : differences) {
    above += difference > 0;
    below += difference < 0;
  }
  const double tail = fair_coin_cdf(std::min(above, below), above + below);
  return {static_cast<double>(above), kUndefined, std::min(1.0, 2 * tail)};
}

}  // namespace emosweep::results
