#include "trainer/trial.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
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

at::Tensor class_counts(const data::Dataset& dataset, std::span<const std::int32_t> rows,
                        std::int64_t classes) {
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

namespace {

using Rows = std::vector<std::int32_t>;

results::NamedValues named(const Evaluation& e) {
  results::NamedValues values = results::named_scores(e.confusion);
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

results::TargetResult target_result(const TrialRun& run, const Rows& rows, const Evaluation& test) {
  const TrialSpec& spec = *run.spec;
  const data::Dataset& dataset = *spec.dataset;
  results::TargetResult target;
  target.spec = dataset.target;
  const at::Tensor counts = class_counts(dataset, run.train, spec.model.classes);
  for (std::int64_t c = 0; c < spec.model.classes; ++c) {
    target.train_counts.push_back(std::llround(counts.const_data_ptr<double>()[c]));
  }
  const auto classes = static_cast<std::size_t>(spec.model.classes);
  target.confusion.assign(classes * classes, 0);  // protocol all tests nothing
  if (!run.validation_probability.empty()) {
    for (const std::int32_t r : in_table_order(dataset, spec.fold->validation)) {
      target.validation.sample.push_back(dataset.row[static_cast<std::size_t>(r)]);
      target.validation.truth.push_back(dataset.label[static_cast<std::size_t>(r)]);
    }
    target.validation.probability.assign(run.validation_probability.begin(),
                                         run.validation_probability.end());
  }
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

std::vector<std::uint8_t> saved_model(const TrialRun& run) {
  const TrialSpec& spec = *run.spec;
  ModelFile file;
  file.id = spec.id.hex();
  file.canonical = spec.canonical;
  file.dataset = spec.dataset->name;
  file.target = spec.dataset->target.name;
  file.classes = spec.dataset->target.classes;
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
  EMO_CHECK(spec.model.classes == static_cast<std::int64_t>(spec.dataset->target.classes.size()),
            "the model has the dataset's classes");
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

bool is_linear(const TrialSpec& spec) { return spec.model.model == "linear"; }

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
  if (spec.loop.refit) {
    text += ' ' + batches_text(fold.train.size() + fold.validation.size(), spec.loop);
  }
  for (const std::string& input : m.inputs) text += '\n' + input;
  return text;
}

std::vector<TrialOutcome> train_trials(std::span<const TrialSpec> specs, FoldCache& cache,
                                       Collective& team, const Stopping& stopping,
                                       const CheckpointOptions& checkpoints) {
  const Workplace place{cache, team, stopping};
  std::vector<TrialRun> runs;
  std::vector<Rows> tests;
  for (const TrialSpec& spec : specs) {
    runs.push_back(begin(spec));
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
