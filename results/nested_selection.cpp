#include <algorithm>
#include <cmath>

#include "results/statistics_parts.h"

namespace emosweep::results {
namespace {

// Losses of different objectives cannot be compared, so a grid over one of these keys is decided by
// the headline.
bool grid_changes_loss(const std::vector<std::string>& labels) {
  for (const char* key : {"loss", "focal_gamma", "loss_temperature", "class_weights",
                          "weight_reduction", "label_smoothing", "smoothing_weights"}) {
    const std::string start = std::string(key) + "=";
    for (const auto& label : labels) {
      if (label.starts_with(start) || label.find(", " + start) != std::string::npos) return true;
    }
  }
  return false;
}

}  // namespace

NestedSelection nested_selection(const std::vector<Rows>& conditions,
                                 const ExperimentStatistics& axes,
                                 const PlannedExperiment& experiment,
                                 const std::vector<Slice>& slices) {
  NestedSelection nested;
  nested.metric = experiment.selection_metric;
  if (nested.metric == "last" ||
      (nested.metric == "loss" && grid_changes_loss(experiment.conditions))) {
    nested.metric = report_metrics(axes.target.kind)[0].name;
  }
  nested.chosen.assign(conditions.size(), 0);
  std::vector<Grid> grids;
  grids.reserve(conditions.size());
  for (const auto& rows : conditions) grids.push_back(grid_of(rows, axes));
  Rows winners;
  for (std::size_t i = 0; i < axes.seeds.size() * axes.folds.size(); ++i) {
    const Row* lacking = nullptr;  // a cell that is not done leaves the (seed, fold) undecided
    const Row* best = nullptr;
    std::size_t winner = 0;
    double best_value = 0;
    bool planned = true;
    for (std::size_t c = 0; c < grids.size(); ++c) {
      const Row* row = grids[c].cells[i];
      if (!row) {
        planned = false;
      } else if (!row->done()) {
        lacking = row;
      } else {
        double value = value_of(row->validation, nested.metric);
        if (std::isnan(value)) {
          nested.absent_because =
              "condition '" + experiment.conditions[c] + "' has no validation " + nested.metric;
          return nested;
        }
        if (lower_is_better(nested.metric)) value = -value;
        if (!best || value > best_value) {  // the first of equals
          best = row;
          best_value = value;
          winner = c;
        }
      }
    }
    if (!planned) continue;  // only what all conditions were asked for
    winners.push_back(lacking ? lacking : best);
    if (!lacking) ++nested.chosen[winner];
  }
  if (winners.empty()) {
    nested.absent_because = "no (seed, fold) is planned for all conditions";
    return nested;
  }
  nested.exists = true;
  nested.result =
      condition_statistics("nested selection (per fold, on validation)", winners, axes, slices);
  return nested;
}

}  // namespace emosweep::results
