#include "trainer/trial.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "data/target_counts.h"
#include "data/text/wordpiece.h"
#include "models/fusion.h"
#include "models/weights.h"
#include "trainer/instructions.h"
#include "trainer/model_file.h"
#include "trainer/predict.h"
#include "trainer/trial_run.h"

namespace emosweep::trainer {

std::vector<std::int32_t> train_and_validation(const data::Fold& fold) {
  std::vector<std::int32_t> rows;
  std::merge(fold.train.begin(), fold.train.end(), fold.validation.begin(), fold.validation.end(),
             std::back_inserter(rows));
  return rows;
}

// What records list rows in.
std::vector<std::int32_t> in_table_order(const data::Dataset& dataset,
                                         std::vector<std::int32_t> rows) {
  std::sort(rows.begin(), rows.end(), [&](std::int32_t a, std::int32_t b) {
    return dataset.row[static_cast<std::size_t>(a)] < dataset.row[static_cast<std::size_t>(b)];
  });
  return rows;
}

at::Tensor class_counts(const data::Dataset& dataset, std::span<const std::int32_t> rows) {
  const std::vector<std::int64_t> counts = data::target_counts(dataset, rows);
  at::Tensor result = at::empty({1, std::ssize(counts)}, at::kDouble);
  std::copy(counts.begin(), counts.end(), result.mutable_data_ptr<double>());
  return result;
}

void add_warnings(std::vector<std::string>& all, const std::vector<std::string>& more) {
  for (const std::string& w : more) {
    if (std::find(all.begin(), all.end(), w) == all.end()) all.push_back(w);
  }
}

namespace {

using Rows = std::vector<std::int32_t>;

bool is_linear(const TrialSpec& spec) { return spec.model.model == "linear"; }

results::NamedValues named(const Evaluation& e) {
  results::NamedValues values = e.scores;
  values.emplace_back("loss", e.loss);
  return values;
}

void train_linear(TrialRun& run, const Workplace& place) {
  const TrialSpec& spec = *run.spec;
  results::TrialRecord& record = run.trained.record;
  run.train = spec.linear.refit ? train_and_validation(*spec.fold) : spec.fold->train;
  run.prepared = place.cache.get(*spec.dataset, run.train, spec.prepare, at::kDouble);
  const data::FoldTensors& tensors = run.prepared->tensors;
  std::vector<std::int64_t> label;
  for (std::int32_t r : run.train)
    label.push_back(spec.dataset->label[static_cast<std::size_t>(r)]);
  run.linear = fit_linear(side_by_side(tensors, run.train), label, spec.model.classes,
                          spec.linear.C, spec.objective, place.team, place.stopping);
  record.cost.steps = run.linear.iterations;
  if (!spec.linear.refit && !spec.fold->validation.empty()) {
    const Evaluation validation =
        evaluate_linear(run.linear, tensors, in_table_order(*spec.dataset, spec.fold->validation));
    record.result.validation = named(validation);
    if (spec.validation_predictions)
      run.validation_probability.assign(validation.probability.begin(),
                                        validation.probability.end());
  }
  add_warnings(record.result.warnings, run.prepared->fitted.warnings);
}

// The labels of one row.
void add_truth(const data::Dataset& dataset, std::int32_t row, std::vector<std::int32_t>& truth) {
  const auto outputs = static_cast<std::ptrdiff_t>(target_outputs(dataset.target));
  const auto first = dataset.label.begin() + row * outputs;
  truth.insert(truth.end(), first, first + outputs);
}

results::TargetResult target_result(const TrialRun& run, const Rows& rows, const Evaluation& test) {
  const TrialSpec& spec = *run.spec;
  const data::Dataset& dataset = *spec.dataset;
  results::TargetResult target;
  target.spec = dataset.target;
  target.train_counts = data::target_counts(dataset, run.train);
  target.confusion = results::Confusion(dataset.target).counts;  // protocol all tests nothing
  target.thresholds = run.thresholds;
  if (dataset.target.kind == TargetKind::regression)
    target.train_mean = data::target_means(dataset, run.train);
  if (!run.validation_probability.empty()) {
    for (const std::int32_t r : in_table_order(dataset, spec.fold->validation)) {
      target.validation.sample.push_back(dataset.row[static_cast<std::size_t>(r)]);
      add_truth(dataset, r, target.validation.truth);
    }
    target.validation.probability.assign(run.validation_probability.begin(),
                                         run.validation_probability.end());
  }
  if (rows.empty()) return target;
  target.confusion = test.confusion.counts;
  if (spec.predictions == "none") return target;
  const bool values = dataset.target.kind == TargetKind::regression;
  const auto outputs = static_cast<std::ptrdiff_t>(target_outputs(dataset.target));
  for (std::int32_t r : rows) {
    target.sample.push_back(dataset.row[static_cast<std::size_t>(r)]);
    const auto first = dataset.value.begin() + (values ? r * outputs : 0);
    if (values)
      target.true_value.insert(target.true_value.end(), first, first + outputs);
    else
      add_truth(dataset, r, target.truth);
  }
  target.predicted = test.predicted;
  target.predicted_value = test.value;
  if (spec.predictions == "all") target.probability = test.probability;
  return target;
}

std::vector<std::uint8_t> saved_model(const TrialRun& run) {
  const TrialSpec& spec = *run.spec;
  ModelFile file;
  file.id = spec.id.hex();
  file.canonical = spec.canonical;
  file.dataset = spec.dataset->name;
  file.target = spec.dataset->target.name;
  file.kind = spec.dataset->target.kind;
  file.outputs = spec.dataset->target.outputs;
  file.classes = spec.dataset->target.classes;
  file.thresholds = run.thresholds;
  file.model = spec.model;
  file.prepare = spec.prepare;
  file.scalers = run.prepared->fitted.scalers;
  if (run.network) {
    file.temperature = spec.objective.loss_temperature;
    file.weights = models::weights_of(*run.network, run.row);
    if (models::is_text_model(file.model.model))
      file.tokenizer = data::WordPiece::load(spec.prepare.encoder).json();
  } else {
    file.model.dtype = at::kDouble;
    file.weights.tensors = {{"bias", run.linear.bias}, {"weight", run.linear.weight}};
  }
  return encode_model(file);
}

void check(const TrialSpec& spec) {
  EMO_CHECK(spec.dataset && spec.fold, "a trial has a dataset and a fold");
  EMO_CHECK(spec.model.inputs == spec.prepare.modalities, "the model reads what is prepared");
  EMO_CHECK(spec.model.classes == target_width(spec.dataset->target),
            "the model's head is as wide as the dataset's target");
  if (is_linear(spec) && spec.dataset->target.kind != TargetKind::single)
    throw InputError("model: linear takes single labels");
  if (spec.predictions != "all" && spec.predictions != "labels" && spec.predictions != "none") {
    throw InputError("predictions: " + spec.predictions + " is unknown (all, labels, none)");
  }
}

TrialRun begin(const TrialSpec& spec) {
  check(spec);
  TrialRun run;
  run.spec = &spec;
  results::TrialRecord& record = run.trained.record;
  record.id = spec.id;
  record.canonical = spec.canonical;
  record.instructions = instructions_of(spec.model);
  return run;
}

TrialOutcome end(TrialRun& run, const Rows& test, const Evaluation& evaluation) {
  if (run.failure) return *run.failure;
  const TrialSpec& spec = *run.spec;
  results::TrialRecord& record = run.trained.record;
  if (!test.empty()) record.result.test = named(evaluation);
  record.result.train_rows = static_cast<std::int64_t>(run.train.size());
  record.result.validation_rows = static_cast<std::int64_t>(spec.fold->validation.size());
  record.result.test_rows = static_cast<std::int64_t>(test.size());
  record.result.targets.push_back(target_result(run, test, evaluation));
  if (spec.save_models) {
    run.trained.weights = saved_model(run);
    record.weights_sha256 = sha256(std::span<const std::uint8_t>(*run.trained.weights)).hex();
  }
  return std::move(run.trained);
}

// Steps of every epoch for so many training rows; one number where they are all the same.
std::string batches_text(std::size_t rows, const LoopOptions& loop) {
  const std::int64_t batch = std::max<std::int64_t>(loop.batch_size, 1);
  const bool paced = loop.curriculum.order != "none";
  std::string text;
  for (std::int64_t epoch = 0; epoch < (paced ? std::min(loop.curriculum.epochs, loop.epochs) : 1);
       ++epoch) {
    const std::int64_t n =
        curriculum_rows(loop.curriculum, static_cast<std::int64_t>(rows), batch, epoch);
    text += (text.empty() ? "" : ",") + std::to_string((n + batch - 1) / batch);
  }
  return text;
}

}  // namespace

std::string pack_shape(const TrialSpec& spec, const data::Fold& fold) {
  const models::ModelOptions& m = spec.model;
  if (is_linear(spec) || models::is_image_model(m.model) || models::is_text_model(m.model))
    return "";
  const std::int64_t batch = std::max<std::int64_t>(spec.loop.batch_size, 1);
  // The gradient of a large weight [in, out] stands in a tensor [K, in, out]: with other sizes its
  // parts begin on addresses of different kinds, on which MKL rounds differently (data/batch.h).
  if (m.hidden_size % data::kAlignedRows != 0 && !models::fusion_by_trial(m, batch)) return "";
  std::string text = spec.dataset->digest.hex() + ' ' + m.model + ' ' +
                     std::to_string(static_cast<int>(m.fusion)) + ' ' +
                     std::to_string(m.hidden_size) + ' ' + std::to_string(m.tokens) + ' ' +
                     std::to_string(m.heads) + ' ' + std::to_string(m.classes) + ' ' +
                     at::toString(m.dtype) + ' ' + std::to_string(static_cast<int>(m.kernels)) +
                     ' ' + spec.optimizer.optimizer + ' ' + spec.objective.loss + ' ' +
                     std::to_string(spec.loop.epochs) + ' ' + std::to_string(spec.loop.batch_size) +
                     ' ' + batches_text(fold.train.size(), spec.loop) + ' ' +
                     (fold.validation.empty() ? "none" : "validation");
  if (spec.objective.contrastive_weight > 0) text += " contrastive";
  if (spec.loop.refit) {
    text += ' ' + batches_text(fold.train.size() + fold.validation.size(), spec.loop);
  }
  for (const std::string& input : m.inputs) text += '\n' + input;
  return text;
}

std::vector<TrialOutcome> train_trials(std::span<const TrialSpec> specs, FoldCache& cache,
                                       Collective& team, const Stopping& stopping,
                                       const CheckpointOptions& checkpoints,
                                       const TellEpoch& tell_epoch) {
  const Workplace place{cache, team, stopping, tell_epoch};
  std::vector<TrialRun> runs;
  std::vector<Rows> tests;
  for (const TrialSpec& spec : specs) {
    runs.push_back(begin(spec));
    runs.back().number = runs.size() - 1;
    tests.push_back(in_table_order(*spec.dataset, spec.fold->test));
    const std::string shape = pack_shape(spec, *spec.fold);
    EMO_CHECK(
        specs.size() == 1 || (!shape.empty() && shape == pack_shape(specs[0], *specs[0].fold)),
        "the trials of a pack are networks of one shape");
  }
  std::vector<Evaluation> evaluations(runs.size());
  // The test rows are looked at here, once, and nowhere before.
  if (specs.size() == 1 && is_linear(specs[0])) {
    train_linear(runs[0], place);
    if (!tests[0].empty()) {
      evaluations[0] = evaluate_linear(runs[0].linear, runs[0].prepared->tensors, tests[0]);
    }
  } else if (!specs.empty()) {
    train_networks(runs, place, checkpoints);
    evaluations = test_networks(runs, tests, place);
  }
  std::vector<TrialOutcome> outcomes;
  for (std::size_t k = 0; k < runs.size(); ++k) {
    outcomes.push_back(end(runs[k], tests[k], evaluations[k]));
  }
  return outcomes;
}

Trained trained_or_throw(TrialOutcome outcome) {
  if (const TrialError* failure = std::get_if<TrialError>(&outcome)) throw TrialError(*failure);
  return std::get<Trained>(std::move(outcome));
}

}  // namespace emosweep::trainer
