// What a report says of one condition beyond its headline: classes, subjects, slices, and what
// resampling adds. Private to results/.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "results/metrics.h"
#include "results/statistics/descriptive.h"
#include "results/statistics/interval.h"
#include "results/statistics/profile.h"
#include "results/subjects.h"

namespace emosweep::results {

struct PooledStatistics {  // of one metric of the confusion matrix summed over the folds of one
                           // seed
  std::vector<double> per_seed;  // in the order of `seeds`; NaN for an incomplete seed
  Spread spread;                 // over the complete seeds
};

struct ClassStatistics {     // of the matrices pooled by seed, over the complete seeds
  std::int64_t support = 0;  // rows of one seed
  Spread precision, recall;
  PooledStatistics f1;
  MeanInterval rerun;  // of f1
};

struct SubjectStatistics {  // over the complete seeds
  std::string subject;
  std::string metric;                 // subject_metric of the kind: what `score` is
  std::vector<std::int64_t> support;  // rows of one seed by class (class_names_of)
  std::vector<double> score;          // a value a complete seed
  Spread score_spread, accuracy;
};

struct SliceStatistics {  // of the rows of one slice, pooled by seed
  std::string column, value;
  std::int64_t rows = 0;  // of one seed; of aspects known cells
  std::string metric;     // what `score` is: subject_metric of the kind
  PooledStatistics macro_f1, score, accuracy;
  MeanInterval rerun;       // of macro_f1
  std::int64_t absent = 0;  // classes or labels without a row in the slice: macro-F1 counts them as
                            // 0 unless they are predicted
};

// Percentile intervals by the bootstrap of what interval.h gives by t, and a profile. From fewer
// than 20 seeds or subjects the intervals run narrow.
struct ResampledStatistics {
  Interval stratified;                // other seeds of the same subjects
  Interval two_way;                   // other seeds and other subjects
  std::vector<ProfilePoint> profile;  // of SubjectStatistics::score, at 0, .05, ... .95
};

// As all_class_scores: none of regression.
std::vector<ClassStatistics> class_statistics(const std::vector<Confusion>& per_seed,
                                              const TargetSpec& spec);
// None of regression.
std::vector<SubjectStatistics> subject_statistics(const SubjectTable& table);
// by_seed: of each seed and slice the confusion, nothing counted for an incomplete seed.
std::vector<SliceStatistics> slice_statistics(const std::vector<Slice>& slices,
                                              const std::vector<std::vector<Confusion>>& by_seed);
// pseudo_values: of the headline. Nothing of empty tables.
ResampledStatistics resampled_statistics(const ScoreTable& pseudo_values,
                                         const std::vector<SubjectStatistics>& subjects);

}  // namespace emosweep::results
