// Simulated sweeps with known truth: do the intervals and the default comparison of a report keep
// what they promise? The functions asked are those that the report calls. Used by the unit tests
// (short) and bench/statistics.cpp (long). Every sweep is a function of its number.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "results/metrics.h"
#include "results/statistics/compare.h"
#include "results/statistics/interval.h"
#include "results/statistics/pooled.h"
#include "results/statistics/variance.h"

namespace emosweep::results::simulation {

class Draws {  // SplitMix64, normals by Box and Muller
 public:
  explicit Draws(std::uint64_t number) : state_(number * 0xd1342543de82ef95 + 1) {}
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  double normal(double sd) {
    if (has_spare_) {
      has_spare_ = false;
      return sd * spare_;
    }
    const double radius = std::sqrt(-2 * std::log(1 - unit())), angle = 2 * M_PI * unit();
    spare_ = radius * std::sin(angle);
    has_spare_ = true;
    return sd * radius * std::cos(angle);
  }

 private:
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  std::uint64_t state_;
  double spare_ = 0;
  bool has_spare_ = false;
};

struct Rate {
  std::int64_t hits = 0, of = 0;
  void add(bool hit) {
    hits += hit;
    ++of;
  }
  double value() const { return static_cast<double>(hits) / static_cast<double>(of); }
};

inline bool covers(const MeanInterval& interval, double truth) {
  return interval.lower <= truth && truth <= interval.upper;
}

// Scores = .6 + seed + subject + residual, all normal.
struct Additive {
  std::size_t seeds = 5, subjects = 10;
  double seed_sd = 0.005, subject_sd = 0.08, residual_sd = 0.03;
};
struct AdditiveCoverage {
  Rate rerun;        // of the mean over these subjects
  Rate new_subject;  // of the mean over all subjects there could be
  Rate crossed;
};
inline AdditiveCoverage additive_coverage(const Additive& model, std::int64_t sweeps) {
  AdditiveCoverage result;
  for (std::int64_t i = 0; i < sweeps; ++i) {
    Draws draws(static_cast<std::uint64_t>(i));
    std::vector<double> subject(model.subjects), values;
    for (double& effect : subject) effect = draws.normal(model.subject_sd);
    for (std::size_t s = 0; s < model.seeds; ++s) {
      const double seed = draws.normal(model.seed_sd);
      for (const double effect : subject) {
        values.push_back(0.6 + seed + effect + draws.normal(model.residual_sd));
      }
    }
    const ScoreTable table(model.seeds, model.subjects, values);
    result.rerun.add(covers(rerun_interval(table), 0.6 + spread_of(subject).mean));
    result.new_subject.add(covers(new_subject_interval(table), 0.6));
    result.crossed.add(covers(crossed_interval(table), 0.6));
  }
  return result;
}

// Leave-one-subject-out predictions of clips: a clip is classified rightly with the logistic of the
// sum of its class's ease and of normal effects of the subject, the subject under this condition,
// the clip, the seed under this condition and seed x subject; wrong predictions spread unevenly.
struct Clips {
  static constexpr std::size_t kClasses = 8;
  std::size_t seeds = 5, subjects = 24;
  double subject_sd = 0.6, subject_condition_sd = 0.25, clip_sd = 1.0, seed_sd = 0.06,
         seed_subject_sd = 0.3;
  std::array<std::int64_t, kClasses> rows{4, 8, 8, 8, 8, 8, 8, 8};  // of a subject, as in RAVDESS
  std::array<double, kClasses> ease{0.2, 1.5, 0.6, 0.3, 1.2, 0.1, 0.8, 0.5};
};

inline double right_chance(double logit) { return 1 / (1 + std::exp(-logit)); }

// Where a wrong prediction goes: to the k-th of the other classes with a chance of 1/2, 1/4, ...
inline std::size_t wrong_class(std::size_t truth, double unit) {
  std::size_t step = 1;
  while (step + 1 < Clips::kClasses && unit < 0.5) {
    unit *= 2;
    ++step;
  }
  return (truth + step) % Clips::kClasses;
}

struct Population {  // the subjects and clips of one sweep; conditions share them
  std::vector<double> subject;
  std::vector<double> clip;  // [subjects, rows]
};
inline Population population(const Clips& model, Draws& draws) {
  Population result;
  for (std::size_t g = 0; g < model.subjects; ++g) {
    result.subject.push_back(draws.normal(model.subject_sd));
    for (const auto rows : model.rows) {
      for (std::int64_t r = 0; r < rows; ++r) result.clip.push_back(draws.normal(model.clip_sd));
    }
  }
  return result;
}

// One condition: [seeds, subjects] confusion matrices. `own`: the subjects' effects under it.
inline std::vector<Confusion> predictions(const Clips& model, const Population& people,
                                          const std::vector<double>& own, std::size_t seeds,
                                          Draws& draws) {
  std::vector<Confusion> cells;
  for (std::size_t s = 0; s < seeds; ++s) {
    const double seed = draws.normal(model.seed_sd);
    std::size_t clip = 0;
    for (std::size_t g = 0; g < model.subjects; ++g) {
      const double skill = people.subject[g] + own[g] + seed + draws.normal(model.seed_subject_sd);
      Confusion& cell = cells.emplace_back(static_cast<std::int64_t>(Clips::kClasses));
      for (std::size_t k = 0; k < Clips::kClasses; ++k) {
        for (std::int64_t r = 0; r < model.rows[k]; ++r) {
          const double logit = model.ease[k] + skill + people.clip[clip++];
          const bool right = draws.unit() < right_chance(logit);
          const std::size_t predicted = right ? k : wrong_class(k, draws.unit());
          cell.add(static_cast<std::int64_t>(k), static_cast<std::int64_t>(predicted));
        }
      }
    }
  }
  return cells;
}

inline ConfusionTable table_of(const Clips& model, const std::vector<Confusion>& cells) {
  ConfusionTable table{cells.size() / model.subjects, model.subjects, {}};
  for (const auto& cell : cells) table.cells.push_back(&cell);
  return table;
}

inline double macro_f1(const Confusion& confusion) { return scores(confusion).macro_f1; }

// The pooled macro-F1 of infinitely many subjects and seeds: that of the expected confusion matrix.
inline double true_macro_f1(const Clips& model) {
  const double sd = std::sqrt(model.subject_sd * model.subject_sd +
                              model.subject_condition_sd * model.subject_condition_sd +
                              model.clip_sd * model.clip_sd + model.seed_sd * model.seed_sd +
                              model.seed_subject_sd * model.seed_subject_sd);
  Confusion expected(static_cast<std::int64_t>(Clips::kClasses));
  for (std::size_t k = 0; k < Clips::kClasses; ++k) {
    double right = 0, weight = 0;
    for (int i = -400; i <= 400; ++i) {
      const double z = i / 50.0, density = std::exp(-z * z / 2);
      right += density * right_chance(model.ease[k] + sd * z);
      weight += density;
    }
    const double rows = 1e9 * static_cast<double>(model.rows[k]);
    expected.add(static_cast<std::int64_t>(k), static_cast<std::int64_t>(k),
                 std::llround(rows * right / weight));
    double left = 1 - right / weight;
    for (std::size_t step = 1; step < Clips::kClasses; ++step) {
      const double part = step + 1 < Clips::kClasses ? left / 2 : left;
      expected.add(static_cast<std::int64_t>(k),
                   static_cast<std::int64_t>((k + step) % Clips::kClasses),
                   std::llround(rows * part));
      left -= part;
    }
  }
  return macro_f1(expected);
}

inline std::vector<double> own_effects(const Clips& model, Draws& draws) {
  std::vector<double> own(model.subjects);
  for (double& effect : own) effect = draws.normal(model.subject_condition_sd);
  return own;
}

struct PooledCoverage {
  Rate rerun, new_subject;
};
// The re-run interval's truth, the mean over all seeds there could be, is that of `seeds` further
// ones.
inline PooledCoverage pooled_coverage(const Clips& model, std::int64_t sweeps,
                                      std::size_t further_seeds) {
  const double truth = true_macro_f1(model);
  PooledCoverage result;
  for (std::int64_t i = 0; i < sweeps; ++i) {
    Draws draws(static_cast<std::uint64_t>(i));
    const Population people = population(model, draws);
    const auto own = own_effects(model, draws);
    const auto cells = predictions(model, people, own, model.seeds, draws);
    const ScoreTable scores = pseudo_values(table_of(model, cells), macro_f1);
    result.new_subject.add(covers(new_subject_interval(scores), truth));
    if (further_seeds == 0) continue;
    const auto further = predictions(model, people, own, further_seeds, draws);
    const double mean = spread_of(pooled_scores(table_of(model, further), macro_f1)).mean;
    result.rerun.add(covers(rerun_interval(scores), mean));
  }
  return result;
}

// Two conditions that are equally good: how often does each test say at .05 that they are not?
struct FalseFindings {
  Rate crossed;    // the default comparison of a report
  Rate paired;     // t over subjects, as if the seeds were all there are
  Rate corrected;  // Nadeau and Bengio
  Rate cells;      // t over all (seed, subject), as if they were independent
};
inline FalseFindings false_findings(const Clips& model, std::int64_t sweeps) {
  FalseFindings result;
  for (std::int64_t i = 0; i < sweeps; ++i) {
    Draws draws(static_cast<std::uint64_t>(i));
    const Population people = population(model, draws);
    std::vector<ScoreTable> scores;
    for (int condition = 0; condition < 2; ++condition) {
      const auto own = own_effects(model, draws);
      const auto cells = predictions(model, people, own, model.seeds, draws);
      scores.push_back(pseudo_values(table_of(model, cells), macro_f1));
    }
    CompareOptions options;
    options.bootstrap.replicates = 1;  // not looked at here
    const Comparison own = compare(scores[0], scores[1], options);
    result.crossed.add(own.crossed.p < 0.05);
    result.paired.add(own.paired.p < 0.05);
    result.corrected.add(own.corrected.p < 0.05);
    result.cells.add(paired_t(difference(scores[0], scores[1]).values()).p < 0.05);
  }
  return result;
}

}  // namespace emosweep::results::simulation
