#include "trainer/selection.h"

#include <cmath>

#include "base/error.h"
#include "trainer/archive.h"

namespace emosweep::trainer {

Selection::Selection(std::string metric, std::int64_t patience)
    : metric_(std::move(metric)), patience_(patience) {
  for (const char* known :
       {"loss", "accuracy", "macro_f1", "micro_f1", "weighted_f1", "uar", "ccc", "mae", "last"}) {
    if (metric_ == known) return;
  }
  throw InputError("selection_metric: " + metric_ +
                   " is unknown (loss, accuracy, macro_f1, micro_f1, weighted_f1, uar, ccc, mae, "
                   "last)");
}

bool Selection::offer(std::int64_t epoch, double validation_loss,
                      const results::NamedValues& validation) {
  if (metric_ != "last") {
    if (std::isnan(validation_loss)) return false;
    double value = metric_value(metric_, validation_loss, validation);
    if (metric_ == "loss" || metric_ == "mae") value = -value;
    if (std::isnan(value) || (best_epoch_ >= 0 && !(value > best_))) return false;
    best_ = value;
  }
  best_epoch_ = epoch;
  return true;
}

bool Selection::exhausted(std::int64_t epoch) const {
  return patience_ > 0 && metric_ != "last" && epoch - best_epoch_ >= patience_;
}

void Selection::archive(Archive& a, const std::string& prefix) {
  a.number(prefix + "best_epoch", best_epoch_);
  a.number(prefix + "best", best_);
}

double metric_value(const std::string& metric, double loss, const results::NamedValues& scores) {
  if (metric == "loss") return loss;
  for (const auto& [name, value] : scores) {
    if (name == metric) return value;
  }
  throw InputError("metric: this target has no " + metric);
}

}  // namespace emosweep::trainer
