#include "results/mixture.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "results/multi_label.h"

namespace emosweep::results {
namespace {

constexpr int kMostSteps = 10'000;
constexpr double kStill = 1e-9;
// A member that is certain of a wrong class does not make the likelihood 0.
constexpr double kLeast = 1e-12;

}  // namespace

std::vector<double> probability_of_truth(const TargetSpec& spec, std::span<const float> probability,
                                         std::span<const std::int32_t> truth) {
  EMO_CHECK(spec.kind != TargetKind::regression, "values have no probabilities");
  const bool multi = spec.kind == TargetKind::multi;
  const std::size_t classes = multi ? 1 : static_cast<std::size_t>(block_classes(spec));
  EMO_CHECK(probability.size() == truth.size() * classes, "probabilities of each truth");
  std::vector<double> of_truth;
  of_truth.reserve(truth.size());
  for (std::size_t i = 0; i < truth.size(); ++i) {
    if (truth[i] < 0) continue;  // unknown
    const std::size_t k = multi ? 0 : static_cast<std::size_t>(truth[i]);
    const double p = probability[i * classes + k];
    of_truth.push_back(multi && truth[i] == 0 ? 1 - p : p);
  }
  return of_truth;
}

double log_loss(const std::vector<double>& of_truth) {
  double sum = 0;
  for (const double p : of_truth) sum -= std::log(std::max(p, kLeast));
  return sum / static_cast<double>(of_truth.size());
}

std::vector<double> mixture_weights(const std::vector<std::vector<double>>& given) {
  EMO_CHECK(!given.empty(), "an ensemble has members");
  const std::size_t members = given.size(), n = given[0].size();
  std::vector<double> weights(members, 1.0 / static_cast<double>(members));
  if (n == 0) return weights;
  std::vector<double> of_truth(members * n);  // p_m(y_i)
  for (std::size_t m = 0; m < members; ++m) {
    EMO_CHECK(given[m].size() == n, "members predict the same rows");
    for (std::size_t i = 0; i < n; ++i) of_truth[m * n + i] = std::max(kLeast, given[m][i]);
  }
  for (int step = 0; step < kMostSteps; ++step) {
    std::vector<double> next(members, 0);
    for (std::size_t i = 0; i < n; ++i) {
      double sum = 0;
      for (std::size_t m = 0; m < members; ++m) sum += weights[m] * of_truth[m * n + i];
      for (std::size_t m = 0; m < members; ++m) next[m] += weights[m] * of_truth[m * n + i] / sum;
    }
    double moved = 0;
    for (std::size_t m = 0; m < members; ++m) {
      next[m] /= static_cast<double>(n);
      moved = std::max(moved, std::fabs(next[m] - weights[m]));
    }
    weights = std::move(next);
    if (moved < kStill) break;
  }
  return weights;
}

std::vector<float> mixture(std::span<const std::span<const float>> probability,
                           std::span<const double> weights) {
  EMO_CHECK(!probability.empty() && probability.size() == weights.size(), "a weight a member");
  std::vector<double> sum(probability[0].size(), 0);
  for (std::size_t m = 0; m < probability.size(); ++m) {
    EMO_CHECK(probability[m].size() == sum.size(), "members predict the same rows");
    for (std::size_t i = 0; i < sum.size(); ++i)
      sum[i] += weights[m] * static_cast<double>(probability[m][i]);
  }
  return {sum.begin(), sum.end()};
}

ChosenMixture choose_mixture(std::span<const TargetResult* const> members) {
  const TargetResult& first = *members.front();
  std::vector<std::span<const float>> validation;
  std::vector<std::vector<double>> of_truth;
  for (const TargetResult* own : members) {
    validation.push_back(own->validation.probability);
    of_truth.push_back(
        probability_of_truth(own->spec, own->validation.probability, first.validation.truth));
  }
  ChosenMixture chosen;
  chosen.weights = mixture_weights(of_truth);
  chosen.probability = mixture(validation, chosen.weights);
  if (first.spec.kind == TargetKind::multi) {
    chosen.thresholds =
        choose_thresholds(chosen.probability, first.validation.truth, target_outputs(first.spec));
  }
  return chosen;
}

std::vector<std::int32_t> predicted_by(const TargetSpec& spec, std::span<const float> probability,
                                       std::span<const double> thresholds) {
  if (spec.kind == TargetKind::multi) return labels_above(probability, thresholds);
  std::vector<std::int32_t> predicted;
  const auto classes = static_cast<std::ptrdiff_t>(block_classes(spec));
  for (auto row = probability.begin(); row != probability.end(); row += classes)
    predicted.push_back(static_cast<std::int32_t>(std::max_element(row, row + classes) - row));
  return predicted;
}

}  // namespace emosweep::results
