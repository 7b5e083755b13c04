// What a run tells its user about the small products of networks, which are computed by code that
// libxsmm makes for the processor of each rank.
#pragma once

#include <string>
#include <vector>

#include "distributed/world.h"
#include "launcher/plan.h"
#include "launcher/run_setup.h"

namespace emosweep::launcher {

struct RankProducts {
  std::string host, instructions, why_plain;  // as models/small_product.h says
};
// By rank. What must be said: ranks without such code, ranks with different code; "" where all have
// the same.
std::string products_warning(const std::vector<RankProducts>& ranks);

// Collective. Rank 0 warns, once a run, where a network is to be trained.
void warn_of_products(const distributed::World& world, const Plan& plan, const Setup& setup,
                      double patience);

}  // namespace emosweep::launcher
