// Scores from confusion matrices (rows true, columns predicted). One definition for training,
// summary and report.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/target.h"

namespace emosweep::results {

// One matrix (single label), or one a label or aspect: they add up over folds and ranks alike.
struct Confusion {
  TargetKind kind = TargetKind::single;
  std::int64_t blocks = 1;
  std::int64_t classes = 0;          // of a block
  std::vector<std::int64_t> counts;  // [blocks, C, C] row-major

  Confusion() = default;
  explicit Confusion(std::int64_t c) : classes(c), counts(static_cast<std::size_t>(c * c), 0) {}
  explicit Confusion(const TargetSpec& spec);  // of any kind but regression, which has no classes
  void add(std::int64_t truth, std::int64_t predicted, std::int64_t n = 1);  // to the first block
  void add_to(std::int64_t block, std::int64_t truth, std::int64_t predicted, std::int64_t n = 1);
  Confusion block(std::int64_t b) const;  // alone, as a single label's
  Confusion& operator+=(const Confusion& other);
  Confusion& operator-=(const Confusion& other);
  std::int64_t total() const;  // over all blocks
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

// Names and values in a fixed order, as they stand in summary.h5 and reports: accuracy, macro_f1,
// weighted_f1, uar, mcc, kappa.
std::vector<std::pair<std::string, double>> named_scores(const Confusion& confusion);
// One line a metric, printed beside scores: {"macro_f1", "mean over all classes of 2TP/(2TP+FP+FN),
// 0/0 counted as 0"}.
std::string metric_definition(const std::string& name);

}  // namespace emosweep::results
