#include "launcher/plan_facts.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>

namespace emosweep::launcher {

std::vector<std::int64_t> class_counts(const data::Dataset& dataset) {
  std::vector<std::int64_t> counts(dataset.target.classes.size(), 0);
  for (const std::int32_t label : dataset.label) ++counts[static_cast<std::size_t>(label)];
  return counts;
}

std::vector<std::int64_t> class_counts(const data::Dataset& dataset,
                                       std::span<const std::int32_t> rows) {
  if (rows.empty()) return {};
  std::vector<std::int64_t> counts(dataset.target.classes.size(), 0);
  for (const std::int32_t row : rows) {
    ++counts[static_cast<std::size_t>(dataset.label[static_cast<std::size_t>(row)])];
  }
  return counts;
}

std::size_t different(const data::Column& column) {
  return std::set<std::string_view>(column.values.begin(), column.values.end()).size();
}

ModalityFacts modality_facts(const data::Modality& modality) {
  ModalityFacts facts;
  facts.missing_values = std::count_if(modality.values.begin(), modality.values.end(),
                                       [](double value) { return std::isnan(value); });
  facts.absent_rows = std::count(modality.present.begin(), modality.present.end(), 0);
  return facts;
}

std::vector<TrialCounts> trial_counts(const Plan& plan) {
  std::vector<TrialCounts> counts(plan.experiments.size());
  for (const results::Cell& cell : plan.file.cells) ++counts[cell.experiment].cells;
  for (const PlannedTrial& trial : plan.trials) {
    ++counts[trial.experiment].trials;
    counts[trial.experiment].seconds += trial.cost;
  }
  return counts;
}

}  // namespace emosweep::launcher
