#include <gtest/gtest.h>

#include "launcher/experiment_file.h"

namespace emosweep::launcher {
namespace {

Overrides everything() {
  Overrides overrides;
  overrides.all = true;
  return overrides;
}

std::vector<Experiment> read(const std::string& text, const Overrides& overrides = everything()) {
  return read_experiments(text, "f.yaml", overrides);
}

std::string error(const std::string& text, const Overrides& overrides = everything()) {
  try {
    read(text, overrides);
  } catch (const InputError& problem) {
    return problem.what();
  }
  return "";
}

std::string text_of(const Experiment& experiment, Key key) {
  const auto found = experiment.settings.find(key);
  return found == experiment.settings.end() ? "(not written)" : found->second.value.text;
}

const char* const kTwo = R"(template: &template
  dataset: data
  modality: audio
  loss_temperature: 2000
  post_curriculum_dropout: 0.6
  seeds: [1, 2]

experiments:
  - <<: *template
    name: "Audio Only"
  - loss_temperature: 1.0
    <<: *template
    name: Fusion
    modality: both
    fusion_type: gated
    grid: {lr: [1.0e-3, 3.0e-4], dropout: [0.3, 0.5]}
)";

TEST(ExperimentFile, TemplatesMergeAndOwnKeysWinWhereverTheyStand) {
  const auto experiments = read(kTwo);
  ASSERT_EQ(experiments.size(), 2u);
  EXPECT_EQ(experiments[0].name, "Audio Only");
  EXPECT_EQ(text_of(experiments[0], Key::loss_temperature), "2000");
  EXPECT_EQ(experiments[0].settings.at(Key::loss_temperature).origin, Origin::inherited);
  EXPECT_EQ(text_of(experiments[1], Key::loss_temperature), "1");
  EXPECT_EQ(experiments[1].settings.at(Key::loss_temperature).origin, Origin::own);
  EXPECT_EQ(text_of(experiments[1], Key::post_curriculum_dropout), "0.6");
  // Axes stand in the order of the key table, whatever the file's.
  ASSERT_EQ(experiments[1].axes.size(), 2u);
  EXPECT_EQ(experiments[1].axes[0].key, Key::dropout);
  EXPECT_EQ(experiments[1].axes[1].key, Key::lr);
}

TEST(ExperimentFile, SeveralExperimentsNeedAChoice) {
  EXPECT_EQ(
      error(kTwo, {}),
      "f.yaml: holds 2 experiments: \"Audio Only\", \"Fusion\"; choose with -e NAME (repeatable), "
      "or take --all");
  Overrides one;
  one.experiments = {"Fusion"};
  const auto chosen = read(kTwo, one);
  ASSERT_EQ(chosen.size(), 1u);
  EXPECT_EQ(chosen[0].name, "Fusion");
  one.experiments = {"Fuson"};
  EXPECT_EQ(error(kTwo, one),
            "-e 'Fuson': no such experiment: did you mean 'Fusion'? The file has \"Audio Only\", "
            "\"Fusion\"");
  EXPECT_EQ(read("experiments:\n  - {name: a, dataset: d, modality: x}\n", {}).size(), 1u);
}

TEST(ExperimentFile, AllMistakesAreReportedTogetherWithTheirPlaces) {
  EXPECT_EQ(
      error("t: &t\n"
            "  dataset: d\n"
            "  epoch: 5\n"
            "  dropout: 1.5\n"
            "experiments:\n"
            "  - <<: *t\n"
            "    name: a\n"
            "    modality: x\n"
            "    lr: fast\n"
            "    pack: 0\n"
            "  - <<: *t\n"
            "    name: b\n"
            "    modality: x\n"
            "    loss: focl\n"),
      "f.yaml:3:3: unknown key 'epoch': did you mean 'epochs'? (experiments \"a\", \"b\")\n"
      "f.yaml:4:3: dropout: expected a number in [0, 1), got '1.5' (experiments \"a\", \"b\")\n"
      "f.yaml:9:5: lr: expected a number > 0, got 'fast' (experiment \"a\")\n"
      "f.yaml:10:5: pack: expected one of auto, off, or a whole number in [1, 4096], got '0' "
      "(experiment \"a\")\n"
      "f.yaml:14:5: loss: expected one of cross_entropy, focal, mse, ccc, got 'focl': did you mean "
      "'focal'? "
      "(experiment \"b\")");
}

TEST(ExperimentFile, MistakesOfTheTop) {
  EXPECT_EQ(
      error("experimants: []\n"),
      "f.yaml:1:1: unknown key 'experimants' at the top of the file, where only `experiments` and "
      "templates (maps) stand: did you mean 'experiments'?\n"
      "f.yaml: the key `experiments` is missing: a list of experiments");
  EXPECT_EQ(
      error("lr: 1\nexperiments:\n  - {name: a, dataset: d}\n"),
      "f.yaml:1:1: unknown key 'lr' at the top of the file, where only `experiments` and templates "
      "(maps) stand: write it into a template or an experiment");
  EXPECT_EQ(error("experiments: []\n"),
            "f.yaml:1:1: `experiments` must be a list with at least one experiment");
  EXPECT_EQ(error(""), "f.yaml: expected a map with the key `experiments`");
}

TEST(ExperimentFile, Names) {
  EXPECT_EQ(error("experiments:\n  - {name: a, dataset: d}\n  - {name: a, dataset: d}\n"),
            "f.yaml:3:6: the name 'a' is taken by an earlier experiment");
  EXPECT_EQ(error("experiments:\n  - dataset: d\n"), "f.yaml:2:5: the experiment has no `name`");
  EXPECT_NE(error("experiments:\n  - {name: a/b, dataset: d}\n").find("f.yaml:2:6: name: expected"),
            std::string::npos);
  EXPECT_NE(error("experiments:\n  - {name: .., dataset: d}\n").find("name: expected"),
            std::string::npos);
  EXPECT_EQ(error("experiments:\n  - name: a\n"),
            "f.yaml:2:5: the experiment has no `dataset` (experiment \"a\")");
}

TEST(ExperimentFile, MistakesOfGrids) {
  const std::string start =
      "experiments:\n  - name: a\n    dataset: d\n    modality: [x, y]\n    grid:\n";
  const auto grid = [&](const std::string& lines) { return error(start + lines); };
  EXPECT_EQ(grid("      lr: []\n"),
            "f.yaml:6:7: grid: lr: expected a list with at least one value (experiment \"a\")");
  EXPECT_EQ(grid("      lr: 0.1\n"),
            "f.yaml:6:7: grid: lr: expected a list with at least one value (experiment \"a\")");
  EXPECT_EQ(grid("      lr: [0.1, 1.0e-1]\n"),
            "f.yaml:6:17: grid: lr: 0.1 stands there twice (experiment \"a\")");
  EXPECT_EQ(grid("      lr: [0.1, -1]\n"),
            "f.yaml:6:17: grid: lr: expected a number > 0, got '-1' (experiment \"a\")");
  EXPECT_EQ(grid("      rl: [0.1]\n"),
            "f.yaml:6:7: unknown key 'rl' (emosweep run --help-keys lists the "
            "keys) (experiment \"a\")");
  EXPECT_EQ(grid("      dataset: [a, b]\n"),
            "f.yaml:6:7: grid: dataset: cannot be an axis; write an experiment for each value "
            "(experiment \"a\")");
  EXPECT_EQ(grid("      lr: [0.1]\n    lr: 0.2\n"),
            "f.yaml:7:5: lr stands both as a key and as an axis of the grid (experiment \"a\")");
}

TEST(ExperimentFile, OwnKeyReplacesAnInheritedAxis) {
  const auto experiments = read(
      "t: &t\n  dataset: d\n  modality: x\n  grid: {lr: [0.1, 0.2]}\n"
      "experiments:\n  - {<<: *t, name: a, lr: 0.3}\n  - {<<: *t, name: b}\n");
  EXPECT_TRUE(experiments[0].axes.empty());
  EXPECT_EQ(text_of(experiments[0], Key::lr), "0.3");
  EXPECT_EQ(experiments[1].axes.size(), 1u);
}

TEST(ExperimentFile, SetComesAfterTheMergeAndReplacesAnAxis) {
  Overrides overrides;
  overrides.experiments = {"Fusion"};
  overrides.set = {"lr=0.1", "modality=[a, b]", "epochs=3"};
  overrides.seeds = {9};
  const auto experiments = read(kTwo, overrides);
  ASSERT_EQ(experiments[0].axes.size(), 1u);
  EXPECT_EQ(experiments[0].axes[0].key, Key::dropout);
  EXPECT_EQ(text_of(experiments[0], Key::lr), "0.1");
  EXPECT_EQ(text_of(experiments[0], Key::modality), "[a, b]");
  EXPECT_EQ(experiments[0].settings.at(Key::seeds).value.seeds, (std::vector<std::uint64_t>{9}));
}

TEST(ExperimentFile, MistakesOfSet) {
  const auto set = [](const std::string& word) {
    Overrides overrides = everything();
    overrides.set = {word};
    return error(kTwo, overrides);
  };
  EXPECT_EQ(set("lr=abc"), "--set 'lr=abc': expected a number > 0, got 'abc'");
  EXPECT_EQ(set("epoch=3"), "--set 'epoch=3': unknown key 'epoch': did you mean 'epochs'?");
  EXPECT_EQ(set("epochs"), "--set 'epochs': expected key=value");
  EXPECT_EQ(set("epochs="),
            "--set 'epochs=': expected a whole number in [1, 1000000], got nothing");
  EXPECT_EQ(set("name=x"), "--set 'name=x': name cannot be set from the command line");
  EXPECT_EQ(set("curriculum=difficult"),
            "--set 'curriculum=difficult': expected one of none, difficulty, inverse, random, "
            "class_balance, got 'difficult': did you mean 'difficulty'?");
  Overrides twice = everything();
  twice.set = {"lr=1", "lr=2"};
  EXPECT_EQ(error(kTwo, twice), "--set 'lr=2': lr is set twice");
}

TEST(ExperimentFile, AKeyThatCannotBeReadIsAnErrorOnlyWhereItIsOwn) {
  const std::string end = "experiments:\n  - {<<: *t, name: a, modality: audio}\n";
  EXPECT_EQ(error("t: &t {dataset: d, fusion_type: gated, tokens: 4}\n" + end), "");
  EXPECT_EQ(
      error("experiments:\n  - name: a\n    dataset: d\n    modality: audio\n"
            "    fusion_type: gated\n    grid: {tokens: [2, 4]}\n"),
      "f.yaml:5:5: fusion_type: no trial can read it with one modality; it belongs to fusions of "
      "several (experiment \"a\")\n"
      "f.yaml:6:12: tokens: no trial can read it with one modality; it belongs to fusions of "
      "several (experiment \"a\")");
  // Idle only because of other keys' values: not an error.
  EXPECT_EQ(error("experiments:\n  - name: a\n    dataset: d\n    modality: audio\n    C: 3\n"
                  "    post_curriculum_dropout: 0.3\n    focal_gamma: 1\n"),
            "");
  EXPECT_EQ(error("experiments:\n  - name: a\n    dataset: d\n    fusion_type: gated\n"
                  "    grid: {modality: [audio, both]}\n"),
            "");
}

TEST(ExperimentFile, DuplicateKeysAndSyntaxErrorsHavePlaces) {
  EXPECT_NE(
      error("experiments:\n  - name: a\n    dataset: d\n    lr: 1\n    lr: 2\n").find("f.yaml:5:5"),
      std::string::npos);
  EXPECT_NE(error("experiments: [\n").find("f.yaml:"), std::string::npos);
}

}  // namespace
}  // namespace emosweep::launcher
