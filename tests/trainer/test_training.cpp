// Whole trials on a small problem: what is selected, what is repeated, what is never looked at.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "synthetic.h"
#include "trainer/fold_cache.h"
#include "trainer/loop.h"

namespace emosweep::trainer {
namespace {

using test::curve_of;
using test::spec_of;
using test::value_of;

Trained train(const TrialSpec& spec, const Stopping& stopping = {}) {
  FoldCache cache;
  Alone team;
  return trained_or_throw(train_trials({&spec, 1}, cache, team, stopping)[0]);
}

struct Training : testing::Test {
  data::Dataset dataset = test::dataset_of();
  data::Fold fold = test::fold_of(dataset);
  TrialSpec spec = spec_of(dataset, fold);

  void use_one_modality() {
    spec.prepare.modalities = spec.model.inputs = {"audio"};
    spec.model.widths = {5};
    spec.model.fusion = models::Fusion::none;
  }
};

TEST_F(Training, LearnsWithEveryFusionOptimizerAndLoss) {
  using models::Fusion;
  for (Fusion fusion : {Fusion::concat, Fusion::gated, Fusion::cross_attention}) {
    for (const char* loss : {"cross_entropy", "focal"}) {
      SCOPED_TRACE(loss);
      spec.model.fusion = fusion;
      spec.objective.loss = loss;
      const results::TrialRecord record = train(spec).record;
      EXPECT_GT(value_of(record.result.test, "accuracy"), 0.9);
      EXPECT_LT(curve_of(record, "train_loss").back(),
                0.5 * curve_of(record, "train_loss").front());
    }
  }
  spec.objective.loss = "cross_entropy";
  for (const char* optimizer : {"adam", "sgd"}) {
    SCOPED_TRACE(optimizer);
    spec.optimizer.optimizer = optimizer;
    spec.optimizer.momentum = 0.9;
    spec.optimizer.clip_norm = 1;
    spec.optimizer.weight_decay = 1e-4;
    EXPECT_GT(value_of(train(spec).record.result.test, "accuracy"), 0.9);
  }
}

TEST_F(Training, TheRecordHoldsWhatHappened) {
  spec.optimizer.schedule = "linear";
  const results::TrialRecord record = train(spec).record;
  const results::Outcome& result = record.result;
  EXPECT_EQ(record.id, spec.id);
  EXPECT_EQ(record.canonical, spec.canonical);
  EXPECT_FALSE(record.instructions.empty());
  EXPECT_EQ(result.epochs, 12);
  EXPECT_EQ(record.cost.steps, 12 * 5);
  EXPECT_EQ(result.train_rows, 80);
  EXPECT_EQ(result.validation_rows, 20);
  EXPECT_EQ(result.test_rows, 20);
  for (const char* name : {"train_loss", "train_cross_entropy", "lr", "validation_loss",
                           "validation_macro_f1", "validation_accuracy"}) {
    EXPECT_EQ(curve_of(record, name).size(), 12u) << name;
  }
  EXPECT_NEAR(curve_of(record, "lr")[0], 0.01 * (1 - 4 / 60.0), 1e-15);
  const results::TargetResult& target = result.targets.at(0);
  ASSERT_EQ(target.sample.size(), 20u);
  EXPECT_EQ(target.sample[1], 106);
  EXPECT_EQ(target.truth[1], dataset.label[6]);
  std::vector<std::int64_t> confusion(9, 0), counts(3, 0);
  for (std::int32_t r : fold.train)
    ++counts[static_cast<std::size_t>(dataset.label[static_cast<std::size_t>(r)])];
  for (std::size_t i = 0; i < 20; ++i) {
    ++confusion[static_cast<std::size_t>(target.truth[i]) * 3 +
                static_cast<std::size_t>(target.predicted[i])];
    const float* p = target.probability.data() + 3 * i;
    EXPECT_NEAR(p[0] + p[1] + p[2], 1, 1e-6);
    EXPECT_EQ(std::max_element(p, p + 3) - p, target.predicted[i]);
  }
  EXPECT_EQ(target.confusion, confusion);
  EXPECT_EQ(target.train_counts, counts);

  spec.predictions = "labels";
  const results::TargetResult labels = train(spec).record.result.targets[0];
  EXPECT_EQ(labels.predicted, target.predicted);
  EXPECT_TRUE(labels.probability.empty());
  spec.predictions = "none";
  const results::TargetResult none = train(spec).record.result.targets[0];
  EXPECT_TRUE(none.predicted.empty() && none.sample.empty() && none.truth.empty());
  EXPECT_EQ(none.confusion, target.confusion);
}

TEST_F(Training, TheSameTrialGivesTheSameRecord) {
  spec.save_models = true;
  const Trained a = train(spec), b = train(spec);
  EXPECT_EQ(results::result_digest(a.record), results::result_digest(b.record));
  EXPECT_EQ(*a.weights, *b.weights);
  spec.seed = 4;
  EXPECT_NE(*train(spec).weights, *a.weights);
}

TEST_F(Training, ValidationPredictionsAreThoseOfTheSelectedWeightsBeforeARefit) {
  dataset = test::dataset_of(120, 2.5);  // hard enough that the last epoch is not the best
  spec.loop.epochs = 25;
  spec.validation_predictions = true;
  for (const bool refit : {false, true}) {
    spec.loop.refit = refit;
    const results::TrialRecord record = train(spec).record;
    ASSERT_LT(record.result.best_epoch, 24);
    const auto& validation = record.result.targets.at(0).validation;
    ASSERT_EQ(validation.sample.size(), 20u);
    EXPECT_TRUE(std::is_sorted(validation.sample.begin(), validation.sample.end()));
    double loss = 0;
    for (std::size_t i = 0; i < 20; ++i) {
      const auto row = static_cast<std::size_t>(validation.sample[i] - 100);
      EXPECT_EQ(validation.truth[i], dataset.label[row]);
      EXPECT_EQ(row % 6, 1u);
      loss -=
          std::log(validation.probability[3 * i + static_cast<std::size_t>(validation.truth[i])]);
    }
    EXPECT_NEAR(loss / 20, value_of(record.result.validation, "loss"), 1e-5);
  }
  const std::string with = results::result_digest(train(spec).record).hex();
  spec.validation_predictions = false;
  const results::TrialRecord without = train(spec).record;
  EXPECT_TRUE(without.result.targets[0].validation.sample.empty());
  EXPECT_NE(results::result_digest(without).hex(), with);
}

TEST_F(Training, TheBestEpochIsTheOptimumOfTheStoredCurve) {
  dataset = test::dataset_of(120, 2.5);  // hard enough that the last epoch is not the best
  spec.loop.epochs = 25;
  for (const std::string metric : {"loss", "macro_f1", "accuracy", "uar", "weighted_f1"}) {
    SCOPED_TRACE(metric);
    spec.loop.selection_metric = metric;
    const results::TrialRecord record = train(spec).record;
    std::vector<double> curve = curve_of(record, "validation_" + metric);
    ASSERT_EQ(curve.size(), 25u);
    if (metric == "loss") {
      for (double& v : curve) v = -v;
    }
    const auto best = std::max_element(curve.begin(), curve.end()) - curve.begin();
    EXPECT_EQ(record.result.best_epoch, best);
    EXPECT_LT(best, 24);
    EXPECT_EQ(value_of(record.result.validation, metric),
              metric == "loss" ? -curve[static_cast<std::size_t>(best)]
                               : curve[static_cast<std::size_t>(best)]);
  }
}

TEST_F(Training, TheBestWeightsAreThoseOfTheBestEpoch) {
  dataset = test::dataset_of(120, 2.5);
  spec.loop.epochs = 25;
  spec.save_models = true;
  const Trained selected = train(spec);
  ASSERT_LT(selected.record.result.best_epoch, 24);
  spec.loop.epochs =
      selected.record.result.best_epoch + 1;  // constant lr: a prefix of the same path
  spec.loop.selection_metric = "last";
  EXPECT_EQ(*train(spec).weights, *selected.weights);
}

TEST_F(Training, EarlyStoppingEndsAfterItsPatience) {
  dataset = test::dataset_of(120, 2.5);
  spec.loop.epochs = 200;
  spec.loop.patience = 4;
  const results::Outcome result = train(spec).record.result;
  EXPECT_LT(result.epochs, 200);
  EXPECT_EQ(result.epochs - 1 - result.best_epoch, 4);
  EXPECT_EQ(result.curves[0].values.size(), static_cast<std::size_t>(result.epochs));
}

TEST_F(Training, RefitEqualsAFreshRunOnTrainAndValidation) {
  dataset = test::dataset_of(120, 2.5);
  spec.loop.epochs = 20;
  spec.loop.refit = true;
  spec.save_models = true;
  const Trained refit = train(spec);
  const std::int64_t best = refit.record.result.best_epoch;
  ASSERT_LT(best, 19);
  EXPECT_EQ(refit.record.result.train_rows, 100);
  EXPECT_EQ(refit.record.cost.steps, 20 * 5 + (best + 1) * 7);

  data::Fold joined = fold;
  joined.train.insert(joined.train.end(), fold.validation.begin(), fold.validation.end());
  std::sort(joined.train.begin(), joined.train.end());
  joined.validation.clear();
  TrialSpec fresh = spec;
  fresh.fold = &joined;
  fresh.loop.refit = false;
  fresh.loop.epochs = best + 1;
  const Trained again = train(fresh);
  EXPECT_EQ(*again.weights, *refit.weights);
  EXPECT_EQ(again.record.result.targets[0].probability, refit.record.result.targets[0].probability);
}

TEST_F(Training, ProtocolAllKeepsTheLastEpochAndTestsNothing) {
  data::Fold all;
  all.name = "all";
  for (std::int32_t r = 0; r < dataset.size(); ++r) all.train.push_back(r);
  spec.fold = &all;
  spec.loop.patience = 1;
  for (const std::string model : {"mlp", "linear"}) {
    spec.model.model = model;
    const results::TrialRecord record = train(spec).record;
    const results::Outcome& result = record.result;
    EXPECT_EQ(result.best_epoch, model == "mlp" ? 11 : -1);
    EXPECT_EQ(result.train_rows, 120);
    EXPECT_TRUE(result.test.empty() && result.validation.empty());
    EXPECT_TRUE(result.targets[0].sample.empty());
    EXPECT_EQ(result.targets[0].confusion, std::vector<std::int64_t>(9, 0));
    EXPECT_FALSE(results::encode_record(record).empty());
  }
}

TEST_F(Training, TestRowsChangeNoWeightAndNoChoice) {
  spec.save_models = true;
  for (const std::string model : {"mlp", "linear"}) {
    SCOPED_TRACE(model);
    spec.model.model = model;
    const Trained before = train(spec);
    data::Dataset changed = dataset;
    changed.digest = sha256("changed");
    for (std::int32_t r : fold.test) {
      const auto row = static_cast<std::size_t>(r);
      changed.label[row] = (changed.label[row] + 1) % 3;
      for (std::size_t c = 0; c < 5; ++c) changed.modalities[0].values[row * 5 + c] = 1e3;
    }
    TrialSpec other = spec;
    other.dataset = &changed;
    const Trained after = train(other);
    EXPECT_EQ(*after.weights, *before.weights);
    EXPECT_EQ(after.record.result.best_epoch, before.record.result.best_epoch);
    EXPECT_NE(value_of(after.record.result.test, "accuracy"),
              value_of(before.record.result.test, "accuracy"));
  }
}

TEST_F(Training, Float64AndFloat32Agree) {
  spec.loop.epochs = 3;
  const results::TrialRecord single = train(spec).record;
  spec.model.dtype = at::kDouble;
  const results::TrialRecord twice = train(spec).record;
  for (std::size_t i = 0; i < 60; ++i) {
    EXPECT_NEAR(single.result.targets[0].probability[i], twice.result.targets[0].probability[i],
                1e-3);
  }
  EXPECT_NEAR(curve_of(single, "train_loss")[2], curve_of(twice, "train_loss")[2], 1e-4);
}

TEST_F(Training, LeavesAtTheNextStepWhenAsked) {
  for (const std::string model : {"mlp", "linear"}) {
    spec.model.model = model;
    int asked = 0;
    EXPECT_THROW(train(spec, [&] { return ++asked == 7; }), Interrupted);
    EXPECT_EQ(asked, 7);
  }
}

TEST_F(Training, ANonFiniteLossFailsTheTrialWithItsPlace) {
  spec.optimizer.lr = 1e30;
  spec.optimizer.optimizer = "sgd";
  try {
    train(spec);
    FAIL() << "the trial should have failed";
  } catch (const TrialError& e) {
    EXPECT_EQ(e.reason(), "non_finite");
    EXPECT_NE(std::string(e.what()).find("at epoch 0, step "), std::string::npos) << e.what();
  }
}

TEST_F(Training, AWeightThatOverflowsInTheLastStepFailsTheTrial) {
  spec.loop.epochs = 1;
  spec.loop.batch_size = 80;  // one step
  spec.loop.selection_metric = "last";
  spec.optimizer.lr = 1e39;
  EXPECT_THROW(train(spec), TrialError);
}

TEST_F(Training, ARefitRepeatsTheLearningRates) {
  FoldCache cache;
  Alone team;
  const auto prepared = cache.get(dataset, fold.train, spec.prepare, at::kFloat);
  spec.optimizer.schedule = "cosine";
  spec.optimizer.warmup_epochs = 1.5;
  const std::vector<StreamKey> keys{trial_key(3, "s0")};
  const auto rates = [&](std::int64_t run_epochs) {
    const auto model = models::make_model(spec.model, keys);
    const auto objective = make_objective({{}}, at::ones({1, 3}), at::kFloat);
    Pack pack{*model, *objective,       {&prepared->tensors}, {fold.train}, {{}},
              keys,   {spec.optimizer}, {spec.loop},          {run_epochs}};
    return train_pack(pack, team, {})[0];
  };
  const LoopResult whole = rates(12), part = rates(5);
  EXPECT_EQ(part.epochs, 5);
  EXPECT_EQ(part.best_epoch, 4);
  for (std::size_t c = 0; c < part.curves.size(); ++c) {
    const std::vector<double>& all = whole.curves[c].values;
    EXPECT_EQ(part.curves[c].values, std::vector<double>(all.begin(), all.begin() + 5));
  }
  // Steps 0 to 7 of 60 warm up; the first epoch ends with step 4.
  const std::vector<double>& lr =
      std::find_if(whole.curves.begin(), whole.curves.end(), [](const results::Curve& c) {
        return c.name == "lr";
      })->values;
  EXPECT_DOUBLE_EQ(lr[0], 0.01 * 5 / 8);
  EXPECT_NEAR(lr[11], 0.01 * (1 + std::cos(M_PI * 51 / 52)) / 2, 1e-15);
}

TEST_F(Training, LinearPredictsAndRefits) {
  spec.model.model = "linear";
  const results::Outcome plain = train(spec).record.result;
  EXPECT_GT(value_of(plain.test, "accuracy"), 0.9);
  EXPECT_GT(value_of(plain.validation, "accuracy"), 0.9);
  EXPECT_EQ(plain.best_epoch, -1);
  EXPECT_EQ(plain.epochs, 0);
  spec.linear.refit = true;
  const results::Outcome refit = train(spec).record.result;
  EXPECT_EQ(refit.train_rows, 100);
  EXPECT_TRUE(refit.validation.empty());
  EXPECT_NE(refit.targets[0].probability, plain.targets[0].probability);
}

TEST_F(Training, APackComputesWhatItsTrialsComputeAlone) {
  for (models::Kernels kernels : {models::Kernels::torch, models::Kernels::fused}) {
    SCOPED_TRACE(static_cast<int>(kernels));
    spec.model.kernels = kernels;
    FoldCache cache;
    const auto prepared = cache.get(dataset, fold.train, spec.prepare, at::kFloat);
    const at::Tensor counts = at::ones({1, 3});
    std::vector<TrialSpec> specs(3, spec);
    for (std::size_t k = 0; k < 3; ++k) {
      specs[k].seed = 10 + k;
      specs[k].optimizer.lr = 0.01 / static_cast<double>(k + 1);
      specs[k].objective.loss = "focal";
      specs[k].objective.focal_gamma = static_cast<double>(k);
      specs[k].loop.patience = k == 1 ? 1 : 0;  // one trial stops early, the others go on
      specs[k].loop.selection_metric = "accuracy";
    }
    Alone team;
    const auto run = [&](std::span<const TrialSpec> some) {
      std::vector<StreamKey> keys;
      std::vector<ObjectiveOptions> objectives;
      for (const TrialSpec& s : some) {
        keys.push_back(trial_key(s.seed, "s0"));
        objectives.push_back(s.objective);
      }
      const auto model = models::make_model(spec.model, keys);
      const auto K = static_cast<std::int64_t>(some.size());
      const auto objective = make_objective(objectives, counts.repeat({K, 1}), at::kFloat);
      Pack pack{*model, *objective, {}, {}, {}, keys, {}, {}, {}};
      for (const TrialSpec& s : some) {
        pack.folds.push_back(&prepared->tensors);
        pack.train.push_back(fold.train);
        pack.validation.push_back(fold.validation);
        pack.optimizer.push_back(s.optimizer);
        pack.loop.push_back(s.loop);
      }
      const std::vector<LoopResult> results = train_pack(pack, team, {});
      return std::make_pair(model->flat().clone(), results);
    };
    const auto [together, results] = run(specs);
    EXPECT_LT(results[1].epochs, 12);
    for (std::size_t k = 0; k < 3; ++k) {
      SCOPED_TRACE(k);
      const auto [alone, result] = run({&specs[k], 1});
      EXPECT_TRUE(at::equal(together[static_cast<std::int64_t>(k)], alone[0]));
      EXPECT_EQ(results[k].best_epoch, result[0].best_epoch);
      EXPECT_EQ(results[k].epochs, result[0].epochs);
      EXPECT_EQ(results[k].steps, result[0].steps);
      for (std::size_t c = 0; c < result[0].curves.size(); ++c) {
        EXPECT_EQ(results[k].curves[c].values, result[0].curves[c].values);
      }
    }
  }
}

TEST_F(Training, FoldTensorsAreKeptWithinTheirBound) {
  FoldCache cache(8000);  // one fold of 120 rows x 8 float32 takes about 5 KB
  const auto a = cache.get(dataset, fold.train, spec.prepare, at::kFloat);
  EXPECT_EQ(cache.get(dataset, fold.train, spec.prepare, at::kFloat), a);
  EXPECT_EQ(cache.hits(), 1);
  const auto b = cache.get(dataset, fold.validation, spec.prepare, at::kFloat);
  EXPECT_NE(a, b);
  EXPECT_LE(cache.bytes(), 8000u);
  EXPECT_NE(cache.get(dataset, fold.train, spec.prepare, at::kFloat), a);  // it had to go
  EXPECT_NE(cache.get(dataset, fold.train, spec.prepare, at::kDouble)->tensors.x[0].scalar_type(),
            at::kFloat);
  EXPECT_EQ(cache.hits(), 1);
}

}  // namespace
}  // namespace emosweep::trainer
