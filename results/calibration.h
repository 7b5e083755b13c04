// Do predicted probabilities mean what they say? Counts that add up over folds. Pure, thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace emosweep::results {

// Rows (of labels and aspects their known cells) by the probability of their predicted class, of
// labels by that of presence, in 15 bins (i / 15, (i + 1) / 15]; a
// probability of 0 stands in the first.
struct Calibration {
  static constexpr std::size_t kBins = 15;
  struct Bin {
    std::int64_t rows = 0, right = 0;
    double confidence = 0;  // sum
  };
  std::array<Bin, kBins> bins;
  // Summed over rows: of all classes' squared errors; of a label that of its probability.
  double squares = 0;

  // Adds n rows. truth, predicted: [n] class indices; probability: [n, classes] row-major.
  void add(std::span<const std::int32_t> truth, std::span<const std::int32_t> predicted,
           std::span<const float> probability, std::int64_t classes);
  // Adds cells of labels: truth (0 or 1) and probability, of the same length.
  void add_presence(std::span<const std::int32_t> truth, std::span<const float> probability);
  Calibration& operator+=(const Calibration& other);
  std::int64_t rows() const;
};

// NaN without rows.
double expected_calibration_error(const Calibration& calibration);  // (Naeini et al. 2015)
double brier_score(
    const Calibration& calibration);  // mean sum of squared errors over classes: [0, 2]

}  // namespace emosweep::results
