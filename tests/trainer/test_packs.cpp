// A trial is bit for bit the same whatever it is packed with, and however its neighbours end.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "../distributed/thread_ranks.h"
#include "base/fault.h"
#include "synthetic.h"
#include "trainer/fold_cache.h"
#include "trainer/loop.h"

namespace emosweep::trainer {
namespace {

// 130 rows of 6 subjects: folds of 86 and 87 training rows, 6 steps of 16.
struct Packs : testing::Test {
  data::Dataset dataset = test::dataset_of(130, 1.5);
  std::vector<data::Fold> folds = loso();

  std::vector<data::Fold> loso() const {
    std::vector<data::Fold> out;
    for (std::int32_t s = 0; s < 6; ++s) {
      data::Fold& fold = out.emplace_back();
      fold.name = fold.group = "s" + std::to_string(s);
      for (std::int32_t r = 0; r < dataset.size(); ++r) {
        const std::int32_t subject = r % 6;
        (subject == s             ? fold.test
         : subject == (s + 1) % 6 ? fold.validation
                                  : fold.train)
            .push_back(r);
      }
    }
    return out;
  }

  // All that may differ between trials of a pack differs.
  std::vector<TrialSpec> different(std::size_t n, const TrialSpec& base) const {
    const char* metrics[] = {"loss", "macro_f1", "accuracy", "last", "uar"};
    const char* schedules[] = {"constant", "cosine", "linear"};
    std::vector<TrialSpec> specs(n, base);
    for (std::size_t k = 0; k < n; ++k) {
      TrialSpec& spec = specs[k];
      spec.id = sha256("trial " + std::to_string(k));
      spec.seed = k / 2;
      spec.fold = &folds[k % folds.size()];
      spec.optimizer.lr = 0.002 * static_cast<double>(1 + k % 7);
      spec.optimizer.weight_decay = k % 3 == 0 ? 0.1 : 0;
      spec.optimizer.schedule = schedules[k % 3];
      spec.optimizer.warmup_steps = k % 4 == 1 ? 5 : 0;
      spec.optimizer.clip_norm = k % 5 == 2 ? 0.5 : 0;
      spec.loop.ema_decay = k % 4 == 2 ? 0.9 : 0;
      spec.loop.dropout = 0.15 * static_cast<double>(k % 4);
      spec.loop.selection_metric = metrics[k % 5];
      spec.loop.patience = k % 4 == 3 ? 1 : 0;
      spec.objective.loss_temperature = k % 2 == 0 ? 1 : 3;
      spec.objective.class_weights = static_cast<ClassWeights>(k % 4);
      spec.objective.weights = {0.5, 2, 1};
      spec.objective.weight_reduction = k % 3 == 1 ? "rows" : "";
      if (spec.objective.loss == "focal") {
        spec.objective.focal_gamma = static_cast<double>(k % 3);
      } else {
        spec.objective.label_smoothing = k % 3 == 2 ? 0.1 : 0;
      }
    }
    return specs;
  }

  TrialSpec base(models::Fusion fusion, at::ScalarType dtype = at::kFloat) const {
    TrialSpec spec = test::spec_of(dataset, folds[0]);
    spec.model.fusion = fusion;
    if (fusion == models::Fusion::none) {
      spec.prepare.modalities = spec.model.inputs = {"audio"};
      spec.model.widths = {5};
    }
    spec.model.dtype = dtype;
    spec.loop.epochs = 4;
    spec.save_models = true;
    return spec;
  }

  static std::vector<TrialOutcome> train(std::span<const TrialSpec> specs, FoldCache& cache) {
    Alone team;
    return train_trials(specs, cache, team, {});
  }
};

void expect_equal(const TrialOutcome& a, const TrialOutcome& b) {
  ASSERT_EQ(a.index(), b.index());
  if (const auto* failure = std::get_if<TrialError>(&a)) {
    EXPECT_STREQ(failure->what(), std::get<TrialError>(b).what());
    EXPECT_EQ(failure->where(), std::get<TrialError>(b).where());
    return;
  }
  const auto &x = std::get<Trained>(a), &y = std::get<Trained>(b);
  EXPECT_EQ(results::result_digest(x.record), results::result_digest(y.record));
  EXPECT_EQ(x.weights, y.weights);
  EXPECT_EQ(x.record.cost.steps, y.record.cost.steps);
}

// Trains the trials of `which` as one pack and compares each with its outcome in `whole`.
void expect_same(const std::vector<TrialSpec>& specs, const std::vector<TrialOutcome>& whole,
                 const std::vector<std::size_t>& which, FoldCache& cache) {
  std::vector<TrialSpec> some;
  for (const std::size_t k : which) some.push_back(specs[k]);
  const std::vector<TrialOutcome> part = Packs::train(some, cache);
  ASSERT_EQ(part.size(), which.size());
  for (std::size_t i = 0; i < which.size(); ++i) {
    SCOPED_TRACE("trial " + std::to_string(which[i]) + " in a pack of " +
                 std::to_string(which.size()));
    expect_equal(part[i], whole[which[i]]);
  }
}

TEST_F(Packs, OfAnySizeAndOrderGiveTheSameRecords) {
  using models::Fusion;
  std::size_t n = 0;
  for (const at::ScalarType dtype : {at::kFloat, at::kDouble}) {
    for (const Fusion fusion :
         {Fusion::none, Fusion::concat, Fusion::gated, Fusion::cross_attention}) {
      SCOPED_TRACE(std::string(at::toString(dtype)) + ", fusion " +
                   std::to_string(static_cast<int>(fusion)));
      TrialSpec spec = base(fusion, dtype);
      spec.objective.loss = n++ % 2 == 0 ? "focal" : "cross_entropy";
      // Other batch sizes are no multiple of anything, nor are the widths 5 and 3.
      if (dtype == at::kDouble) spec.loop.batch_size = 13, spec.model.hidden_size = 36;
      if (fusion == Fusion::gated) spec.loop.batch_size = 10, spec.model.hidden_size = 27;
      const std::vector<TrialSpec> specs = different(24, spec);
      FoldCache cache;
      const std::vector<TrialOutcome> whole = train(specs, cache);
      for (const std::size_t k : {0u, 3u, 10u, 23u}) expect_same(specs, whole, {k}, cache);
      expect_same(specs, whole, {17, 4, 11}, cache);
      expect_same(specs, whole, {22, 1, 7, 15, 3, 9, 20, 12}, cache);
    }
  }
}

TEST_F(Packs, OfFusedKernelsAreThoseTrialsAlone) {
  TrialSpec spec = base(models::Fusion::gated);
  spec.model.kernels = models::Kernels::fused;
  spec.loop.refit = true;
  const std::vector<TrialSpec> specs = different(6, spec);
  FoldCache cache;
  const std::vector<TrialOutcome> whole = train(specs, cache);
  for (std::size_t k = 0; k < 6; ++k) expect_same(specs, whole, {k}, cache);
}

TEST_F(Packs, RefitEachTrialForItsOwnEpochs) {
  TrialSpec spec = base(models::Fusion::concat);
  spec.loop.epochs = 8;
  spec.loop.refit = true;
  const std::vector<TrialSpec> specs = different(8, spec);
  FoldCache cache;
  const std::vector<TrialOutcome> whole = train(specs, cache);
  std::map<std::int64_t, int> best;
  for (const TrialOutcome& o : whole) ++best[std::get<Trained>(o).record.result.best_epoch];
  ASSERT_GT(best.size(), 2u) << "refits of one length prove little";
  for (std::size_t k = 0; k < 8; ++k) expect_same(specs, whole, {k}, cache);
  expect_same(specs, whole, {6, 1, 3}, cache);
}

// Notes of how many trials each step is computed.
struct Watching final : Collective {
  std::vector<std::int64_t> trials;
  at::Tensor sum(at::Tensor x) override {
    if (x.dim() == 2) trials.push_back(x.size(0));  // the objective's counts, [K,C]
    return x;
  }
  at::Tensor gather_rows(at::Tensor x) override { return x; }
  std::unique_ptr<Pending> start_sum(at::Tensor) override { return nullptr; }
};

TEST_F(Packs, ShrinkAsTheirTrialsEnd) {
  TrialSpec spec = base(models::Fusion::gated);
  spec.loop.epochs = 40;
  std::vector<TrialSpec> specs = different(8, spec);
  for (std::size_t k = 0; k < 8; ++k) {
    specs[k].loop.selection_metric = "loss";
    specs[k].loop.patience = k < 7 ? 1 + static_cast<std::int64_t>(k) / 2 : 0;
    specs[k].optimizer.lr = 0.05;
    specs[k].optimizer.schedule = "constant";
  }
  FoldCache cache;
  Watching team;
  const std::vector<TrialOutcome> whole = train_trials(specs, cache, team, {});
  for (std::size_t k = 0; k < 8; ++k) expect_same(specs, whole, {k}, cache);
  const std::vector<std::int64_t>& seen = team.trials;
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen.front(), 8);
  EXPECT_LE(seen.back(), 2) << "the pack did not shrink";
  EXPECT_EQ(seen.size(), 40u * 6);
  EXPECT_TRUE(std::is_sorted(seen.rbegin(), seen.rend()));
}

TEST_F(Packs, ATrialThatTurnsNonFiniteLeavesAlone) {
  TrialSpec spec = base(models::Fusion::concat);
  spec.optimizer.optimizer = "sgd";
  spec.loop.refit = true;
  std::vector<TrialSpec> specs = different(6, spec);
  for (const std::size_t k : {1u, 4u}) {
    specs[k].optimizer.lr = 1e30;
    specs[k].optimizer.schedule = "constant";
    specs[k].optimizer.clip_norm = 0;
  }
  specs[4].optimizer.warmup_steps = 20;  // it leaves later
  FoldCache cache;
  const std::vector<TrialOutcome> whole = train(specs, cache);
  for (std::size_t k = 0; k < 6; ++k) {
    EXPECT_EQ(std::holds_alternative<TrialError>(whole[k]), k == 1 || k == 4) << k;
    expect_same(specs, whole, {k}, cache);
  }
  expect_same(specs, whole, {0, 2, 3, 5}, cache);
  const auto& failure = std::get<TrialError>(whole[1]);
  EXPECT_EQ(failure.reason(), "non_finite");
  EXPECT_EQ(failure.where().find("epoch 0, step "), 0u) << failure.where();
}

// A loss that is finite and a gradient that is not: the weights are updated with it before that is
// seen. `failed` is the first of the pack.
TEST_F(Packs, ATrialWhoseGradientAloneIsNotFiniteLeavesAlone) {
  for (const models::Kernels kernels : {models::Kernels::torch, models::Kernels::fused}) {
    for (const std::size_t n : {2u, 5u}) {  // of two, the pack is made smaller
      TrialSpec spec = base(models::Fusion::gated);
      spec.model.kernels = kernels;
      spec.loop.refit = true;
      spec.optimizer.clip_norm = 0;
      std::vector<TrialSpec> specs = different(n, spec);
      FoldCache cache;
      arm_faults("nan@trainer.gradient:8");
      const std::vector<TrialOutcome> whole = train(specs, cache);
      arm_faults("");
      ASSERT_TRUE(std::holds_alternative<TrialError>(whole[0]));
      const auto& failure = std::get<TrialError>(whole[0]);
      EXPECT_EQ(failure.reason(), "non_finite");
      EXPECT_EQ(failure.where(), "epoch 1, step 7");
      EXPECT_NE(std::string(failure.what()).find("gradient"), std::string::npos) << failure.what();
      for (std::size_t k = 1; k < n; ++k) {
        ASSERT_TRUE(std::holds_alternative<Trained>(whole[k])) << k;
        expect_same(specs, whole, {k}, cache);
      }
    }
  }
}

TEST_F(Packs, WhereAllTrialsFailNobodyTrainsOn) {
  TrialSpec spec = base(models::Fusion::gated);
  spec.optimizer.optimizer = "sgd";
  std::vector<TrialSpec> specs = different(3, spec);
  for (TrialSpec& s : specs) s.optimizer.lr = 1e30, s.optimizer.clip_norm = 0;
  for (TrialSpec& s : specs) s.optimizer.warmup_steps = 0;
  FoldCache cache;
  Watching team;
  for (const TrialOutcome& outcome : train_trials(specs, cache, team, {})) {
    EXPECT_TRUE(std::holds_alternative<TrialError>(outcome));
  }
  EXPECT_LT(team.trials.size(), 12u) << "two epochs";
}

TEST_F(Packs, OfProtocolAllKeepTheLastEpochs) {
  data::Fold all;
  all.name = "all";
  for (std::int32_t r = 0; r < dataset.size(); ++r) all.train.push_back(r);
  std::vector<TrialSpec> specs = different(3, base(models::Fusion::gated));
  for (TrialSpec& spec : specs) spec.fold = &all;
  specs[2].seed = 77;
  FoldCache cache;
  const std::vector<TrialOutcome> whole = train(specs, cache);
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_EQ(std::get<Trained>(whole[k]).record.result.best_epoch, 3);
    expect_same(specs, whole, {k}, cache);
  }
}

// Of unequal ends, so that the pack shrinks, and with a refit of unequal lengths.
TEST_F(Packs, TellEveryEpochOfEveryTrial) {
  std::vector<TrialSpec> specs = different(4, base(models::Fusion::gated));
  for (std::size_t k = 0; k < 4; ++k) {
    specs[k].loop.refit = true;
    specs[k].loop.patience = k == 2 ? 0 : 1;
    specs[k].loop.epochs = 12;
    specs[k].optimizer.lr = k == 2 ? 1e-3 : .3;
  }
  std::vector<std::vector<double>> fit(4), refit(4);
  FoldCache cache;
  Alone team;
  const std::vector<TrialOutcome> outcomes =
      train_trials(specs, cache, team, {}, {}, [&](std::size_t k, const ToldEpoch& epoch) {
        ASSERT_LT(k, 4u);
        EXPECT_GE(epoch.seconds, 0);
        ASSERT_EQ(epoch.curves.at(0).name, "train_loss");
        (epoch.refit ? refit : fit)[k].push_back(epoch.curves[0].values.back());
        EXPECT_EQ(epoch.curves[0].values.size(), (epoch.refit ? refit : fit)[k].size());
      });
  std::set<std::int64_t> lengths;
  for (std::size_t k = 0; k < 4; ++k) {
    const results::Outcome& own = std::get<Trained>(outcomes[k]).record.result;
    EXPECT_EQ(fit[k], own.curves.at(0).values) << k;
    EXPECT_EQ(static_cast<std::int64_t>(refit[k].size()), own.best_epoch + 1) << k;
    lengths.insert(own.epochs);
  }
  EXPECT_GT(lengths.size(), 1u) << "some ended early";
  distributed::test::run_team(2, [&](distributed::Team& two) {
    FoldCache own;
    int told = 0;
    train_trials({specs.data(), 1}, own, two, {}, {},
                 [&](std::size_t, const ToldEpoch&) { ++told; });
    EXPECT_EQ(told > 0, two.rank == 0);
  });
}

TEST_F(Packs, OfATeamOfTwoRanksAreThoseTrialsAlone) {
  TrialSpec spec = base(models::Fusion::gated);
  spec.loop.batch_size = 10;  // 5 rows a rank
  std::vector<TrialSpec> specs = different(4, spec);
  specs[2].optimizer.optimizer = "adamw";
  const auto on_two = [&](std::span<const TrialSpec> some) {
    std::vector<std::vector<TrialOutcome>> ranks(2);
    distributed::test::run_team(2, [&](distributed::Team& team) {
      FoldCache cache;
      ranks[static_cast<std::size_t>(team.rank)] = train_trials(some, cache, team, {});
    });
    for (std::size_t k = 0; k < some.size(); ++k) expect_equal(ranks[0][k], ranks[1][k]);
    return ranks[0];
  };
  const std::vector<TrialOutcome> whole = on_two(specs);
  for (std::size_t k = 0; k < 4; ++k) {
    SCOPED_TRACE(k);
    expect_equal(on_two({&specs[k], 1})[0], whole[k]);
  }
}

TEST_F(Packs, HoldTrialsOfOneShapeOnly) {
  const TrialSpec spec = base(models::Fusion::gated);
  const std::string shape = pack_shape(spec, folds[0]);
  EXPECT_EQ(pack_shape(different(24, spec)[17], folds[5]), shape);
  const auto with = [&](auto change) {
    TrialSpec other = spec;
    change(other);
    return pack_shape(other, folds[0]);
  };
  EXPECT_NE(with([](TrialSpec& s) { s.model.hidden_size = 32; }), shape);
  EXPECT_NE(with([](TrialSpec& s) { s.model.dtype = at::kDouble; }), shape);
  EXPECT_NE(with([](TrialSpec& s) { s.loop.batch_size = 17; }), shape);
  EXPECT_NE(with([](TrialSpec& s) { s.loop.epochs = 5; }), shape);
  EXPECT_NE(with([](TrialSpec& s) { s.loop.refit = true; }), shape);
  EXPECT_NE(with([](TrialSpec& s) { s.optimizer.optimizer = "sgd"; }), shape);
  EXPECT_NE(with([](TrialSpec& s) { s.objective.loss = "focal"; }), shape);
  EXPECT_EQ(with([](TrialSpec& s) { s.model.model = "linear"; }), "");
  EXPECT_NE(with([](TrialSpec& s) { s.model.hidden_size = 27; }), "");
  EXPECT_EQ(with([](TrialSpec& s) { s.model.hidden_size = 601; }), "");
  data::Fold small = folds[0];
  small.train.resize(60);
  EXPECT_NE(pack_shape(spec, small), shape) << "another number of steps";
  const TrialSpec unequal[] = {spec, base(models::Fusion::concat)};
  FoldCache cache;
  EXPECT_ANY_THROW(train(unequal, cache));
}

}  // namespace
}  // namespace emosweep::trainer
