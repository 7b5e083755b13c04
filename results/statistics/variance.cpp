#include "results/statistics/variance.h"

#include <algorithm>
#include <cmath>

#include "results/statistics/distributions.h"

namespace emosweep::results {
namespace {

double squares_about(const std::vector<double>& values, double centre) {
  double sum = 0;
  for (const double value : values) sum += (value - centre) * (value - centre);
  return sum;
}

double error_squares(const ScoreTable& scores, const std::vector<double>& by_seed,
                     const std::vector<double>& by_subject, double mean) {
  double sum = 0;
  for (std::size_t s = 0; s < scores.seeds(); ++s) {
    for (std::size_t g = 0; g < scores.subjects(); ++g) {
      const double rest = scores.at(s, g) - by_seed[s] - by_subject[g] + mean;
      sum += rest * rest;
    }
  }
  return sum;
}

}  // namespace

VarianceComponents variance_components(const ScoreTable& scores) {
  VarianceComponents result;
  result.seeds = static_cast<std::int64_t>(scores.seeds());
  result.subjects = static_cast<std::int64_t>(scores.subjects());
  if (result.seeds < 2 || result.subjects < 2) return result;
  const auto seeds = static_cast<double>(result.seeds);
  const auto subjects = static_cast<double>(result.subjects);
  const double mean = scores.mean();
  const auto by_seed = scores.seed_means(), by_subject = scores.subject_means();
  result.ms_seed = subjects * squares_about(by_seed, mean) / (seeds - 1);
  result.ms_subject = seeds * squares_about(by_subject, mean) / (subjects - 1);
  result.ms_error =
      error_squares(scores, by_seed, by_subject, mean) / ((seeds - 1) * (subjects - 1));
  result.residual = result.ms_error;
  result.seed_was_negative = result.ms_seed < result.ms_error;
  result.subject_was_negative = result.ms_subject < result.ms_error;
  result.seed = std::max(0.0, (result.ms_seed - result.ms_error) / subjects);
  result.subject = std::max(0.0, (result.ms_subject - result.ms_error) / seeds);
  const double sum = result.seed + result.subject + result.residual;
  if (sum > 0) {
    result.seed_share = result.seed / sum;
    result.subject_share = result.subject / sum;
    result.residual_share = result.residual / sum;
  }
  result.variance_of_mean =
      result.seed / seeds + result.subject / subjects + result.residual / (seeds * subjects);
  return result;
}

std::int64_t replicates_to_halve(std::int64_t n, double level) {
  if (n < 2) return 0;
  const auto half_width = [&](std::int64_t of) {
    const auto count = static_cast<double>(of);
    return student_quantile((1 + level) / 2, count - 1) / std::sqrt(count);
  };
  const double goal = half_width(n) / 2;
  std::int64_t too_few = n, enough = 4 * n;  // t falls with n, so four times as many are enough
  while (enough - too_few > 1) {
    const std::int64_t middle = too_few + (enough - too_few) / 2;
    (half_width(middle) <= goal ? enough : too_few) = middle;
  }
  return enough;
}

std::int64_t seeds_to_halve_new_subject(const VarianceComponents& components) {
  const auto seeds = static_cast<double>(components.seeds);
  const double now = components.subject + components.residual / seeds;
  const double left = now / 4 - components.subject;  // for residual / more seeds
  if (!(left > 0)) return 0;
  return static_cast<std::int64_t>(std::ceil(components.residual / left));
}

MeanInterval crossed_interval(const ScoreTable& scores, double level) {
  const VarianceComponents parts = variance_components(scores);
  MeanInterval by_subject = new_subject_interval(scores, level);
  if (!(parts.ms_seed > parts.ms_error)) return by_subject;  // also where there are no components
  const auto seeds = static_cast<double>(parts.seeds);
  const auto subjects = static_cast<double>(parts.subjects);
  const double sum = parts.ms_subject + parts.ms_seed - parts.ms_error;
  const double df = sum * sum /
                    (parts.ms_subject * parts.ms_subject / (subjects - 1) +
                     parts.ms_seed * parts.ms_seed / (seeds - 1) +
                     parts.ms_error * parts.ms_error / ((seeds - 1) * (subjects - 1)));
  return t_interval(by_subject.mean, std::sqrt(sum / (seeds * subjects)), df, by_subject.n, level);
}

}  // namespace emosweep::results
