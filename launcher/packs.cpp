#include "launcher/packs.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "launcher/estimate.h"

namespace emosweep::launcher {
namespace {

// Beyond 24 trials nothing is left to spread (docs/packs.md).
constexpr std::int64_t kMostTrials = 24;
constexpr std::int64_t kFewestTrials = 8;
// Weights, gradients and moments of a pack: more than eight trials only where they stay near a
// second-level cache.
constexpr double kBytes = 4e6;
constexpr double kBytesOfWeight = 4;  // times the size of a number
constexpr double kLeastGain = 1.15;
constexpr double kLongSeconds = 60;   // such trials have checkpoints
constexpr double kPackSeconds = 120;  // what an interruption costs a team at most, by the estimate
constexpr int kMostRanks = 2;  // three numbers or more are summed in an order that follows places
constexpr std::size_t kManyWaves = 3;

double cost_of(const Plan& plan, std::span<const std::uint32_t> trials,
               const std::vector<std::uint32_t>& members) {
  double cost = 0;
  for (const std::uint32_t m : members) {
    cost += packed_cost(plan.trials[trials[m]], static_cast<std::int64_t>(members.size()));
  }
  return cost;
}

// Cuts a list into so many parts, the longer ones first.
std::vector<std::vector<std::uint32_t>> cut(const std::vector<std::uint32_t>& all,
                                            std::size_t parts) {
  std::vector<std::vector<std::uint32_t>> out;
  auto at = all.begin();
  for (std::size_t i = 0; i < parts; ++i) {
    const std::size_t size = all.size() / parts + (i < all.size() % parts ? 1 : 0);
    out.emplace_back(at, at + static_cast<std::ptrdiff_t>(size));
    at += static_cast<std::ptrdiff_t>(size);
  }
  return out;
}

std::size_t round_up(std::size_t n, std::size_t step) { return (n + step - 1) / step * step; }

void dearest_first(std::vector<WorkPack>& packs) {
  std::stable_sort(packs.begin(), packs.end(),
                   [](const WorkPack& a, const WorkPack& b) { return a.cost > b.cost; });
}

void halve_last(std::vector<WorkPack>& packs, const Plan& plan,
                std::span<const std::uint32_t> trials, std::size_t teams) {
  if (teams < 2 || packs.size() < kManyWaves * teams) return;
  for (std::size_t i = packs.size(), n = 0; n < teams; ++n) {
    --i;
    if (packs[i].members.size() < 4) continue;
    const auto halves = cut(packs[i].members, 2);
    const std::uint32_t shape = packs[i].shape;
    packs[i] = {halves[0], cost_of(plan, trials, halves[0]), shape};
    packs.push_back({halves[1], cost_of(plan, trials, halves[1]), shape});
  }
}

}  // namespace

PackSize pack_size(const trainer::TrialSpec& spec, const data::Fold& fold, std::int64_t wish,
                   int ranks) {
  if (spec.model.model == "linear") return {1, "linear model"};
  if (models::is_image_model(spec.model.model)) return {1, "image networks"};
  if (models::is_text_model(spec.model.model)) return {1, "text encoders"};
  if (wish == 1) return {1, "pack: off"};
  if (trainer::pack_shape(spec, fold).empty())
    return {1, "large layers, and hidden_size no multiple of 16"};
  if (ranks > kMostRanks) return {1, "teams of more than two ranks"};
  const double alone = trial_seconds(spec, fold, ranks);
  if (alone > kLongSeconds) return {1, "long trials, which have checkpoints"};
  if (wish > 1) return {wish, ""};
  if (spec.model.kernels == models::Kernels::fused) {
    return {1, "fused kernels, whose steps have no dispatch to share"};
  }
  const double number = spec.model.dtype == at::kDouble ? 8 : 4;
  const double bytes =
      kBytesOfWeight * number * static_cast<double>(models::parameter_count(spec.model));
  auto most = std::clamp(static_cast<std::int64_t>(kBytes / bytes), kFewestTrials, kMostTrials);
  const double packed = trial_seconds(spec, fold, ranks, most);
  if (alone < kLeastGain * packed) return {1, "large models"};
  most =
      std::min(most, std::max<std::int64_t>(static_cast<std::int64_t>(kPackSeconds / packed), 2));
  return {most, ""};
}

// a + b / n with the two values that the plan has.
double packed_cost(const PlannedTrial& trial, std::int64_t pack) {
  if (trial.pack <= 1 || trial.cost_alone <= 0) return trial.cost;
  const double k = static_cast<double>(trial.pack), n = static_cast<double>(pack);
  const double b = (trial.cost_alone - trial.cost) / (1 - 1 / k);
  return trial.cost_alone - b * (1 - 1 / n);
}

std::vector<WorkPack> make_packs(const Plan& plan, std::span<const std::uint32_t> trials,
                                 int teams) {
  std::vector<WorkPack> packs;
  std::map<std::uint32_t, std::vector<std::uint32_t>> shapes;
  double total = 0;
  for (std::uint32_t i = 0; i < trials.size(); ++i) {
    const PlannedTrial& trial = plan.trials[trials[i]];
    total += trial.cost;
    if (trial.pack > 1) {
      shapes[trial.shape].push_back(i);
    } else {
      packs.push_back({{i}, trial.cost, trial.shape});
    }
  }
  for (const auto& [shape, all] : shapes) {
    double cost = 0;
    for (const std::uint32_t i : all) cost += plan.trials[trials[i]].cost;
    const auto occupied =
        static_cast<std::size_t>(std::clamp(std::round(teams * cost / std::max(total, 1e-12)), 1.0,
                                            static_cast<double>(std::max(teams, 1))));
    const auto most = static_cast<std::size_t>(plan.trials[trials[all[0]]].pack);
    const std::size_t parts = round_up((all.size() + most - 1) / most, occupied);
    for (auto& members : cut(all, std::min(parts, all.size()))) {
      const double part_cost = cost_of(plan, trials, members);
      packs.push_back({std::move(members), part_cost, shape});
    }
  }
  dearest_first(packs);
  halve_last(packs, plan, trials, static_cast<std::size_t>(std::max(teams, 1)));
  dearest_first(packs);
  return packs;
}

}  // namespace emosweep::launcher
