// What the report prints and /statistics of the summary holds, from the rows of one experiment.
// Private to results/. Definitions: a cell is one (seed, fold) of a condition. Means and standard
// deviations (n - 1) are undefined (NaN) where nothing, or a single value, is there. A seed is
// complete if all its folds are done, a fold if it is done for all seeds.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "results/calibration.h"
#include "results/comparisons.h"
#include "results/condition_details.h"
#include "results/metrics.h"
#include "results/report_metrics.h"
#include "results/statistics/descriptive.h"
#include "results/statistics/interval.h"
#include "results/statistics/variance.h"
#include "results/table.h"

namespace emosweep::results {

struct CellStatistics {  // of one metric over the cells
  Description cells;     // over all done cells
  Spread seeds;          // over the means of complete seeds: sd over seeds
  Spread folds;          // over the means of complete folds: sd over folds
};

// The same with what other seeds and other subjects would give (interval.h, variance.h): the re-run
// interval is that of per_seed; the rest is that of the pseudo-values by seed and subject and
// undefined where subjects cannot be told.
struct ReplicatedStatistics : PooledStatistics {
  MeanInterval rerun, new_subject;
  VarianceComponents components;
  // How many would halve an interval; 0: not known, or (seeds for new subjects) no number does.
  std::int64_t seeds_to_halve_rerun = 0, subjects_to_halve_new_subject = 0,
               seeds_to_halve_new_subject = 0;
  // What the best of 1, 2, ... of these seeds is expected to score: how much picking one would add.
  std::vector<double> expected_best;
};

struct MetricStatistics {
  std::string name;  // as in records
  CellStatistics cells;
  ReplicatedStatistics pooled;
};

// Of the same test rows: what knows nothing of them but what the training rows of each fold say.
struct BaselineStatistics {
  // "majority": the class with most training rows (a label that half of them have); "present":
  // every label; "chance": classes drawn by their shares of the training rows, the score of the
  // expected counts.
  std::string name;
  std::vector<std::pair<std::string, PooledStatistics>> metrics;
};

struct OutputStatistics {  // of one label, aspect or value, pooled by seed
  std::string name;
  std::int64_t rows = 0;                                         // of one seed, known ones
  std::vector<std::pair<std::string, PooledStatistics>> scores;  // by metric
  std::vector<std::pair<std::string, PooledStatistics>> majority;
  double train_share = kUndefined;  // of training rows that have the label, mean over cells
  Spread threshold;                 // of the label, over cells
};

struct ConditionStatistics {
  std::string label;
  std::int64_t expected = 0, done = 0, failed = 0, missing = 0;
  std::int64_t trials = 0;  // distinct ids among the cells: fewer where seeds share a trial
  // Those of the kind of target (report_metrics.h), the headline first; of another program's scores
  // only that.
  std::vector<MetricStatistics> metrics;
  const ReplicatedStatistics& headline() const { return metrics.front().pooled; }
  const ReplicatedStatistics& pooled(
      const std::string& metric) const;  // undefined if there is none
  const CellStatistics& cells(const std::string& metric) const;
  SubjectScores subject_scores;  // of the pooled headline, for comparisons
  // Of metrics that need whole rows, as the records have them: of cells, since they do not pool.
  std::vector<std::pair<std::string, CellStatistics>> row_scores;
  // Other pooled metrics by their names in metrics.h, among them what else is called macro-F1.
  std::vector<std::pair<std::string, PooledStatistics>> further;
  std::vector<std::int64_t>
      undefined_f1;         // per seed: classes (labels) that pooled macro-F1 counts as 0
                            // because they occur nowhere; -1 for an incomplete seed
  Calibration calibration;  // of all done cells whose records keep probabilities
  std::vector<BaselineStatistics> baselines;
  const PooledStatistics& baseline(const std::string& name, const std::string& metric) const;
  Confusion confusion;              // summed over all done cells
  std::vector<Confusion> per_seed;  // summed over the folds; nothing counted for an incomplete seed
  std::vector<ClassStatistics> classes;     // in the order of class_names_of
  std::vector<OutputStatistics> outputs;    // of labels, aspects or values; none of a single label
  std::vector<SubjectStatistics> subjects;  // in natural order; empty where they cannot be told
  std::vector<SliceStatistics> slices;      // by metadata; empty without kept predictions
  ResampledStatistics resampled;            // of a headline only (headline_of)
};

// The condition that each (seed, fold) would have been given: the best of all conditions on its
// validation rows.
struct NestedSelection {
  bool exists = false;
  std::string absent_because;  // where it does not exist
  std::string metric;          // validation metric that chose
  ConditionStatistics result;
  std::vector<std::int64_t> chosen;  // how often each condition won
  // The condition with the best pooled headline on the test rows, which nobody may choose, and by
  // how much its score is above that of `result`.
  std::size_t oracle = 0;
  double optimism = kUndefined;
};

struct ExperimentStatistics {
  std::string name;
  // "": of predictions. Else the name of another program's scores: the only metric of the
  // conditions, which have no counts.
  std::string metric;
  TargetSpec target;
  double chance = kUndefined;        // 1 / C of a single label; other kinds have it as a baseline
  std::vector<std::uint64_t> seeds;  // ascending
  std::vector<std::string> folds;    // in natural order
  std::vector<ConditionStatistics> conditions;
  NestedSelection nested;  // only where there are several conditions
  // Each condition against the one that validation chose most often (the first of equals; the first
  // of all without nested selection). By labels.
  std::size_t reference = 0;
  ComparisonFamily comparisons;
};

ExperimentStatistics experiment_statistics(const Table& table, std::size_t experiment);

// What the numbers of headline() are: "pooled macro-F1", or the mean of a score over folds.
std::string headline_metric(const ExperimentStatistics& experiment);

// What stands for an experiment: its nested selection, or its only condition; nullptr where there
// is neither.
const ConditionStatistics* headline_of(const ExperimentStatistics& experiment);
// Every pair of experiments with a headline, by names; in the order of the table.
ComparisonFamily compare_experiments(const Table& table,
                                     const std::vector<ExperimentStatistics>& statistics);

}  // namespace emosweep::results
