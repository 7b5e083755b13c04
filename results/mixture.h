// Weights of an ensemble's members. Pure, thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace emosweep::results {

// The weights w >= 0, sum 1, under which the mixture sum_m w_m p_m(y) gives the rows the greatest
// likelihood. probability: per member [n, C] row-major; truth: [n]. The likelihood is concave in w;
// expectation-maximisation from equal weights raises it in every step (Dempster, Laird and Rubin
// 1977) and stops where no weight moves by 1e-9, after 10,000 steps at the latest. Equal weights
// without rows.
std::vector<double> mixture_weights(std::span<const std::span<const float>> probability,
                                    std::span<const std::int32_t> truth, std::int64_t classes);

// sum_m w_m p_m: [n, C].
std::vector<float> mixture(std::span<const std::span<const float>> probability,
                           std::span<const double> weights);

}  // namespace emosweep::results
