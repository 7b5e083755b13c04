// Training on a GPU: what the CPU computes, in double precision, and the same bits every time.
#include <gtest/gtest.h>

#include <algorithm>

#include "../base/temporary_folder.h"
#include "distributed/devices.h"
#include "models/batch_norm.h"
#include "team_trials.h"

namespace emosweep::trainer {
namespace {

struct Gpu : testing::Test {
  data::Dataset dataset = test::dataset_of();
  data::Fold fold = test::fold_of(dataset);
  TrialSpec spec = test::spec_of(dataset, fold);
  const data::Folder folder;

  void SetUp() override {
    if (distributed::cuda_devices().empty()) GTEST_SKIP() << "no CUDA device is here";
    distributed::use_device(0);
  }

  void recordings(const std::string& model) {
    use_recordings(dataset, spec, folder);
    spec.model.model = model;
    spec.loop.balanced_sampler = true;
    spec.loop.batch_size = 25;
    spec.loop.epochs = 3;
  }
  void texts() {
    use_texts(dataset, spec, folder);
    spec.optimizer.lr = 0.02;
    spec.loop.batch_size = 25;
    spec.loop.epochs = 3;
  }

  Outcome trained_on(at::Device device, at::ScalarType dtype) {
    spec.model.device = device;
    spec.model.dtype = dtype;
    return on_ranks(1, spec);
  }
  void expect_as_on_the_cpu() {
    const Outcome host = trained_on(at::kCPU, at::kDouble),
                  gpu = trained_on(at::kCUDA, at::kDouble);
    ASSERT_TRUE(at::equal(host.start, gpu.start));
    EXPECT_GT(difference(host.start, host.end), 1e-3);
    EXPECT_LE(difference(host.end, gpu.end), 1e-8);
    EXPECT_LE(difference(host.logits, gpu.logits), 1e-8);
    ASSERT_EQ(host.loop.curves.size(), gpu.loop.curves.size());
    for (std::size_t c = 0; c < host.loop.curves.size(); ++c) {
      for (std::size_t e = 0; e < host.loop.curves[c].values.size(); ++e)
        EXPECT_NEAR(host.loop.curves[c].values[e], gpu.loop.curves[c].values[e], 1e-8)
            << host.loop.curves[c].name;
    }
  }
  void expect_the_same_bits() {
    const Outcome once = trained_on(at::kCUDA, at::kFloat),
                  again = trained_on(at::kCUDA, at::kFloat);
    EXPECT_TRUE(at::equal(once.end, again.end));
    EXPECT_TRUE(at::equal(once.logits, again.logits));
  }
};

TEST_F(Gpu, SmallCnnTrainsAsOnTheCpu) {
  recordings("small_cnn");
  expect_as_on_the_cpu();
  expect_the_same_bits();
}

TEST_F(Gpu, ResnetTrainsAsOnTheCpu) {
  recordings("resnet18");
  spec.optimizer.lr = 1e-3;
  expect_as_on_the_cpu();
  expect_the_same_bits();
}

TEST_F(Gpu, TransformersTrainAsOnTheCpu) {
  texts();
  for (const char* pooling : {"mean", "cls"}) {
    for (const std::int64_t frozen : {0, 1, 2}) {
      SCOPED_TRACE(std::string(pooling) + ", frozen " + std::to_string(frozen));
      spec.model.text.pooling = pooling;
      spec.model.text.frozen = frozen;
      expect_as_on_the_cpu();
    }
  }
  expect_the_same_bits();
}

TEST_F(Gpu, EveryOptimizerUpdatesAsOnTheCpu) {
  recordings("small_cnn");
  spec.optimizer.clip_norm = .1;
  spec.loop.ema_decay = .9;
  spec.optimizer.momentum = .9;
  spec.optimizer.weight_decay = .1;
  for (const char* optimizer : {"adamw", "adam", "sgd"}) {
    SCOPED_TRACE(optimizer);
    spec.optimizer.optimizer = optimizer;
    spec.optimizer.lr = optimizer == std::string("sgd") ? .1 : .01;
    expect_as_on_the_cpu();
  }
}

// Interrupted in the second epoch and in the refit, saved model included.
TEST_F(Gpu, ResumesToTheSameBits) {
  const TemporaryFolder checkpoints;
  for (const bool text : {false, true}) {
    text ? texts() : recordings("resnet18");
    spec.model.device = at::kCUDA;
    spec.model.dtype = at::kFloat;
    spec.loop.refit = true;
    spec.save_models = true;
    spec.random_encoder = true;
    spec.id = sha256(text ? "text" : "images");
    CheckpointOptions options;
    options.after_seconds = 0;
    options.folder = checkpoints.path();
    const auto train = [&](int stop_after, const CheckpointOptions& how) {
      FoldCache cache;
      Alone team;
      const Stopping stopping = [=, asked = 0]() mutable { return ++asked == stop_after; };
      return trained_or_throw(train_trials({&spec, 1}, cache, team, stopping, how)[0]);
    };
    const Trained whole = train(0, {});
    const auto steps = static_cast<int>(whole.record.cost.steps);
    EXPECT_THROW(train(6, options), Interrupted);
    EXPECT_THROW(train(steps - 8, options), Interrupted);  // in what is left of it: the refit
    const Trained resumed = train(0, options);
    EXPECT_EQ(results::result_digest(resumed.record), results::result_digest(whole.record));
    EXPECT_EQ(*resumed.weights, *whole.weights);
  }
}

// The other rank of a team of two, whose part of every collective is known.
struct OtherRank : Collective {
  at::Tensor gathered, summed;
  OtherRank() { size = 2; }
  at::Tensor sum(at::Tensor x) override { return x + summed.to(x.device()); }
  at::Tensor gather_rows(at::Tensor x) override { return at::cat({x, gathered.to(x.device())}, 1); }
  std::unique_ptr<Pending> start_sum(at::Tensor) override { return nullptr; }
};

// Two parts of unequal size against the whole batch by ATen's own batch norm.
TEST_F(Gpu, BatchNormOverATeamIsThatOfTheWholeBatch) {
  const auto options = at::TensorOptions().dtype(at::kDouble).device(at::kCUDA);
  const auto numbers = [&](at::IntArrayRef shape, const char* name) {
    at::Tensor x = at::empty(shape, at::kDouble);
    fill_normal({x.data_ptr<double>(), static_cast<std::size_t>(x.numel())},
                derive(trial_key(1, "norm"), name), 0);
    return x.to(at::kCUDA);
  };
  constexpr std::int64_t kRows = 7, kOwn = 2, C = 8;
  const at::Tensor x =
      (numbers({kRows, C, 3, 5}, "x") * 2 + 1).contiguous(at::MemoryFormat::ChannelsLast);
  const at::Tensor outer = numbers({kRows, C, 3, 5}, "outer");
  const auto leaf = [](at::Tensor t) { return t.detach().clone().set_requires_grad(true); };
  const at::Tensor gamma0 = numbers({C}, "gamma"), beta0 = numbers({C}, "beta");
  const auto running = [&] { return std::pair(at::zeros({C}, options), at::ones({C}, options)); };

  const at::Tensor all = leaf(x), gamma = leaf(gamma0), beta = leaf(beta0);
  const auto [mean, variance] = running();
  const at::Tensor y =
      std::get<0>(at::native_batch_norm(all, gamma, beta, mean, variance, true, .1, 1e-5));
  (y * outer).sum().backward();

  const at::Tensor other =
      x.narrow(0, kOwn, kRows - kOwn).contiguous(at::MemoryFormat::ChannelsLast);
  const auto [other_mean, other_scale] = at::batch_norm_stats(other, 1e-5);
  const auto places = static_cast<double>(other.numel() / C);
  OtherRank team;
  team.gathered =
      at::cat({other_mean, other_scale, at::full({1}, places, options)}).view({1, 1, 2 * C + 1});
  const at::Tensor away = other - x.mean({0, 2, 3}, true), o = outer.narrow(0, kOwn, kRows - kOwn);
  team.summed = at::cat({o.sum({0, 2, 3}), (o * away).sum({0, 2, 3})});

  const at::Tensor own = leaf(x.narrow(0, 0, kOwn)), g = leaf(gamma0), b = leaf(beta0);
  const auto [own_mean, own_variance] = running();
  const at::Tensor part =
      models::batch_norm_train(own, {g, b, own_mean, own_variance}, {}, false, &team);
  EXPECT_LE(difference(part, y.narrow(0, 0, kOwn)), 1e-11);
  EXPECT_LE(difference(own_mean, mean), 1e-12);
  EXPECT_LE(difference(own_variance, variance), 1e-12);
  (part * outer.narrow(0, 0, kOwn)).sum().backward();
  EXPECT_LE(difference(own.grad(), all.grad().narrow(0, 0, kOwn)), 1e-11);
  // Gradients of parameters are of the rank's own rows: with the other's they are the whole's.
  const at::Tensor scale = 1 / (x.var({0, 2, 3}, false) + 1e-5).sqrt();
  EXPECT_LE(difference(g.grad() + (o * away).sum({0, 2, 3}) * scale, gamma.grad()), 1e-10);
  EXPECT_LE(difference(b.grad() + o.sum({0, 2, 3}), beta.grad()), 1e-10);

  // A rank without rows calls the same collectives, and changes its running values alike.
  const at::Tensor none = leaf(x.narrow(0, 0, 0));
  const auto [none_mean, none_variance] = running();
  const at::Tensor empty =
      models::batch_norm_train(none, {g, b, none_mean, none_variance}, {}, false, &team);
  EXPECT_EQ(empty.numel(), 0);
  EXPECT_LE(difference(none_mean, .1 * other.mean({0, 2, 3})), 1e-12);
  empty.sum().backward();
}

}  // namespace
}  // namespace emosweep::trainer
