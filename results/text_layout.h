// Numbers and tables as plain text. Private to results/.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "results/statistics/descriptive.h"

namespace emosweep::results {

std::string score(double value, int digits = 4);              // "-" for NaN
std::string score(const Spread& spread);                      // "0.7100 +- 0.0120", "0.7100" of one
std::string counted(std::size_t n, const std::string& what);  // "1 seed", "2 seeds"
std::string with_sign(double value, int digits = 4);
inline constexpr double kSmallP = 0.0001;  // smaller ones are not told apart
std::string p_text(double p);
std::string percent(double share);                                  // "88 %"; "-" for NaN
std::string bracketed(double lower, double upper, int digits = 4);  // "[0.6100, 0.7300]", "-"
std::string duration(double seconds);                               // "3.2 s", "12 min", "4.5 h"
std::string left(const std::string& text, std::size_t width);

// Words in lines of at most 100 characters where no word is longer, each begun with the indent.
std::string wrapped(const std::string& text, const std::string& indent = "");

// Rows of cells as an aligned table: the first column to the left, the others to the right.
std::string aligned(const std::vector<std::vector<std::string>>& rows, const std::string& indent);

}  // namespace emosweep::results
