// The memory of one rank: the data, and the pack that needs most.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>

#include "launcher/estimate.h"
#include "models/work.h"
#include "trainer/evaluate.h"

namespace emosweep::launcher {
namespace {

double number(std::size_t n) { return static_cast<double>(n); }

double bytes_of_number(const trainer::TrialSpec& spec) {
  return spec.model.dtype == at::kDouble ? 8 : 4;
}

// A row with its label, as tensors.
double row_bytes(const trainer::TrialSpec& spec) {
  if (models::is_text_model(spec.model.model))
    return sizeof(std::int32_t) * spec.model.text.usual_tokens + 2 * sizeof(std::int64_t);
  double features = 0;
  for (const std::int64_t width : spec.model.widths) features += static_cast<double>(width);
  return features * bytes_of_number(spec) + sizeof(std::int64_t);
}

double fold_bytes(const PlannedExperiment& experiment, const trainer::TrialSpec& spec) {
  // Images are cut when a batch is made, from a file that all ranks map.
  if (models::is_image_model(spec.model.model)) {
    return sizeof(std::int64_t) * number(experiment.data->dataset.id.size());
  }
  return row_bytes(spec) * number(experiment.data->dataset.id.size());
}

// Validation rows of all epochs, or test rows, gathered in batches.
double evaluation_bytes(const PlannedExperiment& experiment, const trainer::TrialSpec& spec) {
  std::size_t most = 0;
  for (const data::Fold& fold : experiment.folds->folds) {
    most = std::max({most, fold.validation.size(), fold.test.size()});
  }
  constexpr std::size_t kRows = trainer::kEvaluationRows;
  return row_bytes(spec) *
         (number((most + kRows - 1) / kRows * kRows) +
          static_cast<double>((spec.prepare.windows - 1) * trainer::kEvaluationRows));
}

// Trials of one condition, each as one of `pack`.
double pack_bytes(const PlannedExperiment& experiment, const trainer::TrialSpec& spec, double pack,
                  const CostModel& model) {
  if (spec.model.model == "linear") return evaluation_bytes(experiment, spec);
  const double rows = static_cast<double>((spec.loop.batch_size + experiment.ranks_per_trial - 1) /
                                          experiment.ranks_per_trial);
  const double weights = static_cast<double>(models::parameter_count(spec.model));
  const double copies = model.weights_copies + (spec.loop.ema_decay > 0 ? 1 : 0);
  const double numbers =
      copies * weights + model.activations_copies * rows * models::counted_work(spec.model).values;
  return pack * (bytes_of_number(spec) * numbers + evaluation_bytes(experiment, spec));
}

using Packs = std::map<std::pair<std::uint32_t, std::uint32_t>, std::int64_t>;

// How many trials of each experiment and condition are trained together at most.
Packs largest_packs(const Plan& plan) {
  std::map<std::uint32_t, std::int64_t> shapes;  // trials that may be packed together
  for (const PlannedTrial& trial : plan.trials) ++shapes[trial.shape];
  Packs packs;
  for (const PlannedTrial& trial : plan.trials) {
    std::int64_t& most = packs[{trial.experiment, trial.condition}];
    most = std::max({most, std::min(trial.pack, shapes[trial.shape]), std::int64_t{1}});
  }
  return packs;
}

// Prepared folds that stay, or those that one pack holds where these are more.
double folds_bytes(const Plan& plan, const Packs& packs, const CostModel& model) {
  // Of trials that differ in none of these, folds are prepared once.
  using Kind = std::tuple<const data::Loaded*, const data::Folds*, std::vector<std::string>,
                          data::Normalise, at::ScalarType>;
  std::set<Kind> seen;
  double all = 0, held = 0;
  for (const auto& [place, pack] : packs) {
    const PlannedExperiment& experiment = plan.experiments[place.first];
    const trainer::TrialSpec& spec = experiment.conditions[place.second].base;
    const double fold = fold_bytes(experiment, spec);
    const auto folds = static_cast<std::int64_t>(experiment.folds->folds.size());
    held = std::max(held, fold * static_cast<double>(std::min(pack, folds)));
    const Kind kind{experiment.data.get(), experiment.folds.get(), spec.model.inputs,
                    spec.prepare.normalise, spec.model.dtype};
    if (!seen.insert(kind).second) continue;
    all += fold * static_cast<double>(folds) * (spec.loop.refit ? 2 : 1);
  }
  return model.folds_copies * std::max(held, std::min(all, model.folds_kept));
}

}  // namespace

double memory_bytes(const Plan& plan, const CostModel& model) {
  double values = 0;
  std::set<const data::Loaded*> seen;
  for (const PlannedExperiment& experiment : plan.experiments) {
    if (!seen.insert(experiment.data.get()).second) continue;
    for (const data::Modality& modality : experiment.data->dataset.modalities) {
      values += sizeof(double) * number(modality.values.size());
    }
  }
  const Packs packs = largest_packs(plan);
  double pack = 0;
  for (const auto& [place, most] : packs) {
    const PlannedExperiment& experiment = plan.experiments[place.first];
    pack = std::max(pack, pack_bytes(experiment, experiment.conditions[place.second].base,
                                     static_cast<double>(most), model));
  }
  return model.process + model.values_copies * values + folds_bytes(plan, packs, model) + pack +
         model.plan_trial * number(plan.file.cells.size());
}

}  // namespace emosweep::launcher
