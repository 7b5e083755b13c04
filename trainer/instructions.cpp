#include "trainer/instructions.h"

#include <ATen/Version.h>

#include <algorithm>
#include <cctype>

#include "models/small_product.h"

namespace emosweep::trainer {

std::string instructions_of(const models::ModelOptions& model) {
  if (!model.device.is_cpu()) return "cuda";
  std::string level = at::get_cpu_capability();
  std::transform(level.begin(), level.end(), level.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return model.model == "linear" ? level : level + "+products:" + models::product_instructions();
}

}  // namespace emosweep::trainer
