#include "launcher/epoch_line.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string_view>

namespace emosweep::launcher {
namespace {

constexpr std::string_view kWeight = "weight_", kValidation = "validation_";

std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

double last_of(const std::vector<results::Curve>& curves, const std::string& name) {
  for (const results::Curve& curve : curves)
    if (curve.name == name && !curve.values.empty()) return curve.values.back();
  return 0;
}

std::string terms_text(const std::vector<results::Curve>& curves, const std::string& part) {
  double sum = 0;
  for (const results::Curve& curve : curves) {
    if (!curve.name.starts_with(kWeight)) continue;
    sum += curve.values.back() * last_of(curves, part + curve.name.substr(kWeight.size()));
  }
  std::string text;
  for (const results::Curve& curve : curves) {
    if (!curve.name.starts_with(kWeight)) continue;
    const std::string term = curve.name.substr(kWeight.size());
    const double weight = curve.values.back(), value = last_of(curves, part + term);
    text += text.empty() ? " = " : " + ";
    text += short_number(weight) + " x " + term + " " + short_number(value);
    if (sum > 0) text += " (" + std::to_string(std::lround(100 * weight * value / sum)) + " %)";
  }
  return text;
}

}  // namespace

bool has_terms(const std::vector<results::Curve>& curves) {
  for (const results::Curve& curve : curves)
    if (curve.name.starts_with(kWeight)) return true;
  return false;
}

std::string epoch_line(const trainer::ToldEpoch& epoch) {
  const std::vector<results::Curve>& curves = epoch.curves;
  std::size_t epochs = 0;
  std::string train, validation;
  for (const results::Curve& curve : curves) {
    if (curve.values.empty()) continue;
    epochs = std::max(epochs, curve.values.size());
    if (curve.name == "train_loss") {
      train = "train loss " + short_number(curve.values.back()) + terms_text(curves, "train_");
    } else if (curve.name == "validation_loss") {
      validation = "validation loss " + short_number(curve.values.back());
      validation += terms_text(curves, std::string(kValidation));
    } else if (curve.name.starts_with(kValidation)) {
      const std::string name = curve.name.substr(kValidation.size());
      // Terms stand with the loss.
      const std::string weight = std::string(kWeight) + name;
      const bool term = std::any_of(curves.begin(), curves.end(),
                                    [&](const auto& other) { return other.name == weight; });
      if (!term) validation += ", " + name + " " + short_number(curve.values.back());
    }
  }
  const std::string told = (epoch.refit ? "refit, epoch " : "epoch ") + std::to_string(epochs) +
                           ", " + short_number(epoch.seconds) + " s: " + train;
  if (epoch.refit) return told;
  return told + (validation.empty() ? "; no validation" : "; " + validation);
}

}  // namespace emosweep::launcher
