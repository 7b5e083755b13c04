// Text that is the same for the same value on every machine: what trial ids are hashes of.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace emosweep {

// The shortest text that reads back as the same double: 2, 0.1, 0.0001, 100000; from 1e+16 on and
// below 1e-4 with an exponent of at least two digits (1e-05); "-0"; "nan", "inf", "-inf".
std::string number_text(double value);
std::string number_text(std::int64_t value);

// Lines "key=value\n" sorted by key. Backslash, newline and '=' in keys or values are escaped, so
// that different maps never give the same text.
std::string canonical_text(const std::map<std::string, std::string>& values);
std::map<std::string, std::string> parse_canonical(const std::string& text);  // the inverse

}  // namespace emosweep
