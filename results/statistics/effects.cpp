#include "results/statistics/effects.h"

#include <algorithm>
#include <vector>

namespace emosweep::results {
namespace {

double half_tie(double difference) { return difference > 0 ? 1 : difference < 0 ? 0 : 0.5; }

}  // namespace

double cohen_dz(std::span<const double> differences) {
  const Spread spread = spread_of(differences);
  return spread.mean == 0 && spread.sd == 0 ? 0 : spread.mean / spread.sd;
}

double cliffs_delta(std::span<const double> a, std::span<const double> b) {
  if (a.empty() || b.empty()) return kUndefined;
  std::vector<double> sorted(b.begin(), b.end());
  std::sort(sorted.begin(), sorted.end());
  double sum = 0;
  for (const double value : a) {
    const auto [first, last] = std::equal_range(sorted.begin(), sorted.end(), value);
    sum += static_cast<double>((first - sorted.begin()) - (sorted.end() - last));
  }
  return sum / (static_cast<double>(a.size()) * static_cast<double>(b.size()));
}

Improvement improvement(const ScoreTable& differences, double level, BootstrapOptions options) {
  std::vector<double> better;
  for (const double difference : differences.values()) better.push_back(half_tie(difference));
  const ScoreTable table(differences.seeds(), differences.subjects(), std::move(better));
  options.resampling = Resampling::two_way;
  Improvement result;
  result.probability = table.mean();
  result.interval = percentile_interval(bootstrap_means(table, "improvement", options), level);
  result.verdict = verdict_of(result.interval);
  return result;
}

Verdict verdict_of(const Interval& interval) {
  if (!(interval.lower > 0.5)) return Verdict::no_evidence;
  return interval.upper <= 0.75 ? Verdict::not_meaningful : Verdict::meaningful;
}

std::string verdict_text(Verdict verdict) {
  switch (verdict) {
    case Verdict::meaningful:
      return "real and meaningful";
    case Verdict::not_meaningful:
      return "real, not meaningful";
    case Verdict::no_evidence:
      break;
  }
  return "no evidence";
}

}  // namespace emosweep::results
