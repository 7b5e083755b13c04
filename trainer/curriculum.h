// Which of its training rows a trial sees in an epoch: the easier ones first, more every epoch,
// until all take part (Bengio et al., 2009, Curriculum Learning; pacing functions after Hacohen and
// Weinshall, 2019).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/philox.h"

namespace emosweep::trainer {

struct CurriculumOptions {
  // none: all rows in every epoch. difficulty, inverse: easiest or hardest rows first. random: in
  // an order that the trial draws once. class_balance: classes take turns, within each as random.
  std::string order = "none";
  std::string pacing = "linear";  // linear | sqrt | log, see pace()
  std::int64_t epochs = 0;        // the epoch in which all rows take part for the first time
  double post_dropout = 0.6;      // dropout rate of the epochs behind that one
};

// Share of the rows in epoch `epoch` (from 0) of a curriculum over T >= 1 epochs, with e = epoch:
// linear (e + 1) / T, sqrt the root of that, log ln(e + 2) / ln(T + 1); 1 from e = T - 1 on.
double pace(const std::string& pacing, std::int64_t epoch, std::int64_t T);

// Immutable, thread-safe.
class Curriculum {
 public:
  Curriculum() = default;
  // difficulty: of all rows of the dataset, larger is harder; needed by difficulty and inverse
  // (rows of one difficulty keep the order in which they are given). label: of all rows. At least
  // `least` rows, a batch, take part where there are as many.
  Curriculum(const CurriculumOptions& options, std::span<const std::int32_t> rows,
             std::span<const double> difficulty, std::span<const std::int32_t> label,
             std::int64_t least, const StreamKey& key);
  // The rows of an epoch.
  std::span<const std::int32_t> rows(std::int64_t epoch) const;
  // Whether epochs from this one on have all rows, and those behind it the other dropout rate.
  bool complete(std::int64_t epoch) const { return epoch + 1 >= options_.epochs; }
  bool paced() const { return options_.order != "none"; }
  // The dropout rate of an epoch, `before` until the curriculum is complete.
  double dropout(std::int64_t epoch, double before) const;

 private:
  CurriculumOptions options_;
  std::int64_t least_ = 1;
  std::vector<std::int32_t> rows_;  // in the order in which they come in
};

// Rows of an epoch for so many training rows, without making a curriculum: what plans and packs
// need.
std::int64_t curriculum_rows(const CurriculumOptions& options, std::int64_t rows,
                             std::int64_t least, std::int64_t epoch);

}  // namespace emosweep::trainer
