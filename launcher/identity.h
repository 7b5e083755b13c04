// A trial's id: SHA-256 of sorted `key=value` lines of all that affects its result, and of nothing
// else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/hash.h"
#include "launcher/key_table.h"

namespace emosweep::launcher {

// The lines of a condition, without seed and fold: the keys that its trials read and that differ
// from their defaults, the digest of its data, and a result version per component that computes.
// `values` are resolved; files: of the keys that name files, where they are read.
std::string condition_canonical(const Values& values, const Digest& dataset,
                                const std::map<std::string, Digest>& files = {});

// Lines of one fold: its hash, and its name where random numbers are drawn from (seed, fold name).
std::string fold_lines(const Digest& hash, const std::string& name, bool reads_seed);

// The text of one trial. Slow and plain; TrialIds gives the hash of the same text.
std::string trial_canonical(const std::string& condition, const std::string& fold, bool reads_seed,
                            std::uint64_t seed);

// Ids of one condition's trials, fast: the sorted text is cut once where the fold's and the seed's
// lines stand. Not thread-safe.
class TrialIds {
 public:
  TrialIds(const std::string& condition, bool reads_seed);
  Digest id(const std::string& fold, std::uint64_t seed);

 private:
  std::string before_, between_, after_, text_;
  bool reads_seed_;
};

}  // namespace emosweep::launcher
