// Weights of an ensemble's members. Pure, thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/target.h"
#include "results/record.h"

namespace emosweep::results {

// The weights w >= 0, sum 1, under which the mixture sum_m w_m p_m(y) gives the observations the
// greatest likelihood. of_truth: per member [n], the probability it gave what came true. The
// likelihood is concave in w; expectation-maximisation from equal weights raises it in every step
// (Dempster, Laird and Rubin 1977) and stops where no weight moves by 1e-9, after 10,000 steps at
// the latest. Equal weights without observations.
std::vector<double> mixture_weights(const std::vector<std::vector<double>>& of_truth);

// What a target's probabilities [n, width] gave the truth [n, outputs]: one observation a row
// (single label), a (row, label) cell, or a known (row, aspect) cell.
std::vector<double> probability_of_truth(const TargetSpec& spec, std::span<const float> probability,
                                         std::span<const std::int32_t> truth);
// Mean of -log of these, none below 1e-12; NaN of none.
double log_loss(const std::vector<double>& of_truth);

// What validation rows choose for a mixture of members.
struct ChosenMixture {
  std::vector<double> weights;     // of each member
  std::vector<double> thresholds;  // of each label of the mixture (multi), else empty
  std::vector<float> probability;  // [v, width] the mixture's, of the validation rows
};
// members: of one kind but regression and the same classes, with validation predictions of the same
// rows.
ChosenMixture choose_mixture(std::span<const TargetResult* const> members);

// The class of highest probability of each row (and aspect), the first of equals; of labels 1 where
// the probability reaches the label's threshold. [n, outputs].
std::vector<std::int32_t> predicted_by(const TargetSpec& spec, std::span<const float> probability,
                                       std::span<const double> thresholds);

// sum_m w_m p_m: [n, C].
std::vector<float> mixture(std::span<const std::span<const float>> probability,
                           std::span<const double> weights);

}  // namespace emosweep::results
