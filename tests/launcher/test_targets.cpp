// What experiments may ask of several labels, aspects and values; what the plan says of them.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "launcher/plan_facts.h"
#include "sample_files.h"

namespace emosweep::launcher {
namespace {

const char* const kModalities =
    "groups: {actor: actor}\nmodalities:\n  audio: {kind: features, columns: [a0 .. a1]}\n";
const char* const kMulti = "label: {column: label, separator: \"|\", classes: [x, y, z]}\n";
const char* const kAspects = "aspects: {columns: [label, other], classes: [x, y, z]}\n";
const char* const kValues = "label: {columns: [v0, v1], kind: regression}\n";

struct Targets : testing::Test {
  Targets() {
    std::ofstream table(files.dir() / "data" / "more.csv");
    table << "id,label,other,actor,a0,a1,v0,v1\n";
    for (int n = 0; n < 36; ++n)
      table << "r" << n << ","
            << "xyz"[n % 3] << ","
            << "xyz"[n / 2 % 3] << ",s" << n % 6 << "," << n * .5 << "," << n % 7 << "," << n << ","
            << n % 4 - 1.5 << "\n";
  }
  void describe(const char* target) const {
    files.write("data/dataset.yaml",
                std::string("name: tiny\nsamples: more.csv\nid: id\n") + target + kModalities);
  }
  Plan plan(const char* target, const std::string& keys = "") const {
    describe(target);
    return files.plan(one_experiment("seeds: [1]\n" + keys));
  }
  std::string error(const char* target, const std::string& keys) const {
    describe(target);
    return files.error(one_experiment(keys));
  }

  SampleFiles files;
};

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_F(Targets, HeadsAndDefaultsFollowTheKind) {
  const trainer::TrialSpec multi = plan(kMulti).experiments[0].conditions[0].base;
  EXPECT_EQ(multi.model.classes, 3);
  EXPECT_EQ(multi.model.kernels, models::Kernels::torch);
  EXPECT_EQ(multi.objective.loss, "cross_entropy");
  EXPECT_EQ(multi.objective.weight_reduction, "rows");
  const trainer::TrialSpec aspects = plan(kAspects).experiments[0].conditions[0].base;
  EXPECT_EQ(aspects.model.classes, 6);
  EXPECT_EQ(aspects.objective.weight_reduction, "weights");
  EXPECT_EQ(aspects.objective.focal_weight, 1);
  EXPECT_EQ(aspects.objective.contrastive_weight, 0);
  const Plan values = plan(kValues, "class_weights: none");
  EXPECT_EQ(values.experiments[0].conditions[0].base.model.classes, 2);
  EXPECT_EQ(values.experiments[0].conditions[0].base.objective.loss, "mse");
  EXPECT_EQ(values.experiments[0].conditions[0].base.loop.selection_metric, "loss");
  EXPECT_TRUE(holds(values.experiments[0].conditions[0].canonical, "loss=mse\n"));
}

TEST_F(Targets, KeysOfTheTermsStandInTheIdentityWhereTheyAreWritten) {
  const auto canonical = [this](const std::string& keys) {
    return plan(kAspects, keys).experiments[0].conditions[0].canonical;
  };
  EXPECT_FALSE(holds(canonical(""), "contrastive"));
  EXPECT_FALSE(holds(canonical(""), "focal_weight"));
  EXPECT_FALSE(holds(canonical("contrastive_temperature: 0.5"), "contrastive"));
  const std::string both = canonical(
      "loss: focal\nfocal_weight: 0.7\ncontrastive_weight: 0.3\ncontrastive_temperature: 0.5");
  EXPECT_TRUE(holds(both, "focal_weight=0.7\n"));
  EXPECT_TRUE(holds(both, "contrastive_weight=0.3\ncontrastive") ||
              holds(both, "contrastive_weight=0.3\n"));
  EXPECT_TRUE(holds(both, "contrastive_temperature=0.5\n"));
}

TEST_F(Targets, WhatAKindDoesNotHaveIsAMistakeAtItsPlace) {
  // One experiment's keys begin in line 7 of the file.
  const auto refused = [this](const char* target, const std::string& keys,
                              const std::string& message) {
    const std::string text = error(target, keys);
    EXPECT_TRUE(holds(text, "experiment.yaml:7:")) << text;
    EXPECT_TRUE(holds(text, message)) << text;
  };
  refused(kMulti, "loss: mse", "loss: mse is not for it; expected one of cross_entropy, focal");
  refused(kValues, "loss: focal",
          "expected one of mse, ccc; the dataset's target is of kind "
          "regression");
  refused(kMulti, "selection_metric: uar", "selection_metric: uar is not for it");
  refused(kValues, "selection_metric: macro_f1", "expected one of auto, loss, last, ccc, mae");
  refused(kMulti, "contrastive_weight: 0.5", "only aspects have it");
  refused(kMulti, "focal_weight: 0.5", "only aspects have it");
  refused(kAspects, "focal_weight: 0", "there is nothing to train");
  refused(kMulti, "class_weights: batch", "batch weighs single labels");
  refused(kMulti, "class_weights: [1, 2]", "the list has 2 numbers, the dataset 3 labels: x, y, z");
  refused(kAspects, "class_weights: [1, 2]", "(or 6, the classes of each of its aspects)");
  refused(kValues, "class_weights: balanced", "only classes, labels and aspects have it");
  refused(kValues, "loss_temperature: 2", "only classes, labels and aspects have it");
  refused(kAspects, "model: linear", "linear takes single labels; mlp takes every kind");
  refused(kAspects, "balanced_sampler: true", "it draws single labels");
  refused(kMulti, "curriculum: class_balance", "takes turns between single labels");
  refused(kMulti, "kernels: fused", "they train single labels, this target is of kind multi");
  EXPECT_EQ(error(kAspects, "class_weights: [1, 2, 3]"), "");
  EXPECT_EQ(error(kAspects, "class_weights: [1, 2, 3, 4, 5, 6]"), "");
  EXPECT_EQ(error(kMulti, "curriculum: random\nselection_metric: micro_f1"), "");
}

TEST_F(Targets, SingleLabelsKeepTheirOwn) {
  describe("label: {column: label, classes: [x, y, z]}\n");
  const auto refused = [this](const std::string& keys) {
    return files.error(one_experiment(keys));
  };
  EXPECT_TRUE(holds(refused("loss: ccc"), "the dataset's target is of kind single"));
  EXPECT_TRUE(holds(refused("selection_metric: micro_f1"), "kind single"));
  EXPECT_TRUE(holds(refused("contrastive_weight: 1"), "only aspects have it"));
}

TEST_F(Targets, ThePlanCountsLabelsAspectsAndValues) {
  const std::string multi = plan_text(plan(kMulti), 1);
  EXPECT_TRUE(holds(multi, "  labels       x 12, y 12, z 12\n")) << multi;
  EXPECT_TRUE(holds(multi, "they train single labels")) << multi;
  const Plan planned = plan(kAspects);
  const std::string aspects = plan_text(planned, 1);
  EXPECT_TRUE(holds(aspects, "  aspect       label: x 12, y 12, z 12\n")) << aspects;
  EXPECT_TRUE(holds(aspects, "  aspect       other: x 12, y 12, z 12\n")) << aspects;
  EXPECT_EQ(planned.file.experiments[0].folds[0].train.classes.size(), 6u);
  const auto json = nlohmann::json::parse(plan_json(planned, 1));
  EXPECT_EQ(json["experiments"][0]["dataset"]["target"], "aspects");
  EXPECT_EQ(json["experiments"][0]["dataset"]["classes"][4]["name"], "other/y");
  const std::string values = plan_text(plan(kValues), 1);
  EXPECT_TRUE(holds(values, "  value        v0: mean 17.5, 0 to 35\n")) << values;
  EXPECT_TRUE(holds(values, "  value        v1: mean 0, -1.5 to 1.5\n")) << values;
}

}  // namespace
}  // namespace emosweep::launcher
