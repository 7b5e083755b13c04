#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "launcher/identity.h"
#include "sample_files.h"

namespace emosweep::launcher {
namespace {

// Python hashlib's SHA-256 of the lines that the two trials of GoldenId must have.
const char* const kGoldenNetwork =
    "282085198282c942fd9fee0ba23e07e160ea2a4506dc865a8e9377d87040af2d";
const char* const kGoldenLinear =
    "b8b247d60fe7bcf943d040580c903dad64b71309267ed1246085f4669901fd53";

std::set<std::string> ids(const Plan& plan) {
  std::set<std::string> out;
  for (const PlannedTrial& trial : plan.trials) out.insert(trial.id.hex());
  return out;
}

TEST(Identity, TextOfAFixedConditionStaysAsItIs) {
  const SampleFiles files;
  const Plan plan =
      files.plan(one_experiment("modality: both\nfusion_type: cross_attention\nlr: 3.0e-4\nloss: "
                                "focal\nclass_weights: balanced\n"
                                "seeds: [3]\ntokens: 8\nepochs: 50\nkernels: torch"));
  const std::string canonical = canonical_of(plan, plan.trials.front());
  std::string text = canonical;
  const PlannedExperiment& experiment = plan.experiments.front();
  const auto replace = [&text](const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
  };
  replace(experiment.data->dataset.digest.hex(), "DATA");
  replace(experiment.folds->folds[plan.trials.front().fold].hash.hex(), "FOLD");
  // Keys at their defaults are left out, resolved ones stand there; whoever changes this text makes
  // every record of every user's run folder unknown to later plans.
  EXPECT_EQ(
      text,
      "class_weights=balanced\ndataset=DATA\ndevice=cpu\ndtype=float32\nfold=FOLD\nfold_name=s0\n"
      "fusion_type=cross_attention\nloss=focal\nlr=0.0003\nmodality=[audio, visual]\nseed=3\n"
      "selection_metric=loss\nversion.data=1\nversion.loop=1\nversion.model=2\n"
      "version.objective=3\nversion.optimizer=1\nversion.results=1\nweight_reduction=rows\n");
  EXPECT_EQ(sha256(canonical), plan.trials.front().id);
}

TEST(Identity, KernelsAreResolvedByThePlanAndFusedOnesStandInTheText) {
  const SampleFiles files;
  const auto canonical = [&](const std::string& keys) {
    const Plan plan = files.plan(one_experiment("modality: audio\n" + keys));
    return canonical_of(plan, plan.trials.front());
  };
  const std::string fused = canonical("kernels: fused");
  EXPECT_NE(fused.find("kernels=fused\n"), std::string::npos);
  EXPECT_EQ(canonical("kernels: auto"), fused);
  EXPECT_EQ(canonical(""), fused);
  EXPECT_EQ(canonical("kernels: torch").find("kernels"), std::string::npos);
  EXPECT_EQ(canonical("hidden_size: 2048").find("kernels"), std::string::npos);
  EXPECT_EQ(canonical("model: linear").find("kernels"), std::string::npos);
  try {
    files.plan(one_experiment("modality: audio\nhidden_size: 2048\nkernels: fused"));
    FAIL() << "a width that fused kernels do not have";
  } catch (const InputError& e) {
    EXPECT_NE(std::string(e.what()).find("kernels: fused does not suit this model: hidden_size"),
              std::string::npos)
        << e.what();
  }
}

TEST(Identity, GoldenId) {
  Values values;
  for (const KeyInfo& row : key_table()) values[row.key] = default_value(row);
  values[Key::modality].items = {"audio"};
  values[Key::modality].text = "[audio]";
  values[Key::lr].text = "0.01";
  values[Key::device].text = "cpu";
  values[Key::dtype].text = "float32";
  values[Key::kernels].text = "torch";
  values[Key::selection_metric].text = "loss";
  const std::string condition = condition_canonical(values, sha256("data"));
  TrialIds network(condition, true);
  const std::string fold = fold_lines(sha256("fold"), "s=1", true);
  EXPECT_EQ(network.id(fold, 12).hex(), kGoldenNetwork);
  EXPECT_EQ(network.id(fold, 12), sha256(trial_canonical(condition, fold, true, 12)));
  values[Key::model].text = "linear";
  const std::string line = condition_canonical(values, sha256("data"));
  TrialIds linear(line, false);
  const std::string plain = fold_lines(sha256("fold"), "s=1", false);
  EXPECT_EQ(linear.id(plain, 12).hex(), kGoldenLinear);
  EXPECT_EQ(linear.id(plain, 99), linear.id(plain, 12)) << "the linear model reads no seed";
}

TEST(Identity, WhatChangesNoResultChangesNoId) {
  const SampleFiles files;
  const std::string base =
      "modality: [audio, visual]\nfusion_type: gated\nlr: 0.001\nseeds: [1, 2]";
  const auto wanted = ids(files.plan(one_experiment(base)));
  ASSERT_EQ(wanted.size(), 12u);
  const auto same = [&](const std::string& keys) {
    return ids(files.plan(one_experiment(keys))) == wanted;
  };
  EXPECT_TRUE(same("seeds: 2\nlr: 1.0e-3\nfusion_type: gated\nmodality: both"))
      << "order and writing";
  EXPECT_TRUE(same(base + "\ndropout: 0.3\nepochs: 50\noptimizer: adamw"))
      << "defaults written out";
  EXPECT_TRUE(same(base + "\npost_curriculum_dropout: 0.1\nfocal_gamma: 5\nC: 3\ntokens: 2\n"
                          "momentum: 0.9\nsmoothing_weights: of_target\nweight_reduction: rows"))
      << "idle keys";
  EXPECT_TRUE(same(base + "\ndevice: cpu\ndtype: float32\nselection_metric: loss"))
      << "auto, resolved";
  std::string renamed = one_experiment(base);
  renamed.replace(renamed.find("one"), 3, "two");
  EXPECT_EQ(ids(files.plan(renamed)), wanted);
  const auto more = ids(files.plan(one_experiment(base + "\ngrid: {dropout: [0.3, 0.5]}")));
  EXPECT_EQ(more.size(), 24u);
  EXPECT_TRUE(std::includes(more.begin(), more.end(), wanted.begin(), wanted.end()));
  const auto seeds =
      ids(files.plan(one_experiment(base.substr(0, base.find("seeds")) + "seeds: 3")));
  EXPECT_EQ(seeds.size(), 18u);
  EXPECT_TRUE(std::includes(seeds.begin(), seeds.end(), wanted.begin(), wanted.end()));
}

TEST(Identity, WhatIsReadChangesEveryId) {
  const SampleFiles files;
  const std::string base = "modality: both\nseeds: [1]\nloss: focal\nclass_weights: balanced";
  const auto before = ids(files.plan(one_experiment(base)));
  for (const char* key : {"lr: 0.002",
                          "dropout: 0.31",
                          "hidden_size: 32",
                          "fusion_type: gated",
                          "focal_gamma: 1",
                          "loss_temperature: 2000",
                          "weight_reduction: weights",
                          "optimizer: sgd",
                          "weight_decay: 0",
                          "schedule: cosine",
                          "warmup_steps: 3",
                          "clip_norm: 1",
                          "epochs: 51",
                          "batch_size: 31",
                          "ema_decay: 0.9",
                          "patience: 4",
                          "selection_metric: uar",
                          "refit: train+validation",
                          "dtype: float64",
                          "normalise: group",
                          "normalise: none",
                          "predictions: labels",
                          "save_models: true",
                          "model: linear",

                          "where: {gender: m}"}) {
    const auto after = ids(files.plan(one_experiment(base + "\n" + key)));
    for (const std::string& id : after) EXPECT_EQ(before.count(id), 0u) << key;
  }
}

TEST(Identity, AFoldIsItsRows) {
  const SampleFiles files;
  const auto before = ids(files.plan(one_experiment("modality: both")));
  const auto after = ids(files.plan(one_experiment("modality: both\nsplit_seed: 5")));
  EXPECT_NE(after, before)
      << "other validation groups; a fold that happens to be equal keeps its id";
}

TEST(Identity, ModalityOrderMattersBecauseFusionsReadIt) {
  const SampleFiles files;
  EXPECT_NE(ids(files.plan(one_experiment("modality: [audio, visual]"))),
            ids(files.plan(one_experiment("modality: [visual, audio]"))));
}

}  // namespace
}  // namespace emosweep::launcher
