// Steps of models with fused kernels: no autograd, and on one rank no allocation.
#pragma once

#include <memory>

#include "trainer/engine.h"

namespace emosweep::trainer {

// pack.model.fused() and pack.objective.rows() exist.
std::unique_ptr<Engine> make_fused_engine(Pack& pack, Collective& team);

}  // namespace emosweep::trainer
