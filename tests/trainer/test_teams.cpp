// One rank, two and three train the same model: ranks as threads.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <map>

#include "team_trials.h"
#include "trainer/linear.h"

namespace emosweep::trainer {
namespace {

struct Teams : testing::Test {
  data::Dataset dataset = test::dataset_of();
  data::Fold fold = test::fold_of(dataset);
  TrialSpec spec = test::spec_of(dataset, fold);

  // Double: 1e-9 in every logit and in the curves. Float: 1e-4 after one epoch. Equal predictions.
  // With both kinds of kernels, which also agree with each other.
  void expect_one_is_many() {
    const TrialSpec kept = spec;
    spec.model.dtype = at::kDouble;
    const at::Tensor torch_logits = on_ranks(1, spec).logits;
    for (models::Kernels kernels : {models::Kernels::torch, models::Kernels::fused}) {
      SCOPED_TRACE(kernels == models::Kernels::torch ? "torch" : "fused");
      spec = kept;
      spec.model.kernels = kernels;
      expect_one_is_many_with(torch_logits);
    }
    spec = kept;
  }

  void expect_one_is_many_with(const at::Tensor& torch_logits) {
    spec.model.dtype = at::kDouble;
    const Outcome one = on_ranks(1, spec);
    EXPECT_LE(difference(one.logits, torch_logits), 1e-9);
    EXPECT_GT((one.end - one.start).norm().item<double>(), 0.1 * one.start.norm().item<double>())
        << "weights that do not move prove nothing";
    for (int ranks : {2, 3}) {
      SCOPED_TRACE(std::to_string(ranks) + " ranks");
      const Outcome many = on_ranks(ranks, spec);
      EXPECT_LE(difference(many.logits, one.logits), 1e-9);
      EXPECT_TRUE(at::equal(many.logits.argmax(2), one.logits.argmax(2)));
      EXPECT_EQ(many.loop.best_epoch, one.loop.best_epoch);
      EXPECT_EQ(many.loop.steps, one.loop.steps);
      ASSERT_EQ(many.loop.curves.size(), one.loop.curves.size());
      for (std::size_t c = 0; c < one.loop.curves.size(); ++c) {
        for (std::size_t e = 0; e < one.loop.curves[c].values.size(); ++e) {
          EXPECT_NEAR(many.loop.curves[c].values[e], one.loop.curves[c].values[e], 1e-9)
              << one.loop.curves[c].name << " of epoch " << e;
        }
      }
    }
    spec.model.dtype = at::kFloat;
    spec.loop.epochs = 1;
    const Outcome single = on_ranks(1, spec);
    for (int ranks : {2, 3}) {
      SCOPED_TRACE(std::to_string(ranks) + " ranks, float32");
      EXPECT_LE(difference(on_ranks(ranks, spec).logits, single.logits), 1e-4);
    }
  }
};

// Images of 6 x 8 cells; batch norm over the team's batch, and dropout.
TEST_F(Teams, ImageNetworksWithSynchronisedBatchNorm) {
  constexpr std::int64_t kWidth = 48;
  data::Modality& images = dataset.modalities[0];
  images.width = kWidth;
  images.columns.clear();
  for (std::int64_t c = 0; c < kWidth; ++c) images.columns.push_back("p" + std::to_string(c));
  images.values.resize(static_cast<std::size_t>(dataset.size() * kWidth));
  fill_normal(images.values, derive(trial_key(1, "data"), "images"), 0);
  for (std::int64_t r = 0; r < dataset.size(); ++r) {
    for (std::int64_t c = 0; c < kWidth; c += 3) {
      images.values[static_cast<std::size_t>(r * kWidth + c)] +=
          static_cast<double>(dataset.label[static_cast<std::size_t>(r)]);
    }
  }
  spec.prepare.modalities = spec.model.inputs = {"audio"};
  spec.model.widths = {kWidth};
  spec.model.fusion = models::Fusion::none;
  spec.model.model = "small_cnn";
  spec.model.image_height = 6;
  spec.model.image_width = 8;
  // The last batch of an epoch has 5 rows: of three ranks the last one has none of them.
  spec.loop.batch_size = 25;
  spec.loop.epochs = 3;
  spec.model.dtype = at::kDouble;
  expect_one_is_many_with(on_ranks(1, spec).logits);
  spec.model.dtype = at::kDouble;
  spec.loop.epochs = 3;
  spec.model.local_batch_norm = true;  // then ranks compute something else: the test can fail
  EXPECT_GT(difference(on_ranks(2, spec).logits, on_ranks(1, spec).logits), 1e-6);
}

// Everything that training draws for recordings, all at once.
TEST_F(Teams, RecordingsWithAugmentationMixupBalancedSamplerAndCurriculum) {
  const data::Folder folder;
  use_recordings(dataset, spec, folder);
  spec.loop.balanced_sampler = true;
  spec.loop.ema_decay = .8;
  spec.loop.curriculum = {"class_balance", "sqrt", 2, .5};
  spec.objective.class_weights = ClassWeights::balanced;
  spec.objective.class_weight_cap = 3;
  spec.loop.batch_size = 25;
  spec.loop.epochs = 3;
  spec.model.dtype = at::kDouble;
  const at::Tensor one = on_ranks(1, spec).logits;
  TrialSpec unmixed = spec;
  unmixed.augment.mixup = 0;
  EXPECT_GT(difference(one, on_ranks(1, unmixed).logits), 1e-6);
  expect_one_is_many_with(one);
}

// Ranks read texts of other lengths, and other rows of the words' table: its gradient is summed by
// the rows that some of them read.
TEST_F(Teams, TextsOfUnequalLengthWithDropoutAndRatesByLayer) {
  const data::Folder folder;
  use_texts(dataset, spec, folder);
  spec.optimizer.lr = 0.02;
  spec.loop.batch_size = 25;
  spec.loop.epochs = 2;
  const TrialSpec kept = spec;
  expect_one_is_many_with(on_ranks(1, spec).logits);
  spec = kept;
  spec.model.text.frozen = 1;
  expect_one_is_many_with(on_ranks(1, spec).logits);
}

TEST_F(Teams, EveryLossAndClassWeight) {
  spec.loop.epochs = 3;
  for (const char* loss : {"cross_entropy", "focal"}) {
    for (ClassWeights weights :
         {ClassWeights::none, ClassWeights::balanced, ClassWeights::batch, ClassWeights::list}) {
      for (const char* reduction : {"weights", "rows"}) {
        SCOPED_TRACE(std::string(loss) + " " + std::to_string(static_cast<int>(weights)) + " " +
                     reduction);
        TrialSpec kept = spec;
        spec.objective.loss = loss;
        spec.objective.class_weights = weights;
        spec.objective.weights = {0.5, 2, 1};
        spec.objective.weight_reduction = reduction;
        if (spec.objective.loss == "cross_entropy") spec.objective.label_smoothing = 0.1;
        expect_one_is_many();
        spec = kept;
      }
    }
  }
}

TEST_F(Teams, EveryFusionWithDropoutAndMissingModalities) {
  spec.loop.epochs = 3;
  spec.loop.dropout = 0.5;
  for (models::Fusion fusion :
       {models::Fusion::concat, models::Fusion::gated, models::Fusion::cross_attention}) {
    SCOPED_TRACE(static_cast<int>(fusion));
    TrialSpec kept = spec;
    spec.model.fusion = fusion;
    expect_one_is_many();
    spec = kept;
  }
}

// 81 training rows in batches of 5: the last batch has one row, and with three ranks a rank with
// padding only even in full batches (2 + 2 + 1).
TEST_F(Teams, BatchesOfFiveOnThreeRanksWithALastBatchOfOne) {
  dataset = test::dataset_of(121);
  fold = test::fold_of(dataset);
  fold.train.push_back(fold.test.back());
  std::sort(fold.train.begin(), fold.train.end());
  fold.test.pop_back();
  ASSERT_EQ(fold.train.size() % 5, 1u);
  spec.loop.epochs = 2;
  spec.loop.batch_size = 5;
  spec.objective.class_weights = ClassWeights::batch;
  expect_one_is_many();
}

TEST_F(Teams, AClassThatOneRankSeesAlone) {
  bool kept = false;
  for (std::int32_t r : fold.train) {
    std::int32_t& label = dataset.label[static_cast<std::size_t>(r)];
    if (label == 2 && kept) label = 0;
    kept = kept || label == 2;
  }
  spec.loop.epochs = 2;
  spec.loop.batch_size = 80;  // all rows in one step: the class is in every step
  spec.objective.class_weights = ClassWeights::batch;
  spec.optimizer.lr = 0.05;
  expect_one_is_many();
}

TEST_F(Teams, EveryOptimizerAlsoClipped) {
  for (const char* optimizer : {"adamw", "adam", "sgd"}) {
    SCOPED_TRACE(optimizer);
    TrialSpec kept = spec;
    spec.loop.epochs = 3;
    spec.optimizer.optimizer = optimizer;
    spec.optimizer.clip_norm = 0.5;
    spec.optimizer.momentum = 0.9;
    spec.optimizer.lr = spec.optimizer.optimizer == "sgd" ? 0.3 : 0.03;
    expect_one_is_many();
    spec = kept;
  }
}

// Gradients of 1.2 MB in buckets of 64 KB would need another option; a large model does.
TEST_F(Teams, ALargeModelIsReducedInBuckets) {
  spec.model.hidden_size = 600;
  spec.model.fusion = models::Fusion::concat;
  spec.loop.epochs = 1;
  spec.optimizer.lr = 1e-3;
  spec.model.dtype = at::kDouble;
  const Outcome one = on_ranks(1, spec), two = on_ranks(2, spec);
  ASSERT_GT(one.end.numel() * 8, 4 << 20) << "small enough for one sum";
  EXPECT_LE(difference(two.logits, one.logits), 1e-9);
}

TEST_F(Teams, WholeTrialsAgreeToTheRecord) {
  spec.loop.epochs = 8;
  spec.loop.patience = 2;
  spec.loop.refit = true;
  spec.loop.ema_decay = .7;
  spec.model.dtype = at::kDouble;
  const auto record_on = [&](int ranks) {
    std::vector<Trained> all(static_cast<std::size_t>(ranks));
    const auto train = [&](Collective& team) {
      FoldCache cache;
      all[static_cast<std::size_t>(team.rank)] =
          trained_or_throw(train_trials({&spec, 1}, cache, team, {})[0]);
    };
    Alone alone;
    if (ranks == 1) {
      train(alone);
    } else {
      distributed::test::run_team(ranks, train);
    }
    for (const Trained& other : all) {
      EXPECT_EQ(results::result_digest(other.record), results::result_digest(all[0].record));
    }
    return all[0].record.result;
  };
  for (const char* model : {"fused", "mlp", "linear"}) {
    SCOPED_TRACE(model);
    const bool fused = model == std::string("fused");
    spec.model.model = fused ? "mlp" : model;
    spec.model.kernels = fused ? models::Kernels::fused : models::Kernels::torch;
    const results::Outcome one = record_on(1);
    for (int ranks : {2, 3}) {
      const results::Outcome many = record_on(ranks);
      EXPECT_EQ(many.targets[0].predicted, one.targets[0].predicted);
      EXPECT_EQ(many.targets[0].confusion, one.targets[0].confusion);
      EXPECT_EQ(many.epochs, one.epochs);
      for (std::size_t i = 0; i < one.targets[0].probability.size(); ++i) {
        EXPECT_NEAR(many.targets[0].probability[i], one.targets[0].probability[i], 1e-6);
      }
    }
  }
}

TEST_F(Teams, OneRanksWishToStopStopsAllAtTheSameStep) {
  for (const char* model : {"mlp", "linear"}) {
    spec.model.model = model;
    std::vector<int> asked(3, 0);
    distributed::test::run_team(3, [&](distributed::Team& team) {
      FoldCache cache;
      int& mine = asked[static_cast<std::size_t>(team.rank)];
      EXPECT_THROW(
          train_trials({&spec, 1}, cache, team, [&] { return ++mine == 4 && team.rank == 2; }),
          Interrupted);
    });
    EXPECT_EQ(asked, (std::vector<int>{4, 4, 4}));
  }
}

TEST_F(Teams, ALossThatIsNotFiniteIsFoundByAllAtTheSameStep) {
  spec.optimizer.optimizer = "sgd";
  spec.optimizer.lr = 1e30;
  std::vector<std::string> where(3);
  distributed::test::run_team(3, [&](distributed::Team& team) {
    FoldCache cache;
    try {
      trained_or_throw(train_trials({&spec, 1}, cache, team, {})[0]);
    } catch (const TrialError& e) {
      EXPECT_EQ(e.reason(), "non_finite");
      where[static_cast<std::size_t>(team.rank)] = e.where();
    }
  });
  EXPECT_FALSE(where[0].empty());
  EXPECT_EQ(where[1], where[0]);
  EXPECT_EQ(where[2], where[0]);
}

}  // namespace
}  // namespace emosweep::trainer
