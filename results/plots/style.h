// How drawings look. Private to results/.
#pragma once

#include <cstddef>
#include <string_view>

namespace emosweep::results {

// CSS variables for light and dark, on :root.
std::string_view plot_colours();
// What the classes mean that drawings name.
std::string_view plot_rules();

// Lines of a kind that can be told apart: class "c0" to "c5".
inline constexpr std::size_t kLineColours = 6;

}  // namespace emosweep::results
