// Which subjects and rows were tested in which fold, and where two experiments differ in it: a
// comparison is paired only if they do not. Private to results/.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/hash.h"
#include "results/table.h"

namespace emosweep::results {

struct TestedFold {
  std::uint64_t seed = 0;
  std::string fold;
  std::vector<std::string> subjects;  // in natural order
  std::int64_t rows = 0;
  Digest samples;  // Row::samples
  // How often each class of each block is the truth (known labels only), [blocks, C]; of values how
  // many there are, [outputs]; empty of scores that another program made.
  std::vector<std::int64_t> support = {};

  // The same test part with the same labels, whatever the fold is called. Where one side did not
  // keep its predictions, subjects and the numbers of rows and labels decide.
  bool same_part(const TestedFold& other) const;
  bool same_rows(const TestedFold& other) const;  // their labels aside
};

TestedFold tested_fold(const Row& row);

// What the words of a difference begin with where the rows are the same and their labels are not,
// as with two readings of an empty cell.
inline constexpr char kOtherLabels[] = "scored on other labels: ";

// Where two lists differ on the given seeds, in words that name the two as a and b; "" where every
// part of the one is a part of the other. Lists by seed, then fold (natural_less). Folds may have
// other names in the two.
std::string difference_of(const std::vector<TestedFold>& a, const std::string& name_a,
                          const std::vector<TestedFold>& b, const std::string& name_b,
                          const std::vector<std::uint64_t>& seeds);

}  // namespace emosweep::results
