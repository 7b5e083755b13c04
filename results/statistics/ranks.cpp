#include "results/statistics/ranks.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "base/error.h"
#include "results/statistics/distributions.h"

namespace emosweep::results {
namespace {

std::vector<std::size_t> ascending(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  return order;
}

// Calls visit(order of the tied places, rank of the first) for each run of equal values.
template <class Visit>
void for_ties(std::span<const double> values, const Visit& visit) {
  const auto order = ascending(values);
  for (std::size_t i = 0, end = 0; i < order.size(); i = end) {
    while (end < order.size() && values[order[end]] == values[order[i]]) ++end;
    visit(std::span(order).subspan(i, end - i), static_cast<double>(i + 1));
  }
}

}  // namespace

std::vector<double> midranks(std::span<const double> values) {
  std::vector<double> ranks(values.size());
  for_ties(values, [&](std::span<const std::size_t> tied, double first) {
    for (const std::size_t place : tied) {
      ranks[place] = first + static_cast<double>(tied.size() - 1) / 2;
    }
  });
  return ranks;
}

RankTest rank_test(std::span<const double> scores, std::size_t conditions) {
  EMO_CHECK(conditions > 0 && scores.size() % conditions == 0, "scores are [subjects, conditions]");
  const std::size_t subjects = scores.size() / conditions;
  RankTest result;
  if (conditions < 2 || subjects < 2) return result;
  const auto k = static_cast<double>(conditions), n = static_cast<double>(subjects);
  std::vector<double> sums(conditions, 0), row(conditions);
  double ties = 0;
  for (std::size_t subject = 0; subject < subjects; ++subject) {
    const auto own = scores.subspan(subject * conditions, conditions);
    std::transform(own.begin(), own.end(), row.begin(), std::negate<>());  // the best is rank 1
    const auto ranks = midranks(row);
    for (std::size_t j = 0; j < conditions; ++j) sums[j] += ranks[j];
    for_ties(row, [&](std::span<const std::size_t> tied, double) {
      const auto t = static_cast<double>(tied.size());
      ties += t * t * t - t;
    });
  }
  double squares = 0;
  for (const double sum : sums) {
    squares += sum * sum;
    result.mean_ranks.push_back(sum / n);
  }
  const double untied = 1 - ties / (n * (k * k * k - k));
  result.f_df_above = k - 1;
  result.f_df_below = (k - 1) * (n - 1);
  result.chi2 = untied == 0 ? 0 : (12 / (n * k * (k + 1)) * squares - 3 * n * (k + 1)) / untied;
  result.chi2_p = chi_squared_tail(result.chi2, k - 1);
  result.f = (n - 1) * result.chi2 / std::max(0.0, n * (k - 1) - result.chi2);
  result.f_p = f_tail(result.f, result.f_df_above, result.f_df_below);
  return result;
}

std::vector<double> holm(std::span<const double> p) {
  std::vector<double> defined, adjusted(p.begin(), p.end());
  std::vector<std::size_t> place;
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (std::isnan(p[i])) continue;
    defined.push_back(p[i]);
    place.push_back(i);
  }
  double largest = 0;
  std::size_t left = defined.size();
  for (const std::size_t i : ascending(defined)) {
    largest = std::max(largest, std::min(1.0, static_cast<double>(left--) * defined[i]));
    adjusted[place[i]] = largest;
  }
  return adjusted;
}

}  // namespace emosweep::results
