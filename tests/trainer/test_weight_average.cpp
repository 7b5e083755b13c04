// The moving average of weights: against the weights of every step, and where it takes their place.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "../data/recordings.h"
#include "models/weights.h"
#include "synthetic.h"
#include "team_trials.h"
#include "trainer/fold_cache.h"

namespace emosweep::trainer {
namespace {

Trained train(const TrialSpec& spec) {
  FoldCache cache;
  Alone team;
  return trained_or_throw(train_trials({&spec, 1}, cache, team, {})[0]);
}

models::NamedTensors weights_of(const Trained& trained) {
  return models::parse_safetensors(*trained.weights, "weights");
}

struct WeightAverages : testing::Test {
  data::Dataset dataset = test::dataset_of(120, 2.5);
  data::Fold fold = test::fold_of(dataset);
  TrialSpec spec = test::spec_of(dataset, fold);

  WeightAverages() { spec.save_models = true; }

  // One step an epoch at a constant rate: a trial of t epochs has the weights after t steps.
  models::NamedTensors average_by_hand(double decay, std::int64_t steps) {
    TrialSpec plain = spec;
    plain.loop.ema_decay = 0;
    plain.loop.selection_metric = "last";
    const StreamKey key = trial_key(spec.seed, fold.name);
    const auto start = models::make_model(spec.model, {&key, 1});
    models::NamedTensors average = models::weights_of(*start, 0);
    for (auto& [name, value] : average.tensors) value = value.clone();
    for (std::int64_t t = 1; t <= steps; ++t) {
      plain.loop.epochs = t;
      const models::NamedTensors now = weights_of(train(plain));
      const double d =
          std::min(decay, (1.0 + static_cast<double>(t)) / (10.0 + static_cast<double>(t)));
      for (auto& [name, value] : average.tensors) {
        const auto same =
            std::find_if(now.tensors.begin(), now.tensors.end(),
                         [&, &n = name](const auto& other) { return other.first == n; });
        value.mul_(d).add_(same->second, 1 - d);
      }
    }
    return average;
  }

  void expect_average_by_hand() {
    spec.model.dtype = at::kDouble;
    spec.loop.batch_size = 80;
    spec.loop.epochs = 6;
    spec.loop.ema_decay = .35;  // from the fourth step on smaller than (1 + t) / (10 + t)
    spec.loop.selection_metric = "last";
    const models::NamedTensors made = weights_of(train(spec)),
                               wanted = average_by_hand(spec.loop.ema_decay, 6);
    ASSERT_GE(made.tensors.size(), wanted.tensors.size());
    for (const auto& [name, value] : wanted.tensors) {
      const auto same =
          std::find_if(made.tensors.begin(), made.tensors.end(),
                       [&, &n = name](const auto& other) { return other.first == n; });
      ASSERT_NE(same, made.tensors.end()) << name;
      EXPECT_LE(difference(same->second, value), 1e-13) << name;
    }
  }
};

TEST_F(WeightAverages, FollowTheWeightsOfEveryStep) { expect_average_by_hand(); }

TEST_F(WeightAverages, WithFusedKernels) {
  spec.model.kernels = models::Kernels::fused;
  expect_average_by_hand();
}

TEST_F(WeightAverages, OfBatchNormsRunningValuesToo) {
  const data::Folder folder;
  use_recordings(dataset, spec, folder);
  expect_average_by_hand();
}

// Validation chooses among averages: the epoch's curves, scores and weights are theirs.
TEST_F(WeightAverages, AreWhatIsValidatedTestedAndSaved) {
  spec.loop.epochs = 15;
  spec.loop.ema_decay = .9;
  const Trained selected = train(spec);
  const std::int64_t best = selected.record.result.best_epoch;
  ASSERT_LT(best, 14);
  spec.loop.epochs = best + 1;
  spec.loop.selection_metric = "last";
  const Trained last = train(spec);
  EXPECT_EQ(*last.weights, *selected.weights);
  EXPECT_EQ(last.record.result.targets[0].probability,
            selected.record.result.targets[0].probability);
  EXPECT_EQ(test::curve_of(last.record, "validation_loss").back(),
            test::curve_of(selected.record, "validation_loss")[static_cast<std::size_t>(best)]);

  spec.loop.ema_decay = 0;
  const Trained plain = train(spec);
  EXPECT_NE(*plain.weights, *last.weights);
  EXPECT_NE(test::curve_of(plain.record, "validation_loss"),
            test::curve_of(last.record, "validation_loss"));
  EXPECT_EQ(test::curve_of(plain.record, "train_loss"), test::curve_of(last.record, "train_loss"))
      << "the average does not change how the weights are trained";
}

TEST_F(WeightAverages, ARefitHasItsOwn) {
  spec.loop.epochs = 10;
  spec.loop.ema_decay = .8;
  spec.loop.refit = true;
  const Trained refit = train(spec);
  data::Fold joined = fold;
  joined.train.insert(joined.train.end(), fold.validation.begin(), fold.validation.end());
  std::sort(joined.train.begin(), joined.train.end());
  joined.validation.clear();
  spec.fold = &joined;
  spec.loop.refit = false;
  spec.loop.epochs = refit.record.result.best_epoch + 1;
  EXPECT_EQ(*train(spec).weights, *refit.weights);
}

TEST_F(WeightAverages, ADecayOfOneIsRefused) {
  spec.loop.ema_decay = 1;
  EXPECT_THROW(train(spec), InputError);
}

}  // namespace
}  // namespace emosweep::trainer
