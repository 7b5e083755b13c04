#include "results/statistics.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "results/statistics_parts.h"

namespace emosweep::results {
namespace {

std::size_t best_on_test(const std::vector<ConditionStatistics>& conditions) {
  std::size_t best = 0;
  for (std::size_t c = 1; c < conditions.size(); ++c) {
    const double own = conditions[c].headline().spread.mean;
    const double leader = conditions[best].headline().spread.mean;
    if (own > leader || std::isnan(leader)) best = c;
  }
  return best;
}

}  // namespace

ExperimentStatistics experiment_statistics(const Table& table, std::size_t index) {
  const TableExperiment& experiment = table.experiments[index];
  ExperimentStatistics result;
  result.name = experiment.name;
  result.metric = experiment.metric;
  result.target = experiment.target();
  if (!experiment.classes.empty() && experiment.kind == TargetKind::single) {
    result.chance = 1.0 / static_cast<double>(experiment.classes.size());
  }
  std::vector<Rows> conditions(experiment.conditions.size());
  std::set<std::uint64_t> seeds;
  std::set<std::string, bool (*)(const std::string&, const std::string&)> folds(natural_less);
  for (std::size_t i = table.first[index]; i < table.first[index + 1]; ++i) {
    const Row& row = table.rows[i];
    conditions[row.cell.condition].push_back(&row);
    seeds.insert(row.cell.seed);
    folds.insert(row.cell.fold);
  }
  result.seeds.assign(seeds.begin(), seeds.end());
  result.folds.assign(folds.begin(), folds.end());
  const std::vector<Slice> slices =
      index < table.slices.size() ? table.slices[index] : std::vector<Slice>();
  for (std::size_t c = 0; c < conditions.size(); ++c) {
    const std::string& label = experiment.conditions[c];
    result.conditions.push_back(
        experiment.metric.empty()
            ? condition_statistics(label, conditions[c], result, slices)
            : score_statistics(label, conditions[c], result, experiment.metric));
  }
  if (conditions.size() > 1 && experiment.external) {
    result.nested.absent_because = "a CSV of results holds no validation scores to choose by";
  } else if (conditions.size() > 1) {
    result.nested = nested_selection(conditions, result, experiment, slices);
  }
  if (result.nested.exists) {
    result.nested.oracle = best_on_test(result.conditions);
    result.nested.optimism = result.conditions[result.nested.oracle].headline().spread.mean -
                             result.nested.result.headline().spread.mean;
  }
  const auto& chosen = result.nested.chosen;
  if (result.nested.exists) {
    result.reference =
        static_cast<std::size_t>(std::max_element(chosen.begin(), chosen.end()) - chosen.begin());
  }
  ConditionStatistics* headline = result.nested.exists            ? &result.nested.result
                                  : result.conditions.size() == 1 ? &result.conditions.front()
                                                                  : nullptr;
  if (headline && experiment.metric.empty()) {
    headline->resampled = resampled_statistics(headline->subject_scores.scores, headline->subjects);
  }
  std::vector<Contender> contenders;
  for (const auto& condition : result.conditions) {
    contenders.push_back({condition.label, experiment.samples, &condition.subject_scores,
                          experiment.target(), experiment.metric});
  }
  result.comparisons = compare_with(contenders, result.reference);
  return result;
}

std::string headline_metric(const ExperimentStatistics& experiment) {
  return experiment.metric.empty() ? "pooled " + headline_title(experiment.target.kind)
                                   : "mean " + experiment.metric;
}

const ConditionStatistics* headline_of(const ExperimentStatistics& experiment) {
  if (experiment.nested.exists) return &experiment.nested.result;
  return experiment.conditions.size() == 1 ? &experiment.conditions.front() : nullptr;
}

ComparisonFamily compare_experiments(const Table& table,
                                     const std::vector<ExperimentStatistics>& statistics) {
  std::vector<Contender> contenders;
  for (std::size_t e = 0; e < statistics.size(); ++e) {
    if (const ConditionStatistics* headline = headline_of(statistics[e])) {
      contenders.push_back({statistics[e].name, table.experiments[e].samples,
                            &headline->subject_scores, table.experiments[e].target(),
                            table.experiments[e].metric});
    }
  }
  return compare_all(contenders);
}

}  // namespace emosweep::results
