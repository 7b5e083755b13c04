// Metrics of pooled counts: the confusion matrices of all subjects of one seed are summed and
// scored once. Such a metric is no mean of scores per subject, so intervals and comparisons rest on
// the delete-one-subject jackknife (Tukey 1958; Efron and Tibshirani 1993, ch. 11). Pure,
// thread-safe.
#pragma once

#include <cstddef>
#include <vector>

#include "results/metrics.h"
#include "results/statistics/score_table.h"

namespace emosweep::results {

using Metric = double (*)(const Confusion&);

// Counts by seed and subject, all of one target; not owned.
struct ConfusionTable {
  std::size_t seeds = 0, subjects = 0;
  std::vector<const Confusion*> cells;  // [seeds, subjects] row-major, none null
};

// theta_s: the metric of each seed's sum. [seeds]
std::vector<double> pooled_scores(const ConfusionTable& table, Metric metric);

// p[s][g] = theta_s + (G - 1) (mean_h theta_s(-h) - theta_s(-g)), theta_s(-g) the score without
// subject g: pseudo-values G theta_s - (G - 1) theta_s(-g) moved so that a seed's mean is exactly
// its pooled score. Seeds' means give the re-run interval of the headline, subjects' means the
// jackknife's standard error of it, and the difference of two conditions' tables is that of their
// headlines. No bias is corrected: the headline stays the pooled score. For accuracy of subjects
// with equally many rows this is the plain table of accuracies. Empty where there are fewer than
// two subjects or a score is undefined.
ScoreTable pseudo_values(const ConfusionTable& table, Metric metric);

}  // namespace emosweep::results
