// Which epoch's weights are kept.
#pragma once

#include <cstdint>
#include <string>

#include "results/record.h"

namespace emosweep::trainer {

class Archive;

// metric: loss, mae (lower is better), accuracy | macro_f1 | micro_f1 | weighted_f1 | uar | ccc
// (higher is better), of the validation part; the earlier of equals is kept. last: every epoch
// replaces the one before, and nothing stops early.
class Selection {
 public:
  Selection(std::string metric, std::int64_t patience);  // InputError for an unknown metric

  // True where this epoch is the best so far. An epoch whose validation loss is NaN never is
  // (except under last).
  bool offer(std::int64_t epoch, double validation_loss, const results::NamedValues& validation);
  std::int64_t best_epoch() const { return best_epoch_; }  // -1: none yet
  // patience > 0 and so many epochs up to `epoch` without a better one.
  bool exhausted(std::int64_t epoch) const;
  void archive(Archive& a, const std::string& prefix);

 private:
  std::string metric_;
  std::int64_t patience_ = 0, best_epoch_ = -1;
  double best_ = 0;
};

// The value of a metric by its name, or the loss. InputError: the scores have no such metric.
double metric_value(const std::string& metric, double loss, const results::NamedValues& scores);

}  // namespace emosweep::trainer
