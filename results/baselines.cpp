// What constant and random predictions score on the same test rows.
#include <algorithm>

#include "results/statistics_parts.h"

namespace emosweep::results {
namespace {

// Counts by class of each block that need not be whole: what drawing classes is expected to give.
struct ExpectedCounts {
  TargetKind kind = TargetKind::single;
  std::size_t blocks = 0, classes = 0;
  std::vector<double> truth, predicted, hit;  // [blocks, C]

  explicit ExpectedCounts(const TargetSpec& spec)
      : kind(spec.kind),
        blocks(static_cast<std::size_t>(target_blocks(spec))),
        classes(static_cast<std::size_t>(block_classes(spec))),
        truth(blocks * classes),
        predicted(blocks * classes),
        hit(blocks * classes) {}
  ExpectedCounts& operator+=(const ExpectedCounts& other) {
    for (std::size_t i = 0; i < truth.size(); ++i) {
      truth[i] += other.truth[i];
      predicted[i] += other.predicted[i];
      hit[i] += other.hit[i];
    }
    return *this;
  }
};

double ratio_or_zero(double numerator, double denominator) {
  return denominator > 0 ? numerator / denominator : 0;
}

struct BlockSums {
  double rows = 0, right = 0, f1 = 0, weighted_f1 = 0, recall = 0, occurring = 0;
};

BlockSums block_sums(const ExpectedCounts& counts, std::size_t block) {
  BlockSums s;
  for (std::size_t k = block * counts.classes; k < (block + 1) * counts.classes; ++k) {
    const double f1 = ratio_or_zero(2 * counts.hit[k], counts.truth[k] + counts.predicted[k]);
    s.rows += counts.truth[k];
    s.right += counts.hit[k];
    s.f1 += f1;
    s.weighted_f1 += f1 * counts.truth[k];
    s.recall += ratio_or_zero(counts.hit[k], counts.truth[k]);
    s.occurring += counts.truth[k] > 0;
  }
  return s;
}

// As kind_scores, of labels and aspects.
KindScores scores_of(const ExpectedCounts& counts) {
  KindScores s{0, 0, 0, 0, 0};
  double rows = 0, right = 0, aspects = 0, hit = 0, truth = 0, predicted = 0;
  for (std::size_t b = 0; b < counts.blocks; ++b) {
    const BlockSums own = block_sums(counts, b);
    if (own.rows == 0) continue;
    rows += own.rows;
    right += own.right;
    aspects += 1;
    if (counts.kind == TargetKind::aspects) {
      s.macro_f1 += own.f1 / static_cast<double>(counts.classes);
      s.weighted_f1 += own.weighted_f1 / own.rows;
      s.uar += own.recall / own.occurring;
      continue;
    }
    const std::size_t present = b * counts.classes + 1;
    const double f1 =
        ratio_or_zero(2 * counts.hit[present], counts.truth[present] + counts.predicted[present]);
    s.macro_f1 += f1;
    s.weighted_f1 += f1 * counts.truth[present];
    hit += counts.hit[present];
    truth += counts.truth[present];
    predicted += counts.predicted[present];
  }
  if (rows == 0) return {kUndefined, kUndefined, kUndefined, kUndefined, kUndefined};
  s.accuracy = right / rows;
  s.macro_f1 /= aspects;
  if (counts.kind == TargetKind::aspects) {
    s.weighted_f1 /= aspects;
    s.uar /= aspects;
    s.micro_f1 = s.accuracy;
    return s;
  }
  s.weighted_f1 = ratio_or_zero(s.weighted_f1, truth);
  s.micro_f1 = ratio_or_zero(2 * hit, truth + predicted);
  s.uar = kUndefined;
  return s;
}

double value_called(const KindScores& scores, const std::string& metric) {
  if (metric == "macro_f1") return scores.macro_f1;
  if (metric == "micro_f1") return scores.micro_f1;
  if (metric == "weighted_f1") return scores.weighted_f1;
  return metric == "uar" ? scores.uar : scores.accuracy;
}

// Test rows of each class of a block.
std::vector<std::int64_t> support_of(const Confusion& confusion, std::int64_t block) {
  std::vector<std::int64_t> support(static_cast<std::size_t>(confusion.classes));
  const auto c = support.size();
  const std::size_t from = static_cast<std::size_t>(block) * c * c;
  for (std::size_t i = 0; i < c * c; ++i) support[i / c] += confusion.counts[from + i];
  return support;
}

// Classes are drawn by their shares of the training rows.
ExpectedCounts chance_counts(const Row& row, const TargetSpec& spec) {
  ExpectedCounts expected(spec);
  for (std::size_t b = 0; b < expected.blocks; ++b) {
    const auto support = support_of(row.confusion, static_cast<std::int64_t>(b));
    double trained = 0, tested = 0;
    for (std::size_t k = 0; k < expected.classes; ++k) {
      trained += static_cast<double>(row.train_counts[b * expected.classes + k]);
      tested += static_cast<double>(support[k]);
    }
    for (std::size_t k = 0; k < expected.classes; ++k) {
      const std::size_t at = b * expected.classes + k;
      const double share = ratio_or_zero(static_cast<double>(row.train_counts[at]), trained);
      expected.truth[at] = static_cast<double>(support[k]);
      expected.predicted[at] = share * tested;
      expected.hit[at] = share * static_cast<double>(support[k]);
    }
  }
  return expected;
}

// Every row is predicted as the class that `of` names for each block; -1: nothing is counted.
template <class Of>
Confusion constant_confusion(const Row& row, const Of& of) {
  Confusion result = row.confusion;
  std::fill(result.counts.begin(), result.counts.end(), 0);
  for (std::int64_t b = 0; b < result.blocks; ++b) {
    const std::int64_t predicted = of(b);
    if (predicted < 0) continue;
    const auto support = support_of(row.confusion, b);
    for (std::int64_t t = 0; t < result.classes; ++t) {
      result.add_to(b, t, predicted, support[static_cast<std::size_t>(t)]);
    }
  }
  return result;
}

BaselineStatistics named(const std::string& name, const std::vector<Confusion>& pooled,
                         TargetKind kind) {
  BaselineStatistics result{name, {}};
  for (const ReportMetric& metric : report_metrics(kind)) {
    // The recall of a constant prediction is chance's, 1 / C, whatever it is.
    if (kind == TargetKind::single && std::string(metric.name) == "uar") continue;
    result.metrics.emplace_back(metric.name, pooled_statistics(pooled, metric.value));
  }
  return result;
}

BaselineStatistics chance_statistics(const Grid& grid, const ExperimentStatistics& axes) {
  const auto pooled =
      pooled_by_seed(grid, axes.seeds.size(), ExpectedCounts(axes.target),
                     [&](const Row& row) { return chance_counts(row, axes.target); });
  BaselineStatistics chance{"chance", {}};
  for (const ReportMetric& metric : report_metrics(axes.target.kind)) {
    chance.metrics.emplace_back(metric.name,
                                pooled_statistics(pooled, [&](const ExpectedCounts& counts) {
                                  return value_called(scores_of(counts), metric.name);
                                }));
  }
  return chance;
}

}  // namespace

Confusion majority_confusion(const Row& row) {
  const auto c = static_cast<std::ptrdiff_t>(row.confusion.classes);
  return constant_confusion(row, [&](std::int64_t b) -> std::int64_t {
    const auto first = row.train_counts.begin() + b * c;
    if (c == 0 || std::ssize(row.train_counts) < (b + 1) * c) return -1;
    if (row.confusion.kind == TargetKind::multi) {
      return first[0] + first[1] == 0 ? -1 : first[1] >= first[0];
    }
    const auto most = std::max_element(first, first + c);
    return *most == 0 ? -1 : most - first;
  });
}

std::vector<BaselineStatistics> baseline_statistics(const Grid& grid,
                                                    const ExperimentStatistics& axes) {
  const TargetKind kind = axes.target.kind;
  const std::size_t seeds = axes.seeds.size();
  const Confusion nothing(axes.target);
  if (kind == TargetKind::regression) {
    // Some records may be older than these means.
    const auto known = [](const Row& row) { return row.done() && !row.constant.sums.empty(); };
    const auto pooled = pooled_by_seed(
        grid, seeds, nothing, [](const Row& row) { return row.constant; }, known);
    return {named("train_mean", pooled, kind)};
  }
  std::vector<BaselineStatistics> result;
  result.push_back(
      named("majority", pooled_by_seed(grid, seeds, nothing, majority_confusion), kind));
  if (kind == TargetKind::single) return result;  // its chance is 1 / C
  if (kind == TargetKind::multi) {
    const auto present = [](const Row& row) {
      return constant_confusion(row, [](std::int64_t) { return 1; });
    };
    result.push_back(named("present", pooled_by_seed(grid, seeds, nothing, present), kind));
  }
  result.push_back(chance_statistics(grid, axes));
  return result;
}

}  // namespace emosweep::results
