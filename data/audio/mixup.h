// Mixup (Zhang et al. 2018). Every draw is a function of (key, epoch, position in the epoch's
// global order): the same for any number of ranks and loader threads.
#pragma once

#include <cstdint>

#include "base/philox.h"

namespace emosweep::data {

// The sample at a position becomes share * itself + (1 - share) * the sample at `partner`, each
// after its own augmentation, and so do their targets.
struct Mix {
  std::int64_t partner = 0;  // a position of the same global batch
  double share = 1;          // 0.5 to 1: max(B, 1 - B) of B ~ Beta(alpha, alpha)
};

// The batch is [begin, end) of the epoch's order and holds `position`. alpha 0: nothing is mixed.
Mix draw_mix(const StreamKey& key, std::int64_t epoch, std::int64_t position, double alpha,
             std::int64_t begin, std::int64_t end);

}  // namespace emosweep::data
