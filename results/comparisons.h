// Families of comparisons: conditions of one experiment, or experiments, on the seeds that both
// have and the same subjects. Private to results/.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/hash.h"
#include "results/statistics/compare.h"
#include "results/statistics/ranks.h"
#include "results/statistics/score_table.h"
#include "results/tested_folds.h"

namespace emosweep::results {

// What of a condition is compared: pseudo-values of its pooled headline.
struct SubjectScores {
  std::vector<std::uint64_t> seeds;   // complete ones, ascending
  std::vector<std::string> subjects;  // in natural order
  ScoreTable scores;                  // [seeds, subjects]
  std::vector<TestedFold> tested;     // of these seeds, by seed and fold
  std::string absent_because;         // why there are none; "" where there are
};

struct Contender {
  std::string name;
  Digest samples;  // the table whose rows were predicted
  const SubjectScores* scores = nullptr;
  TargetSpec target = {};   // what was told apart
  std::string metric = {};  // of another program's scores, else ""
};

struct PairComparison {
  std::string a, b;                      // names
  std::string absent_because;            // why they cannot be compared, "" where they can
  std::string metric;                    // Contender::metric of both
  TargetKind kind = TargetKind::single;  // of both, where they are of one
  double mean_a = kUndefined, mean_b = kUndefined;  // on the seeds that both have
  Comparison result;                                // of a - b
  double p_holm = kUndefined;                       // result.crossed.p, adjusted over the family
};

struct ComparisonFamily {
  std::vector<PairComparison> pairs;
  RankTest ranks;              // of all contenders; undefined unless all stand on the same subjects
  std::string absent_because;  // why there are no pairs of several contenders
};

// Fewer subjects than these cannot say how many a difference takes.
inline constexpr std::int64_t kLeastForNeeds = 5;

// What a report concludes of a pair: "better" or "worse" (a than b, Holm's p below .05), "equal"
// (95 % of the posterior lies within the region of practical equivalence), else "undecided"; ""
// where they cannot be compared.
std::string conclusion_of(const PairComparison& pair);
// The same in a sentence with its figures, for people.
std::string comparison_sentence(const PairComparison& pair);

// Every other contender against the one at `reference`, which stands as b.
ComparisonFamily compare_with(const std::vector<Contender>& contenders, std::size_t reference);
// Every pair, a before b in the order given; none of more than 100 contenders.
ComparisonFamily compare_all(const std::vector<Contender>& contenders);

}  // namespace emosweep::results
