#include "trainer/trial.h"

#include <ATen/ATen.h>
#include <ATen/Version.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "models/weights.h"
#include "trainer/checkpoint.h"
#include "trainer/evaluate.h"
#include "trainer/fold_cache.h"
#include "trainer/linear.h"
#include "trainer/loop.h"
#include "trainer/model_file.h"
#include "trainer/predict.h"

namespace emosweep::trainer {
namespace {

using Rows = std::vector<std::int32_t>;

// A model that has been trained on `train`, with what its test needs.
struct Fit {
  std::shared_ptr<const PreparedFold> prepared;
  Rows train;
  std::unique_ptr<models::Model> network;  // or
  LinearModel linear;
};

Rows train_and_validation(const data::Fold& fold) {
  Rows rows;
  std::merge(fold.train.begin(), fold.train.end(), fold.validation.begin(), fold.validation.end(),
             std::back_inserter(rows));
  return rows;
}

at::Tensor class_counts(const data::Dataset& dataset, const Rows& rows, std::int64_t classes) {
  at::Tensor counts = at::zeros({1, classes}, at::kDouble);
  for (std::int32_t r : rows) {
    counts.mutable_data_ptr<double>()[dataset.label[static_cast<std::size_t>(r)]] += 1;
  }
  return counts;
}

void add_warnings(std::vector<std::string>& all, const std::vector<std::string>& more) {
  for (const std::string& w : more) {
    if (std::find(all.begin(), all.end(), w) == all.end()) all.push_back(w);
  }
}

results::NamedValues named(const Evaluation& e) {
  results::NamedValues values = results::named_scores(e.confusion);
  values.emplace_back("loss", e.loss);
  return values;
}

// Trains a fresh network; epochs 0 = all of spec.loop. The result of the loop goes to `loop`.
Fit fit_network(const TrialSpec& spec, Rows train, const Rows& validation, std::int64_t epochs,
                FoldCache& cache, Collective& team, const Stopping& stopping,
                Checkpoints& checkpoints, LoopResult& loop) {
  Fit fit;
  fit.prepared = cache.get(*spec.dataset, train, spec.prepare, spec.model.dtype);
  const std::vector<StreamKey> keys{trial_key(spec.seed, spec.fold->name)};
  fit.network = models::make_model(spec.model, keys);
  const auto objective = make_objective(
      {spec.objective}, class_counts(*spec.dataset, train, spec.model.classes), spec.model.dtype);
  Pack pack{*fit.network, *objective,  {&fit.prepared->tensors}, {train},
            {validation}, keys,        {spec.optimizer},         {spec.loop},
            epochs,       &checkpoints};
  loop = train_pack(pack, team, stopping)[0];
  fit.train = std::move(train);
  return fit;
}

// The fit, and the refit where one is asked for; from where the loaded checkpoint stands.
Fit fit_and_refit(const TrialSpec& spec, FoldCache& cache, Collective& team,
                  const Stopping& stopping, Checkpoints& checkpoints,
                  results::TrialRecord& record) {
  LoopResult loop, again;
  Fit fit;
  if (const LoopResult* finished = checkpoints.first_fit()) {
    loop = *finished;
    fit.prepared = cache.get(*spec.dataset, spec.fold->train, spec.prepare, spec.model.dtype);
  } else {
    fit = fit_network(spec, spec.fold->train, spec.fold->validation, 0, cache, team, stopping,
                      checkpoints, loop);
  }
  results::Outcome& result = record.result;
  result.best_epoch = loop.best_epoch;
  result.epochs = loop.epochs;
  result.curves = loop.curves;
  result.validation = loop.validation;
  add_warnings(result.warnings, models::model_warnings(spec.model));
  add_warnings(result.warnings, fit.prepared->fitted.warnings);
  if (spec.loop.refit && !spec.fold->validation.empty()) {
    checkpoints.begin_refit(loop);
    fit = fit_network(spec, train_and_validation(*spec.fold), {}, loop.best_epoch + 1, cache, team,
                      stopping, checkpoints, again);
    add_warnings(result.warnings, fit.prepared->fitted.warnings);
  }
  record.cost.steps = loop.steps + again.steps;
  record.cost.wall_seconds = checkpoints.earlier().wall_seconds;
  record.cost.cpu_seconds = checkpoints.earlier().cpu_seconds;
  return fit;
}

// A checkpoint that does not fit is set aside by all ranks alike, and an older one or none is
// tried.
Fit train_network(const TrialSpec& spec, FoldCache& cache, Collective& team,
                  const Stopping& stopping, const CheckpointOptions& options,
                  results::TrialRecord& record) {
  Checkpoints checkpoints(options, spec.id, team);
  for (;;) {
    try {
      checkpoints.load();
      return fit_and_refit(spec, cache, team, stopping, checkpoints, record);
    } catch (const CheckpointError& e) {
      checkpoints.set_aside(e.what());
    }
  }
}

Fit train_linear(const TrialSpec& spec, FoldCache& cache, Collective& team,
                 const Stopping& stopping, results::TrialRecord& record) {
  Fit fit;
  fit.train = spec.linear.refit ? train_and_validation(*spec.fold) : spec.fold->train;
  fit.prepared = cache.get(*spec.dataset, fit.train, spec.prepare, at::kDouble);
  const data::FoldTensors& tensors = fit.prepared->tensors;
  std::vector<std::int64_t> label;
  for (std::int32_t r : fit.train)
    label.push_back(spec.dataset->label[static_cast<std::size_t>(r)]);
  fit.linear = fit_linear(side_by_side(tensors, fit.train), label, spec.model.classes,
                          spec.linear.C, spec.objective, team, stopping);
  record.cost.steps = fit.linear.iterations;
  if (!spec.linear.refit && !spec.fold->validation.empty()) {
    record.result.validation = named(evaluate_linear(fit.linear, tensors, spec.fold->validation));
  }
  add_warnings(record.result.warnings, fit.prepared->fitted.warnings);
  return fit;
}

// The test rows are looked at here, once, and nowhere before.
Evaluation evaluate_test(const TrialSpec& spec, const Fit& fit, const Rows& rows,
                         Collective& team) {
  if (!fit.network) return evaluate_linear(fit.linear, fit.prepared->tensors, rows);
  const data::FoldTensors* folds[] = {&fit.prepared->tensors};
  const std::vector<std::int64_t> order[] = {{rows.begin(), rows.end()}};
  const std::vector<StreamKey> keys{trial_key(spec.seed, spec.fold->name)};
  const auto objective =
      make_objective({spec.objective}, class_counts(*spec.dataset, fit.train, spec.model.classes),
                     spec.model.dtype);
  const double temperature[] = {spec.objective.loss_temperature};
  return evaluate(*fit.network, *objective, evaluation_rows(folds, order), keys, team,
                  temperature)[0];
}

results::TargetResult target_result(const TrialSpec& spec, const Fit& fit, const Rows& rows,
                                    const Evaluation& test) {
  const data::Dataset& dataset = *spec.dataset;
  results::TargetResult target;
  target.spec = dataset.target;
  const at::Tensor counts = class_counts(dataset, fit.train, spec.model.classes);
  for (std::int64_t c = 0; c < spec.model.classes; ++c) {
    target.train_counts.push_back(std::llround(counts.const_data_ptr<double>()[c]));
  }
  const auto classes = static_cast<std::size_t>(spec.model.classes);
  target.confusion.assign(classes * classes, 0);  // protocol all tests nothing
  if (rows.empty()) return target;
  target.confusion = test.confusion.counts;
  if (spec.predictions == "none") return target;
  for (std::int32_t r : rows) {
    target.sample.push_back(dataset.row[static_cast<std::size_t>(r)]);
    target.truth.push_back(dataset.label[static_cast<std::size_t>(r)]);
  }
  target.predicted = test.predicted;
  if (spec.predictions == "all") target.probability = test.probability;
  return target;
}

std::vector<std::uint8_t> saved_model(const TrialSpec& spec, const Fit& fit) {
  ModelFile file;
  file.id = spec.id.hex();
  file.canonical = spec.canonical;
  file.dataset = spec.dataset->name;
  file.target = spec.dataset->target.name;
  file.classes = spec.dataset->target.classes;
  file.model = spec.model;
  file.prepare = spec.prepare;
  file.scalers = fit.prepared->fitted.scalers;
  if (fit.network) {
    file.temperature = spec.objective.loss_temperature;
    file.weights = models::weights_of(*fit.network, 0);
  } else {
    file.model.dtype = at::kDouble;
    file.weights.tensors = {{"bias", fit.linear.bias}, {"weight", fit.linear.weight}};
  }
  return encode_model(file);
}

std::string instruction_set() {
  std::string name = at::get_cpu_capability();
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name;
}

void check(const TrialSpec& spec) {
  EMO_CHECK(spec.dataset && spec.fold, "a trial has a dataset and a fold");
  EMO_CHECK(spec.model.inputs == spec.prepare.modalities, "the model reads what is prepared");
  EMO_CHECK(spec.model.classes == static_cast<std::int64_t>(spec.dataset->target.classes.size()),
            "the model has the dataset's classes");
  if (spec.predictions != "all" && spec.predictions != "labels" && spec.predictions != "none") {
    throw InputError("predictions: " + spec.predictions + " is unknown (all, labels, none)");
  }
}

Trained train_trial(const TrialSpec& spec, FoldCache& cache, Collective& team,
                    const Stopping& stopping, const CheckpointOptions& checkpoints) {
  check(spec);
  Trained trained;
  results::TrialRecord& record = trained.record;
  record.id = spec.id;
  record.canonical = spec.canonical;
  record.instructions = instruction_set();
  const Fit fit = spec.model.model == "linear"
                      ? train_linear(spec, cache, team, stopping, record)
                      : train_network(spec, cache, team, stopping, checkpoints, record);
  Rows test = spec.fold->test;
  std::sort(test.begin(), test.end(), [&](std::int32_t a, std::int32_t b) {
    return spec.dataset->row[static_cast<std::size_t>(a)] <
           spec.dataset->row[static_cast<std::size_t>(b)];
  });
  Evaluation evaluation;
  if (!test.empty()) {
    evaluation = evaluate_test(spec, fit, test, team);
    record.result.test = named(evaluation);
  }
  record.result.train_rows = static_cast<std::int64_t>(fit.train.size());
  record.result.validation_rows = static_cast<std::int64_t>(spec.fold->validation.size());
  record.result.test_rows = static_cast<std::int64_t>(test.size());
  record.result.targets.push_back(target_result(spec, fit, test, evaluation));
  if (spec.save_models) {
    trained.weights = saved_model(spec, fit);
    record.weights_sha256 = sha256(std::span<const std::uint8_t>(*trained.weights)).hex();
  }
  return trained;
}

}  // namespace

std::vector<Trained> train_trials(std::span<const TrialSpec> specs, FoldCache& cache,
                                  Collective& team, const Stopping& stopping,
                                  const CheckpointOptions& checkpoints) {
  std::vector<Trained> trained;
  for (const TrialSpec& spec : specs) {
    trained.push_back(train_trial(spec, cache, team, stopping, checkpoints));
  }
  return trained;
}

}  // namespace emosweep::trainer
