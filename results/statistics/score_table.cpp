#include "results/statistics/score_table.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "results/statistics/descriptive.h"

namespace emosweep::results {

ScoreTable::ScoreTable(std::size_t seeds, std::size_t subjects, std::vector<double> values)
    : seeds_(seeds), subjects_(subjects), values_(std::move(values)) {
  EMO_CHECK(values_.size() == seeds * subjects, "a score table is [seeds, subjects]");
  EMO_CHECK(std::none_of(values_.begin(), values_.end(), [](double v) { return std::isnan(v); }),
            "a score table has no missing cell");
}

double ScoreTable::mean() const { return spread_of(values_).mean; }

std::vector<double> ScoreTable::seed_means() const {
  std::vector<double> means;
  for (std::size_t s = 0; s < seeds_; ++s) {
    means.push_back(spread_of(values().subspan(s * subjects_, subjects_)).mean);
  }
  return means;
}

std::vector<double> ScoreTable::subject_means() const {
  std::vector<double> means(subjects_, seeds_ == 0 ? kUndefined : 0);
  for (std::size_t i = 0; i < values_.size(); ++i) means[i % subjects_] += values_[i];
  for (double& mean : means) mean /= static_cast<double>(seeds_);
  return means;
}

ScoreTable difference(const ScoreTable& a, const ScoreTable& b) {
  EMO_CHECK(a.seeds() == b.seeds() && a.subjects() == b.subjects(),
            "paired scores have the same seeds and subjects");
  std::vector<double> values(a.values().begin(), a.values().end());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] -= b.values()[i];
  return {a.seeds(), a.subjects(), std::move(values)};
}

}  // namespace emosweep::results
