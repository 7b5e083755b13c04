// Scores of one condition by seed and subject: the crossed table y[s][g] that intervals, variance
// components and comparisons work on. Complete: every seed has a score for every subject.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace emosweep::results {

class ScoreTable {
 public:
  ScoreTable() = default;
  // values: [seeds, subjects] row-major, none of them NaN.
  ScoreTable(std::size_t seeds, std::size_t subjects, std::vector<double> values);

  std::size_t seeds() const { return seeds_; }
  std::size_t subjects() const { return subjects_; }
  double at(std::size_t seed, std::size_t subject) const {
    return values_[seed * subjects_ + subject];
  }
  std::span<const double> values() const { return values_; }

  double mean() const;                        // over all cells; NaN of an empty table
  std::vector<double> seed_means() const;     // [seeds] over subjects
  std::vector<double> subject_means() const;  // [subjects] over seeds

 private:
  std::size_t seeds_ = 0, subjects_ = 0;
  std::vector<double> values_;
};

// a - b, cell by cell: paired on seed and subject. Both have the same shape.
ScoreTable difference(const ScoreTable& a, const ScoreTable& b);

}  // namespace emosweep::results
