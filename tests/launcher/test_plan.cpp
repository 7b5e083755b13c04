#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "launcher/estimate.h"
#include "models/work.h"
#include "sample_files.h"

namespace emosweep::launcher {
namespace {

TEST(Plan, ConditionsFoldsAndSeedsMakeCells) {
  const SampleFiles files;
  const Plan plan = files.plan(one_experiment(
      "modality: both\nseeds: [1, 2]\ngrid: {lr: [0.1, 0.01], dropout: [0.3, 0.5, 0.6]}"));
  ASSERT_EQ(plan.experiments.size(), 1u);
  const PlannedExperiment& experiment = plan.experiments[0];
  ASSERT_EQ(experiment.conditions.size(), 6u);
  EXPECT_EQ(experiment.conditions[0].label, "dropout=0.3, lr=0.1");
  EXPECT_EQ(experiment.conditions[1].label, "dropout=0.3, lr=0.01");
  EXPECT_EQ(experiment.conditions[5].label, "dropout=0.6, lr=0.01");
  EXPECT_DOUBLE_EQ(experiment.conditions[3].base.optimizer.lr, 0.01);
  EXPECT_DOUBLE_EQ(experiment.conditions[3].base.loop.dropout, 0.5);
  EXPECT_EQ(plan.file.cells.size(), 6u * 6 * 2);
  EXPECT_EQ(plan.trials.size(), 6u * 6 * 2);
  EXPECT_EQ(plan.file.cells[0].fold, "s0");
  EXPECT_EQ(plan.file.cells[0].group, "s0");
  EXPECT_EQ(plan.file.cells[6].seed, 2u);
  for (std::size_t i = 1; i < plan.trials.size(); ++i) {
    EXPECT_GE(plan.trials[i - 1].cost, plan.trials[i].cost);
  }
  for (const PlannedTrial& trial : plan.trials) {
    EXPECT_EQ(sha256(canonical_of(plan, trial)), trial.id);
  }
}

TEST(Plan, SpecsCarryWhatTheFileSays) {
  const SampleFiles files;
  const Plan plan = files.plan(one_experiment(
      "modality: both\nfusion_type: cross_attention\nhidden_size: 32\nheads: 2\ntokens: 3\nloss: "
      "focal\n"
      "focal_gamma: 1.5\nloss_temperature: 2000\nclass_weights: [1, 2, 0.5]\noptimizer: sgd\n"
      "momentum: 0.9\nweight_decay: 0.1\nschedule: cosine\nwarmup_epochs: 1.5\nclip_norm: 2\n"
      "epochs: 7\nbatch_size: 4\nema_decay: 0.99\nvtlp: 0.1\ntime_stretch: 0.2\npatience: "
      "3\nselection_metric: uar\nrefit: "
      "train+validation\n"
      "dtype: float64\npredictions: labels\nsave_models: true\nnormalise: group\nseeds: [4]"));
  const trainer::TrialSpec spec = spec_of(plan, plan.trials.front());
  EXPECT_EQ(spec.model.fusion, models::Fusion::cross_attention);
  EXPECT_EQ(spec.model.inputs, (std::vector<std::string>{"audio", "visual"}));
  EXPECT_EQ(spec.model.widths, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(spec.model.hidden_size, 32);
  EXPECT_EQ(spec.model.heads, 2);
  EXPECT_EQ(spec.model.tokens, 3);
  EXPECT_EQ(spec.model.classes, 3);
  EXPECT_EQ(spec.model.dtype, at::kDouble);
  EXPECT_EQ(spec.objective.loss, "focal");
  EXPECT_EQ(spec.objective.focal_gamma, 1.5);
  EXPECT_EQ(spec.objective.loss_temperature, 2000);
  EXPECT_EQ(spec.objective.class_weights, trainer::ClassWeights::list);
  EXPECT_EQ(spec.objective.weights, (std::vector<double>{1, 2, 0.5}));
  EXPECT_EQ(spec.objective.weight_reduction, "rows");
  EXPECT_EQ(spec.optimizer.optimizer, "sgd");
  EXPECT_EQ(spec.optimizer.momentum, 0.9);
  EXPECT_EQ(spec.optimizer.weight_decay, 0.1);
  EXPECT_EQ(spec.optimizer.schedule, "cosine");
  EXPECT_EQ(spec.optimizer.warmup_epochs, 1.5);
  EXPECT_EQ(spec.optimizer.clip_norm, 2);
  EXPECT_EQ(spec.loop.epochs, 7);
  EXPECT_EQ(spec.loop.batch_size, 4);
  EXPECT_EQ(spec.loop.ema_decay, 0.99);
  EXPECT_EQ(spec.augment.vtlp, 0.1);
  EXPECT_EQ(spec.augment.time_stretch, 0.2);
  EXPECT_EQ(spec.loop.patience, 3);
  EXPECT_EQ(spec.loop.selection_metric, "uar");
  EXPECT_TRUE(spec.loop.refit);
  EXPECT_EQ(spec.prepare.normalise, data::Normalise::group);
  EXPECT_EQ(spec.prepare.group, "actor");
  EXPECT_EQ(spec.predictions, "labels");
  EXPECT_TRUE(spec.save_models);
  EXPECT_EQ(spec.seed, 4u);
  ASSERT_NE(spec.fold, nullptr);
  EXPECT_EQ(spec.fold->test.size(), 6u);
}

TEST(Plan, TheFileOfTheFormatRuns) {
  const SampleFiles files;
  const Plan plan = files.plan(R"(template: &template
  dataset: data
  where: {gender: [m, f]}
  protocol: loso
  group: actor
  validation_groups: 2
  normalise: train
  modality: audio
  model: mlp
  hidden_size: 64
  loss: focal
  focal_gamma: 2.0
  loss_temperature: 2000
  post_curriculum_dropout: 0.6
  epochs: 50
  batch_size: 32
  selection_metric: loss
  ranks_per_trial: 1
  seeds: [1, 2, 3, 4, 5]
experiments:
  - <<: *template
    name: "Audio Only"
  - <<: *template
    name: "Multimodal Fusion"
    modality: both
    fusion_type: cross_attention
    loss_temperature: 1.0
    post_curriculum_dropout: 0.3
    grid: {lr: [1.0e-3, 3.0e-4], dropout: [0.3, 0.5]}
)");
  EXPECT_EQ(plan.trials.size(), 6u * 5 + 6u * 5 * 4);
  EXPECT_EQ(plan.experiments[0].conditions[0].idle,
            (std::vector<std::string>{
                "post_curriculum_dropout (read when: a curriculum other than none, inherited)"}));
  EXPECT_EQ(plan.experiments[0].data, plan.experiments[1].data) << "loaded once";
  EXPECT_EQ(plan.experiments[0].folds, plan.experiments[1].folds);
  EXPECT_EQ(plan.samples.size(), 1u);
  EXPECT_NE(plan.file.experiments[1].resolved.find("  lr:\n    - 0.001\n    - 0.0003\n"),
            std::string::npos)
      << plan.file.experiments[1].resolved;
}

TEST(Plan, WarnsOfAnAverageThatTrialsAreTooShortFor) {
  const SampleFiles files;
  const auto warnings = [&](const std::string& keys) {
    std::string all;
    for (const std::string& text : files.plan(one_experiment(keys)).warnings) {
      if (text.find("ema_decay") != std::string::npos) all += text + '\n';
    }
    return all;
  };
  // 24 training rows at most: 6 steps an epoch; (1 + 60) / (10 + 60) = .8714
  const std::string shared = "modality: both\nepochs: 10\nbatch_size: 4\n";
  EXPECT_EQ(warnings(shared), "");
  EXPECT_EQ(warnings(shared + "ema_decay: 0.87"), "");
  EXPECT_NE(warnings(shared + "ema_decay: 0.88").find("0.88 is never reached"), std::string::npos);
  const std::string both = warnings(shared + "grid: {ema_decay: [0.5, 0.99]}");
  EXPECT_NE(both.find("trials of 60 end at 0.8714"), std::string::npos) << both;
  EXPECT_EQ(both.find("0.5"), std::string::npos) << both;
}

TEST(Plan, EqualConditionsAreOneTrial) {
  const SampleFiles files;
  const std::string two =
      "t: &t {dataset: data, protocol: loso, group: actor, modality: audio, seeds: 2}\n"
      "experiments:\n  - {<<: *t, name: a}\n  - {<<: *t, name: b, grid: {lr: [0.001, 0.01]}}\n";
  const Plan plan = files.plan(two);
  EXPECT_EQ(plan.file.cells.size(), 12u + 24u);
  EXPECT_EQ(plan.trials.size(), 24u);
  const Plan linear = files.plan(one_experiment("modality: both\nmodel: linear\nseeds: 5"));
  EXPECT_EQ(linear.file.cells.size(), 30u);
  EXPECT_EQ(linear.trials.size(), 6u) << "the linear model reads no seed";
}

TEST(Plan, Modalities) {
  const SampleFiles files, three(6, true);
  EXPECT_EQ(
      files.error(one_experiment("lr: 0.1")),
      "experiment.yaml:2:5: the experiment has no `modality`, and its dataset has 2: audio, visual "
      "(experiment \"one\")");
  EXPECT_EQ(
      three.error(one_experiment("modality: both")),
      "experiment.yaml:7:5: modality: both needs a dataset of exactly two modalities; this one has "
      "3: audio, visual, text (experiment \"one\")");
  EXPECT_EQ(
      files.error(one_experiment("modality: [audio, visal]")),
      "experiment.yaml:7:5: modality: the dataset has no 'visal': did you mean 'visual'? It has "
      "audio, visual (experiment \"one\")");
}

TEST(Plan, MistakesThatTheDataShows) {
  const SampleFiles files;
  EXPECT_EQ(
      files.error(one_experiment("modality: audio\nclass_weights: [1, 2]")),
      "experiment.yaml:8:5: class_weights: the list has 2 numbers, the dataset 3 classes: x, y, z "
      "(experiment \"one\")");
  EXPECT_EQ(
      files.error("experiments:\n  - {name: a, dataset: data, modality: audio, group: actr}\n"),
      "experiment.yaml:2:47: group: the dataset has no group 'actr': did you mean 'actor'? Its "
      "groups: actor; 'group: id' makes each row one of its own (experiment \"a\")");
  EXPECT_EQ(
      files.error("experiments:\n  - {name: a, dataset: nowhere, modality: audio, group: actor}\n"),
      "experiment.yaml:2:15: dataset: there is no dataset.yaml at nowhere (experiment \"a\")");
  EXPECT_EQ(files.error("experiments:\n  - name: a\n    dataset: data\n    modality: audio\n"
                        "    protocol: group_kfold\n"),
            "experiment.yaml:5:5: protocol group_kfold needs the key `group`: one of the dataset's "
            "groups "
            "(experiment \"a\")");
  EXPECT_NE(files.error(one_experiment("modality: audio\nwhere: {nothing: 1}")).find("nothing"),
            std::string::npos);
}

TEST(Plan, KeysThatDoNotFitTogether) {
  const SampleFiles files;
  EXPECT_EQ(
      files.error(one_experiment("modality: both\nfusion_type: cross_attention\nhidden_size: 30")),
      "experiment.yaml:9:5: hidden_size 30 is not a multiple of heads 4, which cross_attention "
      "needs "
      "(experiment \"one\")");
  EXPECT_EQ(
      files.error(one_experiment("modality: audio\nwarmup_steps: 3\nwarmup_epochs: 1")),
      "experiment.yaml:8:5: warmup_steps and warmup_epochs exclude each other: take one of them "
      "(experiment \"one\")");
  EXPECT_EQ(files.error(one_experiment("modality: audio\nmodel: linear\nclass_weights: batch")),
            "experiment.yaml:9:5: class_weights: batch needs batches, which model: linear has not; "
            "expected none, balanced or a list (experiment \"one\")");
  EXPECT_EQ(
      files.error(one_experiment("modality: audio\ndevice: cuda")),
      "experiment.yaml:8:5: device: cuda trains small_cnn, resnet18 and transformer; mlp trains "
      "faster in packs on the CPU's cores; write auto or cpu (experiment \"one\")");
}

TEST(Plan, TheLinearModelIsFittedOnTheCpuWhateverTheDevice) {
  const SampleFiles files;
  const trainer::TrialSpec spec =
      files.plan(one_experiment("modality: audio\nmodel: linear\ndevice: cuda"))
          .experiments[0]
          .conditions[0]
          .base;
  EXPECT_TRUE(spec.model.device.is_cpu());
}

TEST(Plan, SelectionMetricFollowsTheValidationRows) {
  const SampleFiles small(6), large(60);
  const std::string keys = "modality: audio\n";
  EXPECT_EQ(
      small.plan(one_experiment(keys)).experiments[0].conditions[0].base.loop.selection_metric,
      "loss");
  const std::string many =
      "experiments:\n  - {name: a, dataset: data, modality: audio, group: actor,\n"
      "     protocol: group_kfold, folds: 3, validation_groups: 20}\n";
  EXPECT_EQ(large.plan(many).experiments[0].conditions[0].base.loop.selection_metric, "macro_f1");
  const std::string all =
      "experiments:\n  - {name: a, dataset: data, modality: audio, protocol: all, patience: 3,\n"
      "     refit: train+validation}\n";
  const Plan everything = small.plan(all);
  const trainer::TrialSpec& spec = everything.experiments[0].conditions[0].base;
  EXPECT_EQ(spec.loop.selection_metric, "last");
  EXPECT_EQ(spec.loop.patience, 0);
  EXPECT_FALSE(spec.loop.refit);
}

TEST(Plan, ResolvedYamlIsAnExperimentOfEqualIds) {
  const SampleFiles files;
  const Plan plan =
      files.plan(one_experiment("modality: both\nwhere: {gender: [m, f]}\nclass_weights: [1, 2, "
                                "3]\nloss: focal\nseeds: [2, 9]\n"
                                "grid: {lr: [0.1, 0.01], normalise: [train, group]}"));
  std::string again = "experiments:\n";
  std::istringstream lines(plan.experiments[0].resolved);
  std::string start = "  - ";
  for (std::string line; std::getline(lines, line); start = "    ") again += start + line + "\n";
  const Plan second = files.plan(again);
  ASSERT_EQ(second.file.cells.size(), plan.file.cells.size());
  for (std::size_t i = 0; i < plan.file.cells.size(); ++i) {
    EXPECT_EQ(second.file.cells[i].id, plan.file.cells[i].id);
  }
}

TEST(Plan, RelativePathsResolveAgainstTheGivenFolder) {
  const SampleFiles files;
  std::filesystem::create_directories(files.dir() / "run");
  PlanOptions options;
  options.file = files.write("run/experiment.yaml", one_experiment("modality: audio"));
  options.relative_to = files.dir();
  EXPECT_EQ(make_plan(options).trials.size(), 6u);
}

TEST(Plan, TextAndJsonTellWhatItHolds) {
  const SampleFiles files;
  const Plan plan = files.plan(one_experiment("modality: both\nfocal_gamma: 1\nseeds: 3"));
  const std::string text = plan_text(plan, 2);
  for (const char* part :
       {"experiment \"one\"", "tiny: 36 samples", "x 12, y 12, z 12", "actor (6 values)",
        "visual: 3 columns, 1 missing values", "loso over actor", "6 folds", "8/8/8",
        "focal_gamma (read when: loss: focal)", "18 cells", "on 2 ranks"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\nin\n" << text;
  }
  const auto json = nlohmann::json::parse(plan_json(plan, 2));
  EXPECT_EQ(json["trials"], 18);
  EXPECT_EQ(json["experiments"][0]["folds"].size(), 6u);
  EXPECT_EQ(json["experiments"][0]["folds"][0]["test"]["samples"], 6);
  EXPECT_EQ(json["estimate"]["ranks"], 2);
}

// 6 folds, so 6 trials a condition and seed.
TEST(Plan, EveryReasonIsShownWithItsTrialsAndConditions) {
  const SampleFiles files;
  const std::string head =
      "t: &t {dataset: data, protocol: loso, group: actor, validation_groups: 1}\nexperiments:\n";
  const Plan plan = files.plan(
      head +
      "  - {<<: *t, name: wide, modality: audio, seeds: 2, grid: {hidden_size: [64, 600], "
      "batch_size: [8, 600]}}\n"
      "  - {<<: *t, name: torch, modality: both, kernels: torch, grid: {hidden_size: [32, 601]}}\n"
      "  - {<<: *t, name: line, modality: audio, model: linear}\n");
  const std::string text = plan_text(plan, 1);
  for (const char* line :
       {"  alone        6 trials: linear model (\"line\")\n",
        "  alone        6 trials: large layers, and hidden_size no multiple of 16 (\"torch\" with "
        "hidden_size=601)\n",
        "kernels: fused for 12 trials\n",
        "  torch        30 trials: hidden_size is above 512 (\"wide\" with hidden_size=600, "
        "\"torch\" with "
        "hidden_size=601)\n",
        "  torch        12 trials: a batch has more than 512 rows (\"wide\" with hidden_size=64, "
        "batch_size=600)\n",
        "  torch        6 trials: kernels: torch (\"torch\" with hidden_size=32)\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "\nin\n" << text;
  }
  const auto json = nlohmann::json::parse(plan_json(plan, 1));
  EXPECT_EQ(json["kernels"]["fused"], 12);
  std::size_t alone = json["packs"]["trials"], kernels = json["kernels"]["fused"];
  for (const auto& reason : json["packs"]["alone"]) alone += reason["trials"].get<std::size_t>();
  for (const auto& reason : json["kernels"]["torch"]) {
    kernels += reason["trials"].get<std::size_t>();
    std::size_t trials = 0;
    for (const auto& condition : reason["conditions"])
      trials += condition["trials"].get<std::size_t>();
    EXPECT_EQ(trials, reason["trials"]) << reason;
  }
  EXPECT_EQ(alone, plan.trials.size()) << "every trial is in a pack or has its reason";
  EXPECT_EQ(kernels, plan.trials.size() - 6) << "every network has its kernels";
}

TEST(Plan, ALongListOfConditionsIsCutInTextOnly) {
  const SampleFiles files;
  const Plan plan = files.plan(
      one_experiment("modality: audio\ngrid: {hidden_size: [520, 32, 530], class_weights: "
                     "[[1, 2, 3], [3, 2, 1]], lr: [0.1, 0.01]}"));
  const std::string text = plan_text(plan, 1);
  EXPECT_NE(text.find("(\"one\" with hidden_size=32)\n"), std::string::npos) << text;
  EXPECT_NE(text.find("hidden_size=520, class_weights=[3, 2, 1], lr=0.01 and 4 more)\n"),
            std::string::npos)
      << text;
  const auto json = nlohmann::json::parse(plan_json(plan, 1));
  ASSERT_EQ(json["kernels"]["torch"].size(), 1u);
  EXPECT_EQ(json["kernels"]["torch"][0]["conditions"].size(), 8u);
}

TEST(Plan, EstimatesFollowWhatTrialsDo) {
  const SampleFiles files;
  const auto cost = [&](const std::string& keys) {
    const Plan plan = files.plan(one_experiment("modality: both\n" + keys));
    return plan.estimate;
  };
  const Estimate base = cost("epochs: 100");
  EXPECT_NEAR(cost("epochs: 200").cpu_seconds / base.cpu_seconds, 2, 0.2);
  EXPECT_NEAR(cost("epochs: 100\nseeds: 3").cpu_seconds / base.cpu_seconds, 3, 0.01);
  EXPECT_GT(cost("epochs: 100\nrefit: train+validation").cpu_seconds, 1.2 * base.cpu_seconds);
  EXPECT_LT(cost("epochs: 100\npatience: 5").cpu_seconds, 0.5 * base.cpu_seconds);
  EXPECT_GT(cost("epochs: 100\nfusion_type: cross_attention").cpu_seconds, 2 * base.cpu_seconds);
  EXPECT_LT(cost("model: linear").cpu_seconds, 0.2 * base.cpu_seconds);
  EXPECT_GT(cost("epochs: 100\nsave_models: true").disk_bytes, base.disk_bytes);
  EXPECT_LT(cost("epochs: 100\npredictions: none").disk_bytes, base.disk_bytes);
  EXPECT_GT(cost("hidden_size: 2048").memory_bytes, base.memory_bytes + 50'000'000);
  const Plan plan = files.plan(one_experiment("modality: both"));
  EXPECT_DOUBLE_EQ(wall_seconds(plan, 1), plan.estimate.cpu_seconds);
  EXPECT_DOUBLE_EQ(wall_seconds(plan, 1000), plan.trials.front().cost);
}

TEST(Plan, MemoryIsThatOfTheLargestPack) {
  const SampleFiles files;
  const auto plan = [&](const std::string& keys) {
    return files.plan(
        one_experiment("modality: both\nkernels: torch\nhidden_size: 256\nseeds: 2\n" + keys));
  };
  const auto memory = [&](const std::string& keys) { return memory_bytes(plan(keys)); };
  const double weights = 4 * static_cast<double>(models::parameter_count(
                                 plan("").experiments[0].conditions[0].base.model));
  const double alone = memory("pack: off"), four = memory("pack: 4"), eight = memory("pack: 8");
  EXPECT_GT(four - alone, 3 * 5 * weights) << "weights, gradient, two moments, best of each";
  EXPECT_LT(four - alone, 3 * 10 * weights);
  EXPECT_NEAR(eight - four, (four - alone) * 4 / 3, 1e-3 * alone);
  const std::string twice = "dtype: float64\n";
  EXPECT_NEAR(memory(twice + "pack: 8") - memory(twice + "pack: off"), 2 * (eight - alone),
              0.01 * eight);
  // Twelve trials cannot be in a pack of more, and activations grow with the batch.
  EXPECT_EQ(memory("pack: 12"), memory("pack: 1000"));
  const double larger = memory("pack: 8\nbatch_size: 512") - eight;
  const double values =
      4.0 * 8 * 480 * models::counted_work(plan("").experiments[0].conditions[0].base.model).values;
  EXPECT_GT(larger, 0.9 * values);
  EXPECT_LT(larger, 3 * values);
}

TEST(Plan, MemoryHoldsThePreparedFolds) {
  const SampleFiles few(6), many(60);
  const std::string keys = one_experiment("modality: both\npack: off");
  // The same trials otherwise: 60 folds of 360 rows, 5 numbers and a label each, and the table.
  const double more = memory_bytes(many.plan(keys)) - memory_bytes(few.plan(keys));
  const double folds = 60 * 360 * (5 * 4 + 8.0);
  EXPECT_GT(more, folds);
  EXPECT_LT(more, 3 * folds);
}

TEST(Plan, AHundredThousandTrialsAreNoWait) {
  const SampleFiles files(24);
  const auto begin = std::chrono::steady_clock::now();
  const Plan plan =
      files.plan(one_experiment("modality: both\nseeds: 50\n"
                                "grid: {lr: [0.1, 0.01, 0.001, 0.0001, 0.2, 0.02, 0.002], dropout: "
                                "[0, 0.1, 0.2, 0.3, 0.4, 0.5],\n"
                                "       normalise: [train, none]}"));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  EXPECT_EQ(plan.trials.size(), 24u * 50 * 84);
  EXPECT_LT(took.count(), 5.0) << "about 0.3 s where the machine is idle";
  std::printf("plan of 100,800 trials: %.3f s\n", took.count());
}

}  // namespace
}  // namespace emosweep::launcher
