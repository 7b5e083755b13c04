#include "data/features.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "base/error.h"
#include "data/description_reader.h"

namespace emosweep::data {
namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

const Modality& modality_of(const Dataset& dataset, const std::string& name) {
  const Modality* modality = dataset.modality(name);
  if (modality != nullptr) return *modality;
  std::vector<std::string> names;
  for (const Modality& candidate : dataset.modalities) names.push_back(candidate.name);
  throw InputError("the dataset " + in_quotes(dataset.name) + " has no modality " +
                   in_quotes(name) + "; it has: " + listed(names));
}

// Mean and population variance of every column over the rows where the modality is present. A
// missing cell counts as the column's mean (impute, then scale): it adds to `rows` and nothing to
// the sum of squares.
struct Moments {
  std::int64_t rows = 0;             // with the modality
  std::vector<std::int64_t> known;   // [width] cells that are not missing
  std::vector<double> mean, square;  // [width]; square: sum of squared differences from the mean
};

template <class Rows>
Moments moments(const Modality& modality, const std::vector<double>& values, const Rows& rows) {
  const std::size_t width = at(modality.width);
  Moments m{0, std::vector<std::int64_t>(width), std::vector<double>(width),
            std::vector<double>(width)};
  for (const auto row : rows) {
    if (!modality.present[at(row)]) continue;
    ++m.rows;
    const double* const x = values.data() + at(row) * width;
    for (std::size_t i = 0; i < width; ++i) {
      if (std::isnan(x[i])) continue;
      ++m.known[i];
      m.mean[i] += x[i];
    }
  }
  for (std::size_t i = 0; i < width; ++i)
    if (m.known[i] > 0) m.mean[i] /= static_cast<double>(m.known[i]);
  std::vector<double> drift(width);  // what rounding left in the mean: the corrected two-pass sum
  for (const auto row : rows) {
    if (!modality.present[at(row)]) continue;
    const double* const x = values.data() + at(row) * width;
    for (std::size_t i = 0; i < width; ++i) {
      if (std::isnan(x[i])) continue;
      const double difference = x[i] - m.mean[i];
      m.square[i] += difference * difference;
      drift[i] += difference;
    }
  }
  for (std::size_t i = 0; i < width; ++i)
    if (m.known[i] > 0) m.square[i] -= drift[i] * drift[i] / static_cast<double>(m.known[i]);
  return m;
}

// Rounding of n equal values can give a variance above 0: the bound of scikit-learn's
// StandardScaler.
bool constant(double variance, double mean, double n) {
  const double eps = std::numeric_limits<double>::epsilon();
  const double bound = n * mean * eps;
  return !(variance > n * eps * variance + bound * bound);
}

std::vector<std::vector<std::int64_t>> rows_by_group(const Dataset& dataset,
                                                     const std::string& group) {
  const std::vector<std::string>* values = dataset.group(group);
  if (values == nullptr)
    throw InputError("normalise: group needs a group of the dataset " + in_quotes(dataset.name) +
                     "; it has none called " + in_quotes(group));
  std::map<std::string, std::vector<std::int64_t>> rows;
  for (std::int64_t row = 0; row < dataset.size(); ++row) rows[(*values)[at(row)]].push_back(row);
  std::vector<std::vector<std::int64_t>> list;
  for (auto& [name, own] : rows) list.push_back(std::move(own));
  return list;
}

// z-scores of every group by its own cells; missing cells stay missing.
std::vector<double> group_scores(const Dataset& dataset, const Modality& modality,
                                 const std::string& group) {
  std::vector<double> scores = modality.values;
  const std::size_t width = at(modality.width);
  for (const auto& rows : rows_by_group(dataset, group)) {
    const Moments m = moments(modality, modality.values, rows);
    std::vector<double> scale(width);
    for (std::size_t i = 0; i < width; ++i) {
      const double n = static_cast<double>(std::max<std::int64_t>(1, m.known[i]));
      const double variance = m.square[i] / n;
      scale[i] = constant(variance, m.mean[i], n) ? 0 : 1 / std::sqrt(variance);
    }
    for (const std::int64_t row : rows)
      for (std::size_t i = 0; i < width; ++i) {
        double& x = scores[at(row) * width + i];
        if (!std::isnan(x)) x = (x - m.mean[i]) * scale[i];
      }
  }
  return scores;
}

[[noreturn]] void not_finite(const Dataset& dataset, const Modality& modality, std::size_t column,
                             const std::string& what) {
  throw InputError("the dataset " + in_quotes(dataset.name) + ", modality " +
                   in_quotes(modality.name) + ", column " + in_quotes(modality.columns[column]) +
                   ": the values are too large to be scaled (" + what + ")");
}

void warn(const std::string& what, const Modality& modality, std::vector<std::string> columns,
          std::vector<std::string>& warnings) {
  if (columns.empty()) return;
  const std::size_t count = columns.size();
  if (count > 10) columns.resize(10);
  warnings.push_back("modality " + in_quotes(modality.name) + ": " + std::to_string(count) +
                     (count == 1 ? " column is " : " columns are ") + what +
                     (count == 1 ? " in training and becomes 0: " : " in training and become 0: ") +
                     listed(columns) + (count > 10 ? ", ..." : ""));
}

}  // namespace

Fitted fit_scalers(const Dataset& dataset, std::span<const std::int32_t> train,
                   const PrepareOptions& options) {
  Fitted fitted;
  for (const std::string& name : options.modalities) {
    const Modality& modality = modality_of(dataset, name);
    const bool by_group = options.normalise == Normalise::group;
    const Moments m = by_group
                          ? moments(modality, group_scores(dataset, modality, options.group), train)
                          : moments(modality, modality.values, train);
    Scaler scaler{name, modality.columns, m.mean, std::vector<double>(m.mean.size())};
    std::vector<std::string> all_missing, all_equal;
    for (std::size_t i = 0; i < scaler.scale.size(); ++i) {
      const double n = static_cast<double>(std::max<std::int64_t>(1, m.rows));
      const double variance = m.square[i] / n;
      if (!std::isfinite(scaler.mean[i]) || !std::isfinite(variance))
        not_finite(dataset, modality, i, "their mean or variance overflows");
      if (m.known[i] == 0)
        all_missing.push_back(scaler.columns[i]);
      else if (constant(variance, scaler.mean[i], n))
        all_equal.push_back(scaler.columns[i]);
      else
        scaler.scale[i] = options.normalise == Normalise::train ? 1 / std::sqrt(variance) : 1;
    }
    warn("all missing", modality, all_missing, fitted.warnings);
    warn("constant", modality, all_equal, fitted.warnings);
    fitted.scalers.push_back(std::move(scaler));
  }
  return fitted;
}

std::vector<FeatureMatrix> apply_scalers(const Dataset& dataset, const Fitted& fitted,
                                         const PrepareOptions& options) {
  std::vector<FeatureMatrix> matrices;
  const bool centre = options.normalise == Normalise::train;
  for (const Scaler& scaler : fitted.scalers) {
    const Modality& modality = modality_of(dataset, scaler.modality);
    if (modality.columns != scaler.columns)
      throw InputError("the dataset " + in_quotes(dataset.name) + ", modality " +
                       in_quotes(modality.name) + ": its columns are not those of the fit (" +
                       std::to_string(modality.columns.size()) + " here, " +
                       std::to_string(scaler.columns.size()) + " there)");
    FeatureMatrix out{dataset.size(), modality.width,
                      options.normalise == Normalise::group
                          ? group_scores(dataset, modality, options.group)
                          : modality.values,
                      modality.present};
    const std::size_t width = at(modality.width);
    for (std::size_t row = 0; row < at(out.rows); ++row) {
      double* const x = out.values.data() + row * width;
      if (!out.present[row]) {
        std::fill(x, x + width, 0.0);
        continue;
      }
      for (std::size_t i = 0; i < width; ++i) {
        const double mean = scaler.mean[i], scale = scaler.scale[i];
        if (scale == 0)
          x[i] = 0;
        else if (std::isnan(x[i]))
          x[i] = centre ? 0 : mean;
        else if (centre)
          x[i] = (x[i] - mean) * scale;
        if (!std::isfinite(x[i]))
          not_finite(dataset, modality, i, "sample " + in_quotes(dataset.id[row]));
      }
    }
    matrices.push_back(std::move(out));
  }
  return matrices;
}

}  // namespace emosweep::data
