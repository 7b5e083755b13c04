// Several windows of a recording in validation and test: against each window's own logits.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <fstream>

#include "../base/temporary_folder.h"
#include "synthetic.h"
#include "team_trials.h"
#include "trainer/model_file.h"
#include "trainer/predict.h"
#include "trainer/predict_input.h"
#include "trainer/saved_network.h"

namespace emosweep::trainer {
namespace {

struct EvaluationWindows : testing::Test {
  data::Dataset dataset = test::dataset_of(120, 2.5);
  data::Fold fold = test::fold_of(dataset);
  TrialSpec spec = test::spec_of(dataset, fold);
  data::Folder recordings;
  TemporaryFolder folder;

  EvaluationWindows() {
    use_recordings(dataset, spec, recordings);
    spec.prepare.windows = 3;
    spec.loop.epochs = 2;
    spec.save_models = true;
    spec.model.dtype = at::kDouble;
  }

  static Trained train(const TrialSpec& spec) {
    FoldCache cache;
    Alone team;
    return trained_or_throw(train_trials({&spec, 1}, cache, team, {})[0]);
  }
  ModelFile saved(const Trained& trained) const {
    const auto file = folder.path() / "model.safetensors";
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char*>(trained.weights->data()),
               static_cast<std::streamsize>(trained.weights->size()));
    return read_model(file);
  }
};

// Recordings have 14 to 20 frames, a window 16; row r has 14 + r % 7, and every 13th has none.
TEST_F(EvaluationWindows, ATestRowsLogitsAreTheMeanOverThem) {
  const Trained trained = train(spec);
  const ModelFile model = saved(trained);
  EXPECT_EQ(model.prepare.windows, 3);
  const PredictInput input(model, dataset);
  const data::WindowImages images = input.windows();
  SavedNetwork network(model, "model");
  std::int64_t moved = 0;
  for (std::size_t i = 0; i < fold.test.size(); ++i) {
    const std::int32_t row = fold.test[i];
    if (row % 13 == 0) continue;
    const std::int64_t room = std::max(0, 14 + row % 7 - 16);
    std::vector<double> mean(3, 0);
    for (const std::int64_t start : {std::int64_t{0}, (room + 1) / 2, room}) {
      const data::ClipWindow window{row, start, 0, 0};
      const Answers own = network(images.batch({&window, 1}, kEvaluationRows, at::kDouble), 1);
      for (std::size_t c = 0; c < 3; ++c) mean[c] += own.logits[c] / 3;
    }
    moved += room > 0;
    std::vector<float> probability(3);
    softmax_row(mean, 1, probability.data());
    for (std::size_t c = 0; c < 3; ++c)
      EXPECT_NEAR(trained.record.result.targets[0].probability[3 * i + c], probability[c], 1e-6)
          << row;
  }
  EXPECT_GE(moved, 6);
}

TEST_F(EvaluationWindows, PredictGivesWhatTheTestGave) {
  const Trained trained = train(spec);
  const Predictions predicted = predict(saved(trained), dataset, fold.test, "model");
  EXPECT_EQ(predicted.probability, trained.record.result.targets[0].probability);
  EXPECT_EQ(predicted.predicted, trained.record.result.targets[0].predicted);
}

TEST_F(EvaluationWindows, ChangeNoWeightAndTheScores) {
  spec.loop.selection_metric = "last";
  const Trained several = train(spec);
  spec.prepare.windows = 1;
  const Trained one = train(spec);
  const auto weights_of = [](const Trained& trained) {
    return models::parse_safetensors(*trained.weights, "weights").tensors;
  };
  const auto a = weights_of(several), b = weights_of(one);
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(at::equal(a[i].second, b[i].second));
  EXPECT_NE(test::curve_of(several.record, "validation_loss"),
            test::curve_of(one.record, "validation_loss"));
  EXPECT_EQ(test::curve_of(several.record, "train_loss"), test::curve_of(one.record, "train_loss"));
}

TEST_F(EvaluationWindows, TheSameOnThreeRanks) {
  spec.loop.epochs = 1;
  const Outcome one = on_ranks(1, spec), three = on_ranks(3, spec);
  EXPECT_LE(difference(three.logits, one.logits), 1e-9);
  ASSERT_EQ(three.loop.validation.size(), one.loop.validation.size());
  for (std::size_t i = 0; i < one.loop.validation.size(); ++i)
    EXPECT_NEAR(three.loop.validation[i].second, one.loop.validation[i].second, 1e-9);
  spec.prepare.windows = 1;
  const Outcome middle = on_ranks(1, spec);
  EXPECT_GT(difference(middle.logits, one.logits), 1e-6);
  EXPECT_NE(middle.loop.validation, one.loop.validation);
}

}  // namespace
}  // namespace emosweep::trainer
