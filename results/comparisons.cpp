#include "results/comparisons.h"

#include <algorithm>

namespace emosweep::results {
namespace {

constexpr std::size_t kMostForAllPairs = 100;  // 4,950 pairs, a few seconds

ScoreTable of_seeds(const SubjectScores& own, const std::vector<std::uint64_t>& seeds) {
  std::vector<double> values;
  for (std::size_t s = 0; s < own.seeds.size(); ++s) {
    if (!std::binary_search(seeds.begin(), seeds.end(), own.seeds[s])) continue;
    for (std::size_t g = 0; g < own.subjects.size(); ++g) values.push_back(own.scores.at(s, g));
  }
  return {seeds.size(), own.subjects.size(), std::move(values)};
}

std::vector<std::uint64_t> common_seeds(const Contender& a, const Contender& b) {
  std::vector<std::uint64_t> seeds;
  std::set_intersection(a.scores->seeds.begin(), a.scores->seeds.end(), b.scores->seeds.begin(),
                        b.scores->seeds.end(), std::back_inserter(seeds));
  return seeds;
}

// Paired scores are of the same test rows under the same folds.
std::string split_difference(const Contender& a, const Contender& b) {
  return difference_of(a.scores->tested, a.name, b.scores->tested, b.name, common_seeds(a, b));
}

std::string why_not(const Contender& a, const Contender& b) {
  if (a.target.kind != b.target.kind) {
    return std::string("they predict targets of different kinds, ") +
           target_kind_name(a.target.kind) + " and " + target_kind_name(b.target.kind);
  }
  for (const Contender* one : {&a, &b}) {
    if (!one->scores->absent_because.empty()) {
      return one->name + ": " + one->scores->absent_because;
    }
  }
  if (a.metric != b.metric) return "they are of other metrics";
  if (a.target.classes != b.target.classes) return "their classes differ";
  if (a.target.outputs != b.target.outputs) return "what they predict differs";
  if (a.samples != b.samples) {
    const std::string where = split_difference(a, b);
    return "they were tested on other samples" + (where.empty() ? "" : ": " + where);
  }
  const std::string where = split_difference(a, b);
  if (where.starts_with(kOtherLabels)) return "they were " + where;
  if (!where.empty()) return "other splits: " + where;
  return a.scores->subjects == b.scores->subjects ? "" : "they were tested on other subjects";
}

PairComparison pair_of(const Contender& a, const Contender& b) {
  PairComparison pair;
  pair.a = a.name;
  pair.b = b.name;
  pair.metric = a.metric;
  pair.kind = a.target.kind;
  pair.absent_because = why_not(a, b);
  if (!pair.absent_because.empty()) return pair;
  const auto seeds = common_seeds(a, b);
  if (seeds.empty()) {
    pair.absent_because = "no seed is complete in both";
    return pair;
  }
  const ScoreTable own = of_seeds(*a.scores, seeds), other = of_seeds(*b.scores, seeds);
  pair.mean_a = own.mean();
  pair.mean_b = other.mean();
  pair.result = compare(own, other, {});
  return pair;
}

void adjust(std::vector<PairComparison>& pairs) {
  std::vector<double> p;
  p.reserve(pairs.size());
  for (const auto& pair : pairs) p.push_back(pair.result.crossed.p);
  const auto adjusted = holm(p);
  for (std::size_t i = 0; i < pairs.size(); ++i) pairs[i].p_holm = adjusted[i];
}

RankTest ranks_of(const std::vector<Contender>& contenders) {
  const std::size_t k = contenders.size();
  if (k < 2) return {};
  const auto& subjects = contenders[0].scores->subjects;
  std::vector<double> scores(subjects.size() * k);
  for (std::size_t j = 0; j < k; ++j) {
    if (!why_not(contenders[0], contenders[j]).empty()) return {};
    const auto means = contenders[j].scores->scores.subject_means();
    for (std::size_t g = 0; g < means.size(); ++g) scores[g * k + j] = means[g];
  }
  return rank_test(scores, k);
}

}  // namespace

std::string conclusion_of(const PairComparison& pair) {
  if (!pair.absent_because.empty()) return "";
  if (pair.p_holm < 0.05) return pair.result.difference.mean > 0 ? "better" : "worse";
  return pair.result.posterior.within >= 0.95 ? "equal" : "undecided";
}

ComparisonFamily compare_with(const std::vector<Contender>& contenders, std::size_t reference) {
  ComparisonFamily family;
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    if (i != reference) family.pairs.push_back(pair_of(contenders[i], contenders[reference]));
  }
  adjust(family.pairs);
  family.ranks = ranks_of(contenders);
  return family;
}

ComparisonFamily compare_all(const std::vector<Contender>& contenders) {
  ComparisonFamily family;
  if (contenders.size() > kMostForAllPairs) {
    family.absent_because = "more than " + std::to_string(kMostForAllPairs) + " to compare";
    return family;
  }
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    for (std::size_t j = i + 1; j < contenders.size(); ++j) {
      family.pairs.push_back(pair_of(contenders[i], contenders[j]));
    }
  }
  adjust(family.pairs);
  family.ranks = ranks_of(contenders);
  return family;
}

}  // namespace emosweep::results
