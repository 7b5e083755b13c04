// What `plan` prints for people.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <map>
#include <set>
#include <sstream>

#include "data/audio/clips.h"
#include "launcher/estimate.h"
#include "launcher/plan.h"
#include "launcher/plan_facts.h"
#include "launcher/plan_reasons.h"

namespace emosweep::launcher {

namespace {

constexpr std::size_t kFoldsShown = 30, kConditionsShown = 30;

// "1 fold", "24 folds".
std::string counted(std::size_t n, const char* word) {
  return std::to_string(n) + " " + word + (n == 1 ? "" : "s");
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

std::string duration(double seconds) {
  char text[64];
  if (seconds < 120) {
    std::snprintf(text, sizeof text, "%.3g s", seconds);
  } else if (seconds < 7200) {
    std::snprintf(text, sizeof text, "%.3g min", seconds / 60);
  } else {
    std::snprintf(text, sizeof text, "%.3g h", seconds / 3600);
  }
  return text;
}

std::string size_text(std::int64_t bytes) {
  char text[64];
  const double value = static_cast<double>(bytes);
  if (value < 1e6) {
    std::snprintf(text, sizeof text, "%.3g kB", value / 1e3);
  } else if (value < 1e9) {
    std::snprintf(text, sizeof text, "%.3g MB", value / 1e6);
  } else {
    std::snprintf(text, sizeof text, "%.3g GB", value / 1e9);
  }
  return text;
}

std::string seeds_text(const std::vector<std::uint64_t>& seeds) {
  std::string out;
  for (std::size_t i = 0; i < std::min<std::size_t>(seeds.size(), 10); ++i) {
    out += (i ? ", " : "") + std::to_string(seeds[i]);
  }
  return seeds.size() > 10 ? out + ", ... (" + std::to_string(seeds.size()) + ")" : out;
}

void add_dataset(std::ostringstream& out, const data::Dataset& dataset) {
  out << "  dataset      " << dataset.name << ": " << counted(dataset.id.size(), "sample") << "\n";
  const TargetKind kind = dataset.target.kind;
  std::vector<std::string> words = target_words(dataset);
  if (kind == TargetKind::single || kind == TargetKind::multi)
    out << (kind == TargetKind::single ? "  classes      " : "  labels       ") << joined(words)
        << "\n";
  else
    for (const std::string& word : words)
      out << (kind == TargetKind::aspects ? "  aspect       " : "  value        ") << word << "\n";
  words.clear();
  for (const data::Column& column : dataset.groups) {
    words.push_back(column.name + " (" + std::to_string(different(column)) + " values)");
  }
  out << "  groups       " << (words.empty() ? "none" : joined(words)) << "\n";
  for (const data::Modality& modality : dataset.modalities) {
    const ModalityFacts facts = modality_facts(modality);
    if (modality.clips != nullptr)
      out << "  modality     " << modality.name << ": " << modality.kind << " of "
          << data::clips_text(*modality.clips) << "\n";
    if (modality.kind == "audio") continue;
    out << "  modality     " << modality.name << ": " << counted(modality.columns.size(), "column")
        << ", " << facts.missing_values << " missing values, missing for "
        << counted(static_cast<std::size_t>(facts.absent_rows), "sample") << "\n";
  }
}

void add_folds(std::ostringstream& out, const PlannedExperiment& experiment) {
  const std::vector<data::Fold>& folds = experiment.folds->folds;
  const data::Dataset& dataset = experiment.data->dataset;
  out << "  protocol     " << data::protocol_name(experiment.split.protocol);
  if (!experiment.split.group.empty()) out << " over " << experiment.split.group;
  out << ", split_seed " << experiment.split.split_seed << "; " << counted(folds.size(), "fold")
      << "; equal samples across splits: " << experiment.folds->duplicates << "\n";
  std::size_t width = 4;
  for (const data::Fold& fold : folds) width = std::max(width, fold.name.size());
  width = std::min<std::size_t>(width, 30);
  char line[160];
  std::snprintf(line, sizeof line, "    %-*s %8s %10s %6s %7s", static_cast<int>(width), "fold",
                "train", "validation", "test", "dropped");
  out << line << "  class mix: train; validation; test\n";
  const std::size_t shown = std::min(folds.size(), kFoldsShown);
  for (std::size_t f = 0; f < shown; ++f) {
    const data::Fold& fold = folds[f];
    std::snprintf(line, sizeof line, "    %-*.30s %8zu %10zu %6zu %7lld", static_cast<int>(width),
                  fold.name.c_str(), fold.train.size(), fold.validation.size(), fold.test.size(),
                  static_cast<long long>(fold.dropped));
    out << line << "  " << mix_text(dataset, fold.train) << "; "
        << mix_text(dataset, fold.validation) << "; " << mix_text(dataset, fold.test) << "\n";
  }
  if (shown < folds.size()) {
    out << "    ... and " << folds.size() - shown << " more (--json lists all)\n";
  }
}

std::string kernels_text(const std::vector<PlannedCondition>& conditions) {
  const auto fused = std::count_if(
      conditions.begin(), conditions.end(),
      [](const PlannedCondition& c) { return c.base.model.kernels == models::Kernels::fused; });
  const auto all = static_cast<std::ptrdiff_t>(conditions.size());
  if (fused == all) return "fused";
  if (fused == 0) return "torch";
  return "fused in " + std::to_string(fused) + " of " + std::to_string(all) + " conditions";
}

void add_conditions(std::ostringstream& out, const PlannedExperiment& experiment) {
  const auto& conditions = experiment.conditions;
  const trainer::TrialSpec& base = conditions.front().base;
  out << "  model        " << base.model.model << " on " << joined(base.model.inputs) << "; device "
      << (base.model.device.is_cpu() ? "cpu" : "cuda") << ", dtype "
      << (base.model.dtype == at::kDouble ? "float64" : "float32");
  if (base.model.model != "linear") out << ", kernels " << kernels_text(conditions);
  out << "\n";
  out << "  conditions   " << conditions.size() << "\n";
  const std::size_t shown = std::min(conditions.size(), kConditionsShown);
  for (std::size_t c = 0; c < shown; ++c) out << "    " << conditions[c].label << "\n";
  if (shown < conditions.size()) {
    out << "    ... and " << conditions.size() - shown << " more (--json lists all)\n";
  }
  out << "  seeds        " << seeds_text(experiment.seeds);
  const bool reads =
      std::any_of(conditions.begin(), conditions.end(),
                  [](const PlannedCondition& condition) { return condition.reads_seed; });
  out << (reads ? "\n" : " (the linear model reads none: they share one trial)\n");
  // An idle key, and in how many of the conditions.
  std::map<std::string, std::size_t> idle;
  for (const PlannedCondition& condition : conditions) {
    for (const std::string& key : condition.idle) ++idle[key];
  }
  for (const auto& [key, times] : idle) {
    out << "  idle         " << key;
    if (times < conditions.size())
      out << " in " << times << " of " << conditions.size() << " conditions";
    out << "\n";
  }
}

void add_packs(std::ostringstream& out, const Plan& plan, int ranks) {
  const PackCounts packs = pack_counts(plan, ranks);
  out << "packs: ";
  if (packs.packs == 0) {
    out << "none\n";
  } else {
    out << counted(packs.trials, "trial") << " in " << counted(packs.packs, "pack") << " of up to "
        << packs.largest << "\n";
  }
  for (const Reason& reason : packs.alone) {
    out << "  alone        " << reason_text(plan, reason) << "\n";
  }
  const KernelCounts kernels = kernel_counts(plan);
  if (kernels.fused == 0 && kernels.torch.empty()) return;
  out << "kernels: "
      << (kernels.fused > 0 ? "fused for " + counted(kernels.fused, "trial") : "torch") << "\n";
  for (const Reason& reason : kernels.torch) {
    out << "  torch        " << reason_text(plan, reason) << "\n";
  }
}

// The name of an earlier experiment that shares what `part` points to, or "".
template <typename Part>
std::string earlier(const Plan& plan, std::size_t number, Part part) {
  for (std::size_t e = 0; e < number; ++e) {
    if (part(plan.experiments[e]) == part(plan.experiments[number]))
      return plan.experiments[e].name;
  }
  return "";
}

}  // namespace

std::string plan_text(const Plan& plan, int ranks) {
  std::ostringstream out;
  const std::vector<TrialCounts> counts = trial_counts(plan);
  for (std::size_t e = 0; e < plan.experiments.size(); ++e) {
    const PlannedExperiment& experiment = plan.experiments[e];
    out << "experiment \"" << experiment.name << "\"\n";
    const std::string data =
        earlier(plan, e, [](const PlannedExperiment& a) { return a.data.get(); });
    const std::string folds =
        earlier(plan, e, [](const PlannedExperiment& a) { return a.folds.get(); });
    if (data.empty()) {
      add_dataset(out, experiment.data->dataset);
    } else {
      out << "  dataset      " << experiment.data->dataset.name << ", as in \"" << data << "\"\n";
    }
    if (folds.empty()) {
      add_folds(out, experiment);
    } else {
      out << "  protocol     " << data::protocol_name(experiment.split.protocol)
          << ", the folds of \"" << folds << "\"\n";
    }
    add_conditions(out, experiment);
    if (experiment.ranks_per_trial > 1)
      out << "  teams        of " << experiment.ranks_per_trial << " ranks\n";
    out << "  trials       " << counts[e].cells << " cells = " << experiment.conditions.size()
        << " x " << experiment.folds->folds.size() << " folds x " << experiment.seeds.size()
        << " seeds; " << counts[e].trials << " to train here, about " << duration(counts[e].seconds)
        << " on one "
        << (experiment.ranks_per_trial > 1                             ? "team"
            : experiment.conditions.front().base.model.device.is_cpu() ? "core"
                                                                       : "GPU")
        << "\n\n";
  }
  out << "all: " << counted(plan.experiments.size(), "experiment") << ", " << plan.file.cells.size()
      << " cells, " << plan.trials.size() << " different trials\n";
  add_packs(out, plan, ranks);
  out << "estimate: " << duration(plan.estimate.cpu_seconds) << " of CPU, "
      << duration(wall_seconds(plan, ranks)) << " on "
      << counted(static_cast<std::size_t>(ranks), "rank") << "; memory "
      << size_text(plan.estimate.memory_bytes) << " a rank; disk "
      << size_text(plan.estimate.disk_bytes) << "\n";
  for (const std::string& warning : plan.warnings) out << "warning: " << warning << "\n";
  return out.str();
}

}  // namespace emosweep::launcher
