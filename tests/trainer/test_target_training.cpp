// Whole trials of several labels, aspects and values: what is learnt, recorded, packed and
// predicted.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "../base/temporary_folder.h"
#include "../distributed/thread_ranks.h"
#include "results/multi_label.h"
#include "synthetic.h"
#include "trainer/fold_cache.h"
#include "trainer/model_file.h"
#include "trainer/predict.h"

namespace emosweep::trainer {
namespace {

using test::curve_of;
using test::value_of;

// The synthetic classes in another form: label c is there where the class is c or c + 1; aspect c
// says whether the class is c, and every fifth is unknown; values follow from the class.
data::Dataset dataset_of(TargetKind kind) {
  data::Dataset d = test::dataset_of();
  const std::vector<std::int32_t> classes = std::move(d.label);
  d.label.clear();
  d.target = {"t", kind, {"a", "b", "c"}, {}};
  if (kind == TargetKind::aspects) d.target.classes = {"yes", "no", "Neutral"};
  if (kind == TargetKind::regression) d.target.outputs = {"valence", "arousal"};
  for (std::size_t r = 0; r < classes.size(); ++r) {
    for (std::int32_t c = 0; c < 3; ++c) {
      const bool own = classes[r] == c, next = classes[r] == (c + 1) % 3;
      if (kind == TargetKind::multi) d.label.push_back(own || next ? 1 : 0);
      if (kind == TargetKind::aspects)
        d.label.push_back((r + static_cast<std::size_t>(c)) % 5 == 0 ? -1 : own ? 0 : next ? 1 : 2);
    }
    if (kind == TargetKind::regression) {
      d.value.push_back(classes[r] - 1.0);
      d.value.push_back(classes[r] == 2 ? 3.0 : -1.0);
    }
  }
  d.digest = sha256(target_kind_name(kind));
  return d;
}

struct Case {
  explicit Case(TargetKind kind) : dataset(dataset_of(kind)), fold(test::fold_of(dataset)) {
    spec = test::spec_of(dataset, fold);
    spec.model.classes = target_width(dataset.target);
    spec.loop.epochs = 15;
    if (kind == TargetKind::multi) spec.loop.selection_metric = "micro_f1";
    if (kind == TargetKind::aspects) {
      spec.objective.loss = "focal";
      spec.objective.focal_weight = .7;
      spec.objective.contrastive_weight = .3;
      spec.loop.selection_metric = "macro_f1";
    }
    if (kind == TargetKind::regression) spec.objective.loss = "mse";
  }
  Case(const Case&) = delete;

  Trained train() const { return train(spec); }
  static Trained train(const TrialSpec& one) {
    FoldCache cache;
    Alone team;
    return trained_or_throw(train_trials({&one, 1}, cache, team, {})[0]);
  }

  data::Dataset dataset;
  data::Fold fold;
  TrialSpec spec;
};

constexpr TargetKind kKinds[] = {TargetKind::multi, TargetKind::aspects, TargetKind::regression};

TEST(TargetTraining, SeveralLabelsAreLearntAndThresholdsComeFromValidation) {
  Case c(TargetKind::multi);
  c.spec.validation_predictions = true;
  const Trained trained = c.train();
  const results::Outcome& result = trained.record.result;
  EXPECT_GT(value_of(result.test, "micro_f1"), .9);
  EXPECT_LT(curve_of(trained.record, "train_loss").back(),
            .5 * curve_of(trained.record, "train_loss").front());
  const results::TargetResult& target = result.targets.at(0);
  EXPECT_EQ(target.truth.size(), 60u);
  EXPECT_EQ(target.probability.size(), 60u);
  // The very thresholds that the validation rows give, and nothing of the test rows.
  EXPECT_EQ(target.thresholds,
            results::choose_thresholds(target.validation.probability, target.validation.truth, 3));
  EXPECT_EQ(target.predicted, results::labels_above(target.probability, target.thresholds));
  const results::RowScores rows = results::row_scores(target.truth, target.predicted, 3);
  EXPECT_EQ(value_of(result.test, "subset_accuracy"), rows.subset_accuracy);
  EXPECT_EQ(value_of(result.test, "jaccard"), rows.jaccard);
  ASSERT_EQ(target.confusion.size(), 12u);
  std::int64_t there = 0;
  for (std::size_t i = 0; i < 20; ++i) there += target.truth[3 * i];
  EXPECT_EQ(target.confusion[2] + target.confusion[3], there);  // label a: rows that have it
  EXPECT_EQ(target.train_counts.size(), 6u);
  EXPECT_EQ(target.train_counts[0] + target.train_counts[1], 80);
}

TEST(TargetTraining, WithoutValidationRowsThresholdsAreOneHalf) {
  Case c(TargetKind::multi);
  c.fold.train.insert(c.fold.train.end(), c.fold.validation.begin(), c.fold.validation.end());
  c.fold.validation.clear();
  c.spec.loop.selection_metric = "last";
  EXPECT_EQ(c.train().record.result.targets[0].thresholds, (std::vector<double>{.5, .5, .5}));
}

TEST(TargetTraining, AspectsAreLearntFromWhatIsKnown) {
  const Case c(TargetKind::aspects);
  const Trained trained = c.train();
  const results::Outcome& result = trained.record.result;
  EXPECT_GT(value_of(result.test, "macro_f1"), .9);
  for (const char* name : {"train_focal", "train_contrastive", "validation_focal",
                           "validation_contrastive", "validation_macro_f1"})
    EXPECT_EQ(curve_of(trained.record, name).size(), 15u) << name;
  const double loss = curve_of(trained.record, "train_loss")[3];
  EXPECT_NEAR(loss,
              .7 * curve_of(trained.record, "train_focal")[3] +
                  .3 * curve_of(trained.record, "train_contrastive")[3],
              1e-12);
  EXPECT_EQ(curve_of(trained.record, "weight_focal"), std::vector<double>(15, .7));
  EXPECT_EQ(curve_of(trained.record, "weight_contrastive"), std::vector<double>(15, .3));
  const results::TargetResult& target = result.targets.at(0);
  EXPECT_EQ(target.probability.size(), 20u * 9u);
  std::int64_t known = 0, counted = 0, unknown = 0;
  for (const std::int32_t y : target.truth) (y >= 0 ? known : unknown) += 1;
  for (const std::int64_t n : target.confusion) counted += n;
  EXPECT_GT(unknown, 5);
  EXPECT_EQ(counted, known);
}

TEST(TargetTraining, ValuesAreLearntByEitherLoss) {
  Case c(TargetKind::regression);
  c.spec.loop.epochs = 40;
  for (const char* loss : {"mse", "ccc"}) {
    SCOPED_TRACE(loss);
    c.spec.objective.loss = loss;
    c.spec.loop.selection_metric = std::string(loss) == "ccc" ? "ccc" : "mae";
    const Trained trained = c.train();
    const results::Outcome& result = trained.record.result;
    EXPECT_GT(value_of(result.test, "ccc"), .85);
    const results::TargetResult& target = result.targets.at(0);
    ASSERT_EQ(target.true_value.size(), 40u);
    double error = 0;
    for (std::size_t i = 0; i < 40; ++i)
      error += std::abs(target.true_value[i] - target.predicted_value[i]) / 40;
    EXPECT_NEAR(value_of(result.test, "mae"), error, 1e-12);
    EXPECT_TRUE(target.truth.empty() && target.predicted.empty() && target.confusion.empty());
    if (std::string(loss) == "ccc") {  // of all validation rows together, not by batches
      const auto scores = curve_of(trained.record, "validation_ccc");
      const auto losses = curve_of(trained.record, "validation_loss");
      EXPECT_NEAR(losses.back(), 1 - scores.back(), 1e-12);
    }
  }
}

TEST(TargetTraining, NothingIsLearntFromTestRows) {
  for (const TargetKind kind : kKinds) {
    SCOPED_TRACE(target_kind_name(kind));
    Case c(kind);
    c.spec.save_models = true;
    const Trained before = c.train();
    for (const std::int32_t row : c.fold.test) {
      const auto at = static_cast<std::size_t>(row);
      if (kind == TargetKind::regression)
        c.dataset.value[2 * at] = 9;
      else
        c.dataset.label[3 * at] = 1 - std::max(c.dataset.label[3 * at], 0) % 2;
    }
    EXPECT_EQ(*c.train().weights, *before.weights);
  }
}

TEST(TargetTraining, ATrialOfAPackIsWhatItIsAlone) {
  for (const TargetKind kind : kKinds) {
    SCOPED_TRACE(target_kind_name(kind));
    const Case c(kind);
    std::vector<TrialSpec> specs(3, c.spec);
    for (std::size_t k = 0; k < 3; ++k) {
      specs[k].seed = 10 + k;
      specs[k].id = sha256(std::to_string(k));
      specs[k].objective.loss_temperature = kind == TargetKind::regression ? 1 : 1 + .5 * k;
    }
    specs[1].loop.patience = 2;  // it leaves the pack
    FoldCache cache;
    Alone team;
    std::vector<TrialOutcome> together = train_trials(specs, cache, team, {});
    for (std::size_t k = 0; k < 3; ++k)
      EXPECT_EQ(results::result_digest(trained_or_throw(std::move(together[k])).record),
                results::result_digest(Case::train(specs[k]).record))
          << "trial " << k;
  }
  Case c(TargetKind::aspects);
  TrialSpec plain = c.spec;
  plain.objective.contrastive_weight = 0;
  EXPECT_NE(pack_shape(plain, c.fold), pack_shape(c.spec, c.fold)) << "they have other terms";
}

TEST(TargetTraining, OneRankIsTwo) {
  for (const TargetKind kind : kKinds) {
    SCOPED_TRACE(target_kind_name(kind));
    Case c(kind);
    c.spec.model.dtype = at::kDouble;
    c.spec.loop.epochs = 4;
    if (kind == TargetKind::regression) c.spec.objective.loss = "ccc";
    const results::Outcome one = c.train().record.result;
    std::vector<results::Outcome> two(2);
    distributed::test::run_team(2, [&](distributed::Team& team) {
      FoldCache cache;
      two[static_cast<std::size_t>(team.rank)] =
          trained_or_throw(train_trials({&c.spec, 1}, cache, team, {})[0]).record.result;
    });
    for (std::size_t i = 0; i < one.curves.size(); ++i)
      for (std::size_t e = 0; e < 4; ++e)
        EXPECT_NEAR(two[1].curves[i].values[e], one.curves[i].values[e], 1e-9)
            << one.curves[i].name << " of epoch " << e;
    const results::TargetResult &a = one.targets[0], &b = two[0].targets[0];
    EXPECT_EQ(a.predicted, b.predicted);
    for (std::size_t i = 0; i < a.predicted_value.size(); ++i)
      EXPECT_NEAR(a.predicted_value[i], b.predicted_value[i], 1e-9);
  }
}

TEST(TargetTraining, ASavedModelPredictsTheRecord) {
  const TemporaryFolder folder;
  for (const TargetKind kind : kKinds) {
    SCOPED_TRACE(target_kind_name(kind));
    Case c(kind);
    c.spec.save_models = true;
    c.spec.loop.epochs = 3;
    if (kind != TargetKind::regression) c.spec.objective.loss_temperature = 2;
    const Trained trained = c.train();
    const auto file = folder.path() / "model.safetensors";
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char*>(trained.weights->data()),
               static_cast<std::streamsize>(trained.weights->size()));
    const ModelFile model = read_model(file);
    EXPECT_EQ(model.kind, kind);
    EXPECT_EQ(model.outputs, c.dataset.target.outputs);
    const results::TargetResult& record = trained.record.result.targets[0];
    EXPECT_EQ(model.thresholds, record.thresholds);
    c.dataset.label.assign(c.dataset.label.size(), 0);  // never looked at
    const Predictions same = predict(model, c.dataset, c.fold.test, "model");
    EXPECT_EQ(same.predicted, record.predicted);
    EXPECT_EQ(same.probability, record.probability);
    EXPECT_EQ(same.value, record.predicted_value);
  }
}

}  // namespace
}  // namespace emosweep::trainer
