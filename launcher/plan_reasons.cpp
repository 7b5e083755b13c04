#include "launcher/plan_reasons.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <span>
#include <utility>

#include "launcher/packs.h"
#include "models/fused_network.h"

namespace emosweep::launcher {
namespace {

constexpr std::size_t kShown = 4;  // conditions of one reason and experiment

using Place = std::pair<std::uint32_t, std::uint32_t>;                // experiment, condition
using Counted = std::map<std::string, std::map<Place, std::size_t>>;  // trials by why and where

std::vector<Reason> reasons(const Counted& counted) {
  std::vector<Reason> out;
  for (const auto& [why, places] : counted) {
    Reason& reason = out.emplace_back(Reason{why, 0, {}});
    for (const auto& [place, trials] : places) {
      reason.trials += trials;
      reason.where.push_back({place.first, place.second, trials});
    }
  }
  return out;
}

// "hidden_size=27, class_weights=[1, 2]" -> its two settings.
std::vector<std::string> settings_of(const std::string& label) {
  std::vector<std::string> out;
  std::size_t begin = 0;
  for (std::size_t comma; (comma = label.find(", ", begin)) != std::string::npos;) {
    while (comma != std::string::npos) {
      const std::size_t key = comma + 2;
      const std::size_t end = label.find_first_not_of("abcdefghijklmnopqrstuvwxyz_C", key);
      if (end != std::string::npos && end > key && label[end] == '=') break;
      comma = label.find(", ", key);
    }
    if (comma == std::string::npos) break;
    out.push_back(label.substr(begin, comma - begin));
    begin = comma + 2;
  }
  out.push_back(label.substr(begin));
  return out;
}

bool holds(const std::vector<std::string>& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

// The settings that these conditions share, where no other condition of the experiment has them
// all; "" where there are none.
std::string shared_settings(const PlannedExperiment& experiment,
                            std::span<const Reason::Where> where) {
  std::vector<std::string> shared = settings_of(experiment.conditions[where[0].condition].label);
  for (const Reason::Where& at : where) {
    const auto own = settings_of(experiment.conditions[at.condition].label);
    std::erase_if(shared, [&](const std::string& setting) { return !holds(own, setting); });
  }
  std::size_t with = 0;
  for (const PlannedCondition& condition : experiment.conditions) {
    const auto own = settings_of(condition.label);
    with += std::all_of(shared.begin(), shared.end(),
                        [&](const std::string& setting) { return holds(own, setting); });
  }
  std::string text;
  if (with != where.size()) return text;
  for (const std::string& setting : shared) text += (text.empty() ? "" : ", ") + setting;
  return text;
}

// "\"name\"", "\"name\" with hidden_size=27", "\"name\" with lr=0.1; lr=0.2 and 3 more".
std::string where_text(const PlannedExperiment& experiment, std::span<const Reason::Where> where) {
  std::string text = '"' + experiment.name + '"';
  if (where.size() == experiment.conditions.size()) return text;
  if (const std::string shared = shared_settings(experiment, where); !shared.empty()) {
    return text + " with " + shared;
  }
  const std::size_t shown = std::min(where.size(), kShown);
  for (std::size_t i = 0; i < shown; ++i) {
    text += (i == 0 ? " with " : "; ") + experiment.conditions[where[i].condition].label;
  }
  return where.size() == shown ? text
                               : text + " and " + std::to_string(where.size() - shown) + " more";
}

}  // namespace

std::string reason_text(const Plan& plan, const Reason& reason) {
  std::string text =
      std::to_string(reason.trials) + (reason.trials == 1 ? " trial: " : " trials: ") + reason.why;
  const char* before = " (";
  for (auto at = reason.where.begin(); at != reason.where.end();) {
    const auto end = std::find_if(at, reason.where.end(), [&](const Reason::Where& where) {
      return where.experiment != at->experiment;
    });
    text += before + where_text(plan.experiments.at(at->experiment), {at, end});
    before = ", ";
    at = end;
  }
  return text + ")";
}

PackCounts pack_counts(const Plan& plan, int ranks) {
  std::vector<std::uint32_t> all(plan.trials.size());
  std::iota(all.begin(), all.end(), 0);
  PackCounts counts;
  Counted alone;
  for (const WorkPack& pack : make_packs(plan, all, std::max(ranks / plan.ranks_per_trial, 1))) {
    if (pack.members.size() > 1) {
      ++counts.packs;
      counts.trials += pack.members.size();
      counts.largest = std::max(counts.largest, pack.members.size());
      continue;
    }
    const PlannedTrial& trial = plan.trials[pack.members.front()];
    const char* why = trial.pack == 1 ? trial.alone : "the only one of its shape, or of its team";
    ++alone[why][{trial.experiment, trial.condition}];
  }
  counts.alone = reasons(alone);
  return counts;
}

KernelCounts kernel_counts(const Plan& plan) {
  KernelCounts counts;
  Counted torch;
  for (const PlannedTrial& trial : plan.trials) {
    const PlannedExperiment& experiment = plan.experiments[trial.experiment];
    const PlannedCondition& condition = experiment.conditions[trial.condition];
    const models::ModelOptions& model = condition.base.model;
    if (model.model == "linear") continue;
    if (model.kernels == models::Kernels::fused) {
      ++counts.fused;
    } else {
      ++torch[why_torch(condition, experiment.ranks_per_trial)]
             [{trial.experiment, trial.condition}];
    }
  }
  counts.torch = reasons(torch);
  return counts;
}

std::string why_not_fused(const trainer::TrialSpec& spec, std::int64_t ranks) {
  const TargetKind kind = spec.dataset->target.kind;
  if (kind != TargetKind::single)
    return std::string("they train single labels, this target is of kind ") +
           target_kind_name(kind);
  return models::why_not_fused(spec.model, (spec.loop.batch_size + ranks - 1) / ranks);
}

std::string why_torch(const PlannedCondition& condition, int ranks) {
  const trainer::TrialSpec& spec = condition.base;
  if (spec.model.model == "linear" || spec.model.kernels == models::Kernels::fused) return "";
  const std::string why = why_not_fused(spec, ranks);
  return why.empty() ? "kernels: torch" : why;
}

}  // namespace emosweep::launcher
