#include "launcher/shard.h"

#include <functional>
#include <queue>
#include <tuple>

#include "base/error.h"

namespace emosweep::launcher {

Shard read_shard(const std::string& text) {
  if (const auto shard = results::parse_shard(text)) return *shard;
  throw InputError("--shard '" + text +
                   "': write i/n with 1 <= i <= n, such as --shard 2/8 for the second of eight "
                   "shards (n at most " +
                   std::to_string(results::kMostShards) + ")");
}

std::vector<std::uint32_t> dealt_trials(const Plan& plan, const Shard& shard) {
  using Load = std::tuple<double, std::size_t, int>;  // seconds and trials dealt so far, shard
  std::priority_queue<Load, std::vector<Load>, std::greater<>> loads;
  for (int index = 1; index <= shard.count; ++index) loads.emplace(0.0, 0, index);
  std::vector<std::uint32_t> mine;
  for (std::uint32_t t = 0; t < plan.trials.size(); ++t) {
    const auto [seconds, trials, index] = loads.top();
    loads.pop();
    loads.emplace(seconds + plan.trials[t].cost, trials + 1, index);
    if (index == shard.index) mine.push_back(t);
  }
  return mine;
}

}  // namespace emosweep::launcher
