#include "results/statistics/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <string>
#include <thread>

#include "base/error.h"
#include "base/philox.h"

namespace emosweep::results {
namespace {

class Resampler {
 public:
  Resampler(std::size_t seeds, std::size_t subjects, const StreamKey& key, Resampling resampling)
      : seeds_(seeds), subjects_(subjects), key_(key), resampling_(resampling) {
    cells_.resize(seeds * subjects);
  }

  Resampled draw(std::uint64_t replicate) {
    if (resampling_ == Resampling::stratified) {
      drawn_.resize(cells_.size());
      fill_indices(drawn_, key_, replicate, 0, seeds_);
      for (std::size_t i = 0; i < cells_.size(); ++i) cells_[i] = cell(drawn_[i], i % subjects_);
      return cells_;
    }
    drawn_.resize(seeds_ + subjects_);
    const std::span<std::uint64_t> all(drawn_);
    fill_indices(all.first(seeds_), key_, replicate, 0, seeds_);
    fill_indices(all.subspan(seeds_), key_, replicate, seeds_, subjects_);
    for (std::size_t s = 0; s < seeds_; ++s) {
      for (std::size_t g = 0; g < subjects_; ++g) {
        cells_[s * subjects_ + g] = cell(drawn_[s], drawn_[seeds_ + g]);
      }
    }
    return cells_;
  }

 private:
  std::uint32_t cell(std::size_t seed, std::size_t subject) const {
    return static_cast<std::uint32_t>(seed * subjects_ + subject);
  }

  std::size_t seeds_, subjects_;
  StreamKey key_;
  Resampling resampling_;
  std::vector<std::uint32_t> cells_;
  std::vector<std::uint64_t> drawn_;
};

}  // namespace

void for_each_replicate(std::size_t seeds, std::size_t subjects, std::string_view name,
                        const BootstrapOptions& options, const VisitReplicate& visit) {
  EMO_CHECK(options.replicates > 0 && options.threads > 0,
            "a bootstrap has replicates and threads");
  if (seeds == 0 || subjects == 0) return;
  const StreamKey key = derive(trial_key(options.seed, "bootstrap"), name);
  const auto replicates = static_cast<std::size_t>(options.replicates);
  const auto threads = std::min(static_cast<std::size_t>(options.threads), replicates);
  std::vector<std::exception_ptr> errors(threads);
  const auto work = [&](std::size_t thread) {
    try {
      Resampler resampler(seeds, subjects, key, options.resampling);
      for (std::size_t r = thread; r < replicates; r += threads) visit(r, resampler.draw(r));
    } catch (...) {
      errors[thread] = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> others;
    for (std::size_t t = 1; t < threads; ++t) others.emplace_back(work, t);
    work(0);
  }
  for (const auto& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

std::vector<double> bootstrap(std::size_t seeds, std::size_t subjects, std::string_view name,
                              const BootstrapOptions& options, const Statistic& statistic) {
  if (seeds == 0 || subjects == 0) return {};
  std::vector<double> values(static_cast<std::size_t>(options.replicates));
  for_each_replicate(seeds, subjects, name, options, [&](std::size_t replicate, Resampled cells) {
    values[replicate] = statistic(cells);
  });
  return values;
}

std::vector<double> bootstrap_means(const ScoreTable& scores, std::string_view name,
                                    const BootstrapOptions& options) {
  return bootstrap(scores.seeds(), scores.subjects(), name, options, [&](Resampled cells) {
    double sum = 0;
    for (const std::uint32_t cell : cells) sum += scores.values()[cell];
    return sum / static_cast<double>(cells.size());
  });
}

Interval percentile_interval(std::span<const double> replicates, double level) {
  std::vector<double> sorted;
  std::copy_if(replicates.begin(), replicates.end(), std::back_inserter(sorted),
               [](double value) { return !std::isnan(value); });
  std::sort(sorted.begin(), sorted.end());
  return {quantile(sorted, (1 - level) / 2), quantile(sorted, (1 + level) / 2)};
}

}  // namespace emosweep::results
