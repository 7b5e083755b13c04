// Scores from confusion matrices (rows true, columns predicted), of every kind of target. One
// definition for training, summary and report. Pure, thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/target.h"
#include "results/regression.h"

namespace emosweep::results {

// What is counted of rows: one matrix (single label), one a label or aspect, or the sums of each
// value (regression). They add up over folds and ranks alike.
struct Confusion {
  TargetKind kind = TargetKind::single;
  std::int64_t blocks = 1;
  std::int64_t classes = 0;          // of a block
  std::vector<std::int64_t> counts;  // [blocks, C, C] row-major
  std::vector<RegressionSums> sums;  // [outputs] of regression, which has no counts; else empty

  Confusion() = default;
  explicit Confusion(std::int64_t c) : classes(c), counts(static_cast<std::size_t>(c * c), 0) {}
  explicit Confusion(const TargetSpec& spec);
  void add(std::int64_t truth, std::int64_t predicted, std::int64_t n = 1);  // to the first block
  void add_to(std::int64_t block, std::int64_t truth, std::int64_t predicted, std::int64_t n = 1);
  void add_value(std::int64_t output, double truth, double predicted);  // of regression
  Confusion block(std::int64_t b) const;  // alone, as a single label's
  Confusion& operator+=(const Confusion& other);
  Confusion& operator-=(const Confusion& other);  // not of regression, whose sums would lose digits
  // Over all blocks: rows of a single label, (row, label) cells, known (row, aspect) cells, (row,
  // value) cells.
  std::int64_t total() const;
};

// P, R, F1 = 2TP / (2TP + FP + FN), with 0/0 -> 0. macro_f1 is the mean over all C classes; uar the
// mean recall over the classes that occur; weighted_f1 weighs by true counts; mcc after Gorodkin
// (2004), 0/0 -> 0; kappa after Cohen (1960), NaN where chance agreement is certain;
// kappa_quadratic the same with weights (true - predicted)^2 for ordered classes. What others call
// macro-F1 too: macro_f1_occurring is the mean over the classes that are true or predicted
// somewhere, f1_of_means the F1 of the mean P and the mean R over all C classes. undefined_f1:
// classes neither true nor predicted. All NaN where nothing was counted. (scikit-learn's
// f1_score(zero_division=0), without labels for macro_f1_occurring, balanced_accuracy_score,
// matthews_corrcoef, cohen_kappa_score agree.)
struct Scores {
  double accuracy, macro_f1, weighted_f1, micro_f1, uar, mcc, kappa;
  double macro_f1_occurring, f1_of_means, kappa_quadratic;
  std::int64_t undefined_f1;
};
Scores scores(const Confusion& confusion);
struct ClassScores {
  double precision, recall, f1;
  std::int64_t support;
};
std::vector<ClassScores> class_scores(const Confusion& confusion);

// Of labels and aspects, and of a single label what stands there too. All NaN where nothing was
// counted.
//   multi: macro_f1 and weighted_f1 are means over the labels of the F1 of presence (weighted by
//   the rows that have the label), micro_f1 is that of the counts summed over labels; accuracy is
//   the share of (row, label) cells that are right, 1 - Hamming loss; no uar (NaN). 0/0 -> 0.
//   aspects: over the known cells only, accuracy their share that is right; macro_f1, weighted_f1
//   and uar are means over the aspects that have known rows of the same of one aspect; micro_f1 is
//   accuracy.
// (scikit-learn's f1_score(Y, P, average, zero_division=0) agrees.)
struct KindScores {
  double accuracy, macro_f1, weighted_f1, micro_f1, uar;
};
KindScores kind_scores(const Confusion& confusion);  // of any kind but regression
// Of regression: means over the outputs, NaN where one of them is.
RegressionScores regression_scores(const Confusion& confusion);

// Names and values in a fixed order, as they stand in records, summary.h5 and reports.
//   single: accuracy, macro_f1, weighted_f1, uar, mcc, kappa
//   multi: accuracy, macro_f1, weighted_f1, micro_f1
//   aspects: accuracy, macro_f1, weighted_f1, uar
//   regression: mae, rmse, pearson, ccc
std::vector<std::pair<std::string, double>> named_scores(const Confusion& confusion);
// One line a metric, printed beside scores: {"macro_f1", "mean over all classes of 2TP/(2TP+FP+FN),
// 0/0 counted as 0"}. InputError: the kind has no such metric.
std::string metric_definition(const std::string& name, TargetKind kind = TargetKind::single);

}  // namespace emosweep::results
