// Is it text? For files of users.
#pragma once

#include <cstddef>
#include <string_view>

namespace emosweep {

// The offset of the first byte that is not strict UTF-8 (or is NUL), or npos.
std::size_t first_bad_byte(std::string_view text);

}  // namespace emosweep
