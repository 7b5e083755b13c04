#include "trainer/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.h"

namespace emosweep::trainer {

double learning_rate(const Schedule& schedule, std::int64_t step) {
  const std::int64_t warmup = schedule.warmup_steps;
  if (step < warmup) {
    return schedule.lr * (static_cast<double>(step + 1) / static_cast<double>(warmup));
  }
  if (schedule.kind == "constant") return schedule.lr;
  const auto span = static_cast<double>(std::max<std::int64_t>(schedule.total_steps - warmup, 1));
  const double u = std::min(static_cast<double>(step - warmup) / span, 1.0);
  if (schedule.kind == "cosine") return schedule.lr * 0.5 * (1 + std::cos(std::numbers::pi * u));
  if (schedule.kind == "linear") return schedule.lr * (1 - u);
  throw InputError("schedule: " + schedule.kind + " is unknown (constant, cosine, linear)");
}

}  // namespace emosweep::trainer
