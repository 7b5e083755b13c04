#include "data/audio/mixup.h"

#include <cmath>

#include "base/error.h"
#include "data/audio/keyed_numbers.h"

namespace emosweep::data {

Mix draw_mix(const StreamKey& key, std::int64_t epoch, std::int64_t position, double alpha,
             std::int64_t begin, std::int64_t end) {
  EMO_CHECK(begin <= position && position < end, "a sample is part of its batch");
  if (alpha <= 0) return {position, 1};
  KeyedNumbers numbers(derive(key, "mixup"), epoch, position);
  const std::int64_t partner = numbers.whole(begin, end - 1);
  // A / (A + B) of two gamma numbers is the beta one.
  const double a = numbers.log_gamma_number(alpha), b = numbers.log_gamma_number(alpha);
  return {partner, 1 / (1 + std::exp(-std::fabs(a - b)))};
}

}  // namespace emosweep::data
