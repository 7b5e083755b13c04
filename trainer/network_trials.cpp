// Networks of a pack: fit, refit, test.
#include <ATen/ATen.h>

#include "base/error.h"
#include "models/pretrained.h"
#include "models/text_encoder.h"
#include "models/text_network.h"
#include "trainer/checkpoint.h"
#include "trainer/loop.h"
#include "trainer/predict.h"
#include "trainer/trial_run.h"

namespace emosweep::trainer {
namespace {

using Rows = std::vector<std::int32_t>;
using Some = std::vector<TrialRun*>;  // trials of one pack

void prepare(TrialRun& run, Rows train, const Workplace& place) {
  const TrialSpec& spec = *run.spec;
  run.prepared = place.cache.get(*spec.dataset, train, spec.prepare, spec.model.dtype);
  run.train = std::move(train);
}

std::unique_ptr<Objective> objective_of(std::span<const TrialRun* const> runs) {
  std::vector<ObjectiveOptions> options;
  std::vector<at::Tensor> counts;
  for (const TrialRun* run : runs) {
    const TrialSpec& spec = *run->spec;
    options.push_back(spec.objective);
    counts.push_back(class_counts(*spec.dataset, run->train));
  }
  const TrialSpec& first = *runs[0]->spec;
  return make_objective(first.dataset->target, options, at::cat(counts), first.model.dtype);
}

StreamKey key_of(const TrialRun& run) { return trial_key(run.spec->seed, run.spec->fold->name); }

Curriculum curriculum_of(const TrialRun& run) {
  const data::Dataset& dataset = *run.spec->dataset;
  const LoopOptions& loop = run.spec->loop;
  return {loop.curriculum, run.train,       dataset.difficulty,
          dataset.label,   loop.batch_size, key_of(run)};
}

// Of a pack of one. A refit starts from the same weights.
void load_start(TrialRun& run, models::Model& network) {
  const TrialSpec& spec = *run.spec;
  if (models::is_text_model(spec.model.model) && !spec.random_encoder) {
    models::load_encoder(network, models::read_encoder_weights(spec.prepare.encoder),
                         spec.prepare.encoder.string());
  }
  const std::filesystem::path& file = run.spec->pretrained;
  if (file.empty()) return;
  run.start = models::load_pretrained(network, 0, models::read_safetensors(file), file);
}

// Trains fresh networks on `run.train` of each; epochs {} = all of spec.loop.
std::vector<LoopResult> fit(const Some& runs, bool validates, std::vector<std::int64_t> epochs,
                            const Workplace& place, Checkpoints* checkpoints) {
  std::vector<StreamKey> keys;
  for (const TrialRun* run : runs) keys.push_back(key_of(*run));
  const std::shared_ptr<models::Model> network = models::make_model(runs[0]->spec->model, keys);
  load_start(*runs[0], *network);
  const auto objective = objective_of(std::vector<const TrialRun*>(runs.begin(), runs.end()));
  Pack pack{*network,
            *objective,
            {},
            {},
            {},
            keys,
            {},
            {},
            std::move(epochs),
            checkpoints,
            runs[0]->spec->augment,
            {}};
  for (std::size_t k = 0; k < runs.size(); ++k) {
    TrialRun& run = *runs[k];
    run.network = network;
    run.row = static_cast<std::int64_t>(k);
    pack.folds.push_back(&run.prepared->tensors);
    pack.train.push_back(run.train);
    pack.validation.push_back(validates ? run.spec->fold->validation : Rows());
    pack.optimizer.push_back(run.spec->optimizer);
    pack.loop.push_back(run.spec->loop);
    pack.curricula.push_back(curriculum_of(run));
  }
  if (place.tell_epoch) {
    pack.tell_epoch = [&](std::size_t k, const ToldEpoch& epoch) {
      place.tell_epoch(runs[k]->number, {epoch.curves, epoch.seconds, !validates});
    };
  }
  std::vector<LoopResult> loops = train_pack(pack, place.team, place.stopping);
  for (std::size_t k = 0; k < runs.size(); ++k) {
    runs[k]->failure = loops[k].failure;
    runs[k]->trained.record.cost.steps += loops[k].steps;
  }
  return loops;
}

void note_fit(TrialRun& run, const LoopResult& loop) {
  results::Outcome& result = run.trained.record.result;
  result.best_epoch = loop.best_epoch;
  result.epochs = loop.epochs;
  result.curves = loop.curves;
  result.validation = loop.validation;
  run.validation_probability = loop.validation_probability;
  run.thresholds = loop.thresholds;
  const TargetSpec& target = run.spec->dataset->target;
  // Without validation rows there is nothing to choose them on.
  if (target.kind == TargetKind::multi && run.thresholds.empty())
    run.thresholds.assign(target.outputs.size(), .5);
  add_warnings(result.warnings, models::model_warnings(run.spec->model));
  add_warnings(result.warnings, run.prepared->fitted.warnings);
  add_warnings(result.warnings, run.start);
}

void predict_validation(std::span<const TrialRun> runs, std::vector<LoopResult>& loops,
                        const Workplace& place) {
  std::vector<Rows> rows;
  bool any = false;
  for (const TrialRun& run : runs) {
    const bool wanted = run.spec->validation_predictions && !run.failure;
    rows.push_back(wanted ? in_table_order(*run.spec->dataset, run.spec->fold->validation)
                          : Rows());
    any = any || !rows.back().empty();
  }
  if (!any) return;
  const std::vector<Evaluation> all = test_networks(runs, rows, place);
  for (std::size_t k = 0; k < runs.size(); ++k) {
    loops[k].validation_probability.assign(all[k].probability.begin(), all[k].probability.end());
  }
}

// From where a loaded checkpoint stands. `all`: the trials of `runs`.
std::vector<LoopResult> first_fit(std::span<const TrialRun> all, const Some& runs,
                                  const Workplace& place, Checkpoints* checkpoints) {
  for (TrialRun* run : runs) prepare(*run, run->spec->fold->train, place);
  if (const LoopResult* finished = checkpoints ? checkpoints->first_fit() : nullptr) {
    runs[0]->trained.record.cost.steps += finished->steps;
    if (!runs[0]->spec->pretrained.empty()) {  // for what loading tells
      const StreamKey key = key_of(*runs[0]);
      load_start(*runs[0], *models::make_model(runs[0]->spec->model, {&key, 1}));
    }
    return {*finished};
  }
  std::vector<LoopResult> loops = fit(runs, true, {}, place, checkpoints);
  predict_validation(all, loops, place);
  return loops;
}

void fit_and_refit(std::span<TrialRun> all, const Workplace& place, Checkpoints* checkpoints) {
  Some runs, again;
  for (TrialRun& run : all) {
    run.failure.reset();
    run.trained.record.cost.steps = 0;
    runs.push_back(&run);
  }
  const std::vector<LoopResult> loops = first_fit(all, runs, place, checkpoints);
  std::vector<std::int64_t> epochs;
  for (std::size_t k = 0; k < runs.size(); ++k) {
    TrialRun& run = *runs[k];
    if (run.failure) continue;
    note_fit(run, loops[k]);
    if (!run.spec->loop.refit || run.spec->fold->validation.empty()) continue;
    again.push_back(&run);
    epochs.push_back(loops[k].best_epoch + 1);
  }
  if (again.empty()) return;
  if (checkpoints) checkpoints->begin_refit(loops[0]);
  for (TrialRun* run : again) prepare(*run, train_and_validation(*run->spec->fold), place);
  fit(again, false, std::move(epochs), place, checkpoints);
  for (TrialRun* run : again) {
    add_warnings(run->trained.record.result.warnings, run->prepared->fitted.warnings);
  }
}

// A checkpoint that does not fit is set aside by all ranks alike, and an older one or none is
// tried.
void train_with_checkpoints(TrialRun& run, const Workplace& place,
                            const CheckpointOptions& options) {
  Checkpoints checkpoints(options, run.spec->id, place.team);
  for (;;) {
    try {
      checkpoints.load();
      run.trained.record.result = {};
      fit_and_refit({&run, 1}, place, &checkpoints);
      run.trained.record.cost.wall_seconds = checkpoints.earlier().wall_seconds;
      run.trained.record.cost.cpu_seconds = checkpoints.earlier().cpu_seconds;
      return;
    } catch (const CheckpointError& e) {
      checkpoints.set_aside(e.what());
    }
  }
}

}  // namespace

void train_networks(std::span<TrialRun> runs, const Workplace& place,
                    const CheckpointOptions& checkpoints) {
  if (runs.size() == 1) {
    train_with_checkpoints(runs[0], place, checkpoints);
  } else {
    fit_and_refit(runs, place, nullptr);
  }
}

std::vector<Evaluation> test_networks(std::span<const TrialRun> runs,
                                      std::span<const std::vector<std::int32_t>> rows,
                                      const Workplace& place) {
  std::vector<const TrialRun*> some;
  std::vector<std::size_t> number;
  std::vector<std::int64_t> places;
  std::vector<const data::FoldTensors*> folds;
  std::vector<std::vector<std::int64_t>> order;
  std::vector<StreamKey> keys;
  EvaluationOptions options;
  options.probabilities = true;
  std::vector<std::vector<double>> thresholds;
  for (std::size_t k = 0; k < runs.size(); ++k) {
    const TrialRun& run = runs[k];
    if (run.failure || rows[k].empty()) continue;
    some.push_back(&run);
    number.push_back(k);
    places.push_back(run.row);
    folds.push_back(&run.prepared->tensors);
    order.emplace_back(rows[k].begin(), rows[k].end());
    keys.push_back(key_of(run));
    thresholds.push_back(run.thresholds);
  }
  std::vector<Evaluation> result(runs.size());
  if (some.empty()) return result;
  std::shared_ptr<models::Model> network = some[0]->network;
  if (network->flat().size(0) != static_cast<std::int64_t>(some.size())) {
    network = network->select(places);
  }
  const std::unique_ptr<Objective> objective = objective_of(some);
  options.thresholds = thresholds;
  std::vector<Evaluation> tests =
      evaluate(*network, *objective, evaluation_rows(folds, order), keys, place.team, options);
  for (std::size_t i = 0; i < some.size(); ++i) result[number[i]] = std::move(tests[i]);
  return result;
}

}  // namespace emosweep::trainer
