// Which instruction sets compute a model in this process.
#pragma once

#include <string>

#include "models/model.h"

namespace emosweep::trainer {

// As records say it, but on a GPU: "cuda", to which the launcher adds its name. Else ATen's level,
// "avx512", and of networks, whose kernels of both kinds multiply small matrices, also that of
// their products (models/small_product.h), "avx512+products:skx". Results of one id and equal text
// have the same bits.
std::string instructions_of(const models::ModelOptions& model);

}  // namespace emosweep::trainer
