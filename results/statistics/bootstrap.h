// Resampling of a crossed table of seeds and subjects. Random numbers are functions of (seed, name,
// replicate, place), so the replicates are the same for any number of threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "results/statistics/descriptive.h"
#include "results/statistics/score_table.h"

namespace emosweep::results {

enum class Resampling {
  stratified,  // for each subject S seeds are drawn: other seeds, the same subjects
  two_way,     // S seeds and G subjects are drawn and their crossed table is taken: both are other
};

struct BootstrapOptions {
  Resampling resampling = Resampling::two_way;
  std::int64_t replicates = 2000;
  std::uint64_t seed = 0;  // of the report, never of a trial
  int threads = 1;         // affects speed only
};

// A resampled table: where each of its S x G cells, row-major, stands in the original.
using Resampled = std::span<const std::uint32_t>;
using Statistic = std::function<double(Resampled)>;  // called from `threads` threads at once

// Shows every resampled table to `visit` once, in no order; called from `threads` threads at once.
using VisitReplicate = std::function<void(std::size_t replicate, Resampled)>;
void for_each_replicate(std::size_t seeds, std::size_t subjects, std::string_view name,
                        const BootstrapOptions& options, const VisitReplicate& visit);
// The statistic of every replicate, in their order. `name` keys the random numbers: statistics of
// one name and seed see the same resampled tables. Empty for an empty table.
std::vector<double> bootstrap(std::size_t seeds, std::size_t subjects, std::string_view name,
                              const BootstrapOptions& options, const Statistic& statistic);
// Of the table's mean.
std::vector<double> bootstrap_means(const ScoreTable& scores, std::string_view name,
                                    const BootstrapOptions& options);

struct Interval {
  double lower = kUndefined, upper = kUndefined;
};
// Between the (1 - level) / 2 quantiles at both ends. NaN replicates are left out. From fewer than
// 20 seeds or subjects it runs narrow (0.83 instead of 0.95 with 5 seeds): say so where it is
// printed.
Interval percentile_interval(std::span<const double> replicates, double level);

}  // namespace emosweep::results
