// Readings of single cells. Internal to data/; no locale is asked.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace emosweep::data {

enum class CellKind { number, missing, infinite, too_large, text };

// Spaces around it do not count. `value` is set for a number, else NaN. "1.5", "-2e-3", "+1";
// neither hex nor "1,5".
CellKind read_number(std::string_view cell, double& value);
bool is_missing(std::string_view cell);  // empty, NA, or nan in any case

// train | validation | test, for the words that people use (val, valid, dev); "" for any other.
std::string split_of(std::string_view cell);

// Numbers inside texts compare by value: "actor 9" before "actor 10"; ties by bytes. A strict weak
// order.
bool natural_less(std::string_view a, std::string_view b);

}  // namespace emosweep::data
