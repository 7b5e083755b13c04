#include "results/calibration.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace emosweep::results {
namespace {

std::size_t bin_of(double confidence) {
  const double place = std::ceil(confidence * static_cast<double>(Calibration::kBins)) - 1;
  return static_cast<std::size_t>(std::clamp(place, 0.0, Calibration::kBins - 1.0));
}

}  // namespace

void Calibration::add(std::span<const std::int32_t> truth, std::span<const std::int32_t> predicted,
                      std::span<const float> probability, std::int64_t classes) {
  const auto c = static_cast<std::size_t>(classes);
  EMO_CHECK(truth.size() == predicted.size() && probability.size() == truth.size() * c,
            "a truth, a prediction and a probability for each class of every row");
  for (std::size_t i = 0; i < truth.size(); ++i) {
    EMO_CHECK(truth[i] >= 0 && truth[i] < classes && predicted[i] >= 0 && predicted[i] < classes,
              "class index out of range");
    const auto row = probability.subspan(i * c, c);
    const double confidence = row[static_cast<std::size_t>(predicted[i])];
    Bin& bin = bins[bin_of(confidence)];
    ++bin.rows;
    bin.right += predicted[i] == truth[i];
    bin.confidence += confidence;
    for (std::size_t k = 0; k < c; ++k) {
      const double error = row[k] - (k == static_cast<std::size_t>(truth[i]) ? 1.0 : 0.0);
      squares += error * error;
    }
  }
}

void Calibration::add_presence(std::span<const std::int32_t> truth,
                               std::span<const float> probability) {
  EMO_CHECK(truth.size() == probability.size(), "a probability for each cell");
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const double confidence = probability[i], present = truth[i] != 0 ? 1 : 0;
    Bin& bin = bins[bin_of(confidence)];
    ++bin.rows;
    bin.right += truth[i] != 0;
    bin.confidence += confidence;
    squares += (confidence - present) * (confidence - present);
  }
}

Calibration& Calibration::operator+=(const Calibration& other) {
  for (std::size_t i = 0; i < kBins; ++i) {
    bins[i].rows += other.bins[i].rows;
    bins[i].right += other.bins[i].right;
    bins[i].confidence += other.bins[i].confidence;
  }
  squares += other.squares;
  return *this;
}

std::int64_t Calibration::rows() const {
  std::int64_t sum = 0;
  for (const Bin& bin : bins) sum += bin.rows;
  return sum;
}

double expected_calibration_error(const Calibration& calibration) {
  double gap = 0;  // sum over bins of rows * |accuracy - confidence|
  for (const auto& bin : calibration.bins) {
    gap += std::fabs(static_cast<double>(bin.right) - bin.confidence);
  }
  const auto rows = static_cast<double>(calibration.rows());
  return rows > 0 ? gap / rows : std::numeric_limits<double>::quiet_NaN();
}

double brier_score(const Calibration& calibration) {
  const auto rows = static_cast<double>(calibration.rows());
  return rows > 0 ? calibration.squares / rows : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace emosweep::results
