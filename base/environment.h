// ${NAME} and ${NAME:-default} in texts that users write.
#pragma once

#include <string>

#include "base/error.h"

namespace emosweep {

// `text` with the environment's values. A variable that is empty counts as not set; defaults may
// hold variables. Mistakes, at `place`: a variable that is not set and has no default, another form
// of ${}, a text that expands to nothing ("" is returned).
std::string expand_environment(const std::string& text, const Place& place, Mistakes& mistakes);

}  // namespace emosweep
