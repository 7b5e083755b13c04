#include "results/tested_folds.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace emosweep::results {
namespace {

constexpr std::size_t kNamed = 4;  // subjects of a fold

using Folds = std::vector<const TestedFold*>;

Folds of_seed(const std::vector<TestedFold>& all, std::uint64_t seed) {
  Folds folds;
  for (const TestedFold& fold : all) {
    if (fold.seed == seed) folds.push_back(&fold);
  }
  return folds;
}

std::string subjects_text(const TestedFold& fold) {
  if (fold.subjects.empty()) return "no subjects";
  std::string text;
  for (std::size_t i = 0; i < std::min(fold.subjects.size(), kNamed); ++i) {
    text += (i ? ", " : "") + fold.subjects[i];
  }
  if (fold.subjects.size() > kNamed) {
    text += " and " + std::to_string(fold.subjects.size() - kNamed) + " more";
  }
  return text;
}

bool same_partition(Folds a, Folds b) {
  if (a.size() != b.size()) return false;
  const auto by_part = [](const TestedFold* x, const TestedFold* y) {
    return std::tie(x->subjects, x->samples, x->rows, x->support) <
           std::tie(y->subjects, y->samples, y->rows, y->support);
  };
  std::sort(a.begin(), a.end(), by_part);
  std::sort(b.begin(), b.end(), by_part);
  return std::equal(a.begin(), a.end(), b.begin(),
                    [](const auto* x, const auto* y) { return x->same_part(*y); });
}

std::string part_difference(const TestedFold& a, const std::string& name_a, const TestedFold& b,
                            const std::string& name_b) {
  const std::string start = "fold '" + a.fold + "' tests ";
  if (a.subjects != b.subjects) {
    return start + subjects_text(a) + " in " + name_a + " and " + subjects_text(b) + " in " +
           name_b;
  }
  if (a.rows != b.rows) {
    return start + std::to_string(a.rows) + " rows in " + name_a + " and " +
           std::to_string(b.rows) + " in " + name_b;
  }
  if (a.same_rows(b)) {
    const auto known = [](const TestedFold& fold) {
      return std::accumulate(fold.support.begin(), fold.support.end(), std::int64_t{0});
    };
    const std::string fold = kOtherLabels + ("fold '" + a.fold + "' has ");
    if (known(a) == known(b)) return fold + "others in " + name_a + " than in " + name_b;
    return fold + std::to_string(known(a)) + " known in " + name_a + " and " +
           std::to_string(known(b)) + " in " + name_b;
  }
  return start + "other rows in " + name_a + " than in " + name_b;
}

// The first fold of `a` that `b` lacks by name.
std::string lacking(const Folds& a, const std::string& name_a, const Folds& b,
                    const std::string& name_b) {
  for (const TestedFold* fold : a) {
    const bool there = std::any_of(b.begin(), b.end(),
                                   [&](const auto* other) { return other->fold == fold->fold; });
    if (there) continue;
    std::string text = name_a;
    text.append(" has fold '").append(fold->fold).append("' (it tests ");
    return text.append(subjects_text(*fold)).append("), which ").append(name_b).append(" has not");
  }
  return "";
}

std::string difference_of_seed(const Folds& a, const std::string& name_a, const Folds& b,
                               const std::string& name_b) {
  if (same_partition(a, b)) return "";
  for (const TestedFold* own : a) {
    for (const TestedFold* other : b) {
      if (own->fold == other->fold && !own->same_part(*other)) {
        return part_difference(*own, name_a, *other, name_b);
      }
    }
  }
  const std::string first = lacking(a, name_a, b, name_b);
  return first.empty() ? lacking(b, name_b, a, name_a) : first;
}

}  // namespace

bool TestedFold::same_part(const TestedFold& other) const {
  const bool both_known = !support.empty() && !other.support.empty();
  return same_rows(other) && (!both_known || support == other.support);
}

bool TestedFold::same_rows(const TestedFold& other) const {
  const bool both_kept = samples != Digest{} && other.samples != Digest{};
  return subjects == other.subjects && rows == other.rows &&
         (!both_kept || samples == other.samples);
}

TestedFold tested_fold(const Row& row) {
  TestedFold tested{row.cell.seed, row.cell.fold, {}, row.test_rows, row.samples, {}};
  for (const RegressionSums& sums : row.confusion.sums) tested.support.push_back(sums.n);
  const auto classes = row.confusion.classes;
  for (auto at = row.confusion.counts.begin(); at != row.confusion.counts.end(); at += classes)
    tested.support.push_back(std::accumulate(at, at + classes, std::int64_t{0}));
  if (!row.cell.group.empty()) tested.subjects.push_back(row.cell.group);
  if (row.cell.group.empty()) {
    for (const auto& [subject, confusion] : row.subjects) tested.subjects.push_back(subject);
  }
  return tested;
}

std::string difference_of(const std::vector<TestedFold>& a, const std::string& name_a,
                          const std::vector<TestedFold>& b, const std::string& name_b,
                          const std::vector<std::uint64_t>& seeds) {
  for (const std::uint64_t seed : seeds) {
    std::string found = difference_of_seed(of_seed(a, seed), name_a, of_seed(b, seed), name_b);
    if (!found.empty()) return found;
  }
  return "";
}

}  // namespace emosweep::results
