#include <gtest/gtest.h>

#include "launcher/epoch_line.h"

namespace emosweep::launcher {
namespace {

TEST(EpochLine, TellsTheLossAndWhatValidationSays) {
  const std::vector<results::Curve> curves{{"train_loss", {2, 1.25}},
                                           {"train_cross_entropy", {2, 1.25}},
                                           {"lr", {.1, .1}},
                                           {"validation_loss", {2.5, 1.5}},
                                           {"validation_accuracy", {.25, .5}},
                                           {"validation_macro_f1", {.2, .4375}}};
  EXPECT_EQ(epoch_line({curves, 41.2}),
            "epoch 2, 41.2 s: train loss 1.25; validation loss 1.5, accuracy 0.5, macro_f1 0.4375");
  const std::vector<results::Curve> short_ones{{"train_loss", {.5}}, {"lr", {.1}}};
  EXPECT_EQ(epoch_line({short_ones, .004}), "epoch 1, 0.004 s: train loss 0.5; no validation");
  EXPECT_EQ(epoch_line({short_ones, 3, true}), "refit, epoch 1, 3 s: train loss 0.5");
}

TEST(EpochLine, TellsEveryTermItsWeightAndItsShare) {
  const std::vector<results::Curve> curves{
      {"train_loss", {9, .61}},           {"train_focal", {9, .25}},
      {"weight_focal", {.7, .7}},         {"train_contrastive", {9, 1.45}},
      {"weight_contrastive", {.3, .3}},   {"lr", {0, 0}},
      {"validation_loss", {9, .72}},      {"validation_focal", {9, .6}},
      {"validation_contrastive", {9, 1}}, {"validation_macro_f1", {.1, .71}}};
  EXPECT_TRUE(has_terms(curves));
  EXPECT_EQ(
      epoch_line({curves, 2}),
      "epoch 2, 2 s: train loss 0.61 = 0.7 x focal 0.25 (29 %) + 0.3 x contrastive 1.45 (71 %); "
      "validation loss 0.72 = 0.7 x focal 0.6 (58 %) + 0.3 x contrastive 1 (42 %), "
      "macro_f1 0.71");
  EXPECT_FALSE(has_terms({{"train_loss", {1}}}));
}

}  // namespace
}  // namespace emosweep::launcher
