// Damaged inputs for parsers: a few random changes to a good one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/philox.h"

namespace emosweep::test {

// How many a test tries: EMOSWEEP_FUZZ_RUNS, else 3000.
inline std::int64_t fuzz_runs() {
  const char* wish = std::getenv("EMOSWEEP_FUZZ_RUNS");
  return wish != nullptr ? std::atoll(wish) : 3000;
}

// Number `run`: one to four of bytes that are other ones, left out, put in, doubled, cut off, or
// become digits, signs and brackets that parsers know.
inline std::string mutated(std::string text, std::uint64_t run) {
  const StreamKey key = derive(trial_key(1, "fuzz"), "mutated");
  std::uint64_t drawn = 0;
  const auto draw = [&](std::uint64_t n) { return uniform_index(key, run, drawn++, n); };
  for (std::uint64_t change = 1 + draw(4); change-- > 0 && !text.empty();) {
    const std::size_t at = draw(text.size());
    const std::size_t length = 1 + draw(std::min<std::uint64_t>(text.size() - at, 16));
    constexpr char kKnown[] = "0123456789-+.eE\"[]{},:\\u\0\x7f\x80\xff";
    switch (draw(6)) {
      case 0:
        text[at] = static_cast<char>(draw(256));
        break;
      case 1:
        text.erase(at, length);
        break;
      case 2:
        text.insert(at, length, static_cast<char>(draw(256)));
        break;
      case 3:
        text.insert(at, text.substr(at, length));
        break;
      case 4:
        text.resize(at);
        break;
      default:
        text[at] = kKnown[draw(sizeof kKnown - 1)];
    }
  }
  return text;
}

}  // namespace emosweep::test
