// Curricula: which rows come when, and that a trial uses them.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/error.h"
#include "synthetic.h"
#include "trainer/curriculum.h"
#include "trainer/fold_cache.h"

namespace emosweep::trainer {
namespace {

using Rows = std::vector<std::int32_t>;

Rows of(std::span<const std::int32_t> rows) { return {rows.begin(), rows.end()}; }

TEST(Curriculum, PacesAreTheirFormulas) {
  for (std::int64_t e = 0; e < 9; ++e) {
    const double now = static_cast<double>(e);
    EXPECT_DOUBLE_EQ(pace("linear", e, 10), (now + 1) / 10);
    EXPECT_DOUBLE_EQ(pace("sqrt", e, 10), std::sqrt((now + 1) / 10));
    EXPECT_DOUBLE_EQ(pace("log", e, 10), std::log(now + 2) / std::log(11.0));
  }
  for (const char* pacing : {"linear", "sqrt", "log"}) {
    EXPECT_EQ(pace(pacing, 9, 10), 1) << pacing;
    EXPECT_EQ(pace(pacing, 50, 10), 1) << pacing;
    EXPECT_EQ(pace(pacing, 0, 1), 1) << pacing;
  }
  const CurriculumOptions linear{"random", "linear", 10, .6};
  EXPECT_EQ(curriculum_rows(linear, 10, 1, 2), 3);  // 0.30000000000000004 of 10 are no 4 rows
  EXPECT_EQ(curriculum_rows(linear, 11, 1, 2), 4);
  EXPECT_EQ(curriculum_rows(linear, 100, 32, 0), 32);  // a batch at least,
  EXPECT_EQ(curriculum_rows(linear, 20, 32, 0), 20);   // or all
  EXPECT_EQ(curriculum_rows({}, 20, 32, 0), 20);
}

TEST(Curriculum, RowsComeInTheAskedOrder) {
  const Rows rows{2, 4, 6, 8, 10, 12};
  std::vector<double> difficulty(13, 0);
  std::vector<std::int32_t> label(13, 0);
  const std::map<int, double> hard{{2, .5}, {4, .1}, {6, .9}, {8, .1}, {10, .3}, {12, .7}};
  for (const auto& [row, value] : hard) difficulty[static_cast<std::size_t>(row)] = value;
  label[2] = label[10] = 1;
  label[12] = 2;
  const StreamKey key = trial_key(1, "fold");
  const auto make = [&](const char* order, const StreamKey& with) {
    return Curriculum({order, "linear", 6, .6}, rows, difficulty, label, 1, with);
  };
  const Curriculum easy = make("difficulty", key);
  EXPECT_EQ(of(easy.rows(0)), (Rows{4}));
  EXPECT_EQ(of(easy.rows(2)), (Rows{4, 8, 10}));  // equals keep their order
  EXPECT_EQ(of(easy.rows(9)), (Rows{4, 8, 10, 2, 12, 6}));
  EXPECT_EQ(of(make("inverse", key).rows(1)), (Rows{6, 12}));
  const Rows random = of(make("random", key).rows(9));
  EXPECT_NE(random, rows);
  EXPECT_EQ(std::set<std::int32_t>(random.begin(), random.end()),
            std::set<std::int32_t>(rows.begin(), rows.end()));
  EXPECT_EQ(random, of(make("random", key).rows(9)));
  const Curriculum turns = make("class_balance", key);
  std::set<std::int32_t> first, second;
  for (const std::int32_t row : of(turns.rows(2)))
    first.insert(label[static_cast<std::size_t>(row)]);
  EXPECT_EQ(first, (std::set<std::int32_t>{0, 1, 2}));  // one of each, then of those left
  for (const std::int32_t row : of(turns.rows(5))) second.insert(row);
  EXPECT_EQ(second.size(), rows.size());
  EXPECT_EQ(of(make("none", key).rows(0)), rows);
  EXPECT_THROW(Curriculum({"difficulty", "linear", 6, .6}, rows, {}, label, 1, key), Error);
}

TEST(Curriculum, DropoutChangesBehindTheLastPacedEpoch) {
  const Rows rows{0, 1, 2};
  const std::vector<std::int32_t> label(3, 0);
  const Curriculum c({"random", "linear", 4, .6}, rows, {}, label, 1, trial_key(1, "a"));
  for (std::int64_t e = 0; e < 4; ++e) EXPECT_EQ(c.dropout(e, .2), .2) << e;
  EXPECT_EQ(c.dropout(4, .2), .6);
  EXPECT_FALSE(c.complete(2));
  EXPECT_TRUE(c.complete(3));
  EXPECT_EQ(Curriculum({}, rows, {}, label, 1, trial_key(1, "a")).dropout(99, .2), .2);
}

struct CurriculumTrial : testing::Test {
  data::Dataset dataset = test::dataset_of();
  data::Fold fold = test::fold_of(dataset);
  TrialSpec spec = test::spec_of(dataset, fold);

  void SetUp() override {
    for (std::int64_t r = 0; r < dataset.size(); ++r) {
      dataset.difficulty.push_back(static_cast<double>((r * 37) % 120));
    }
    spec.loop.curriculum = {"difficulty", "linear", 6, .5};
  }
  std::vector<TrialOutcome> train(std::span<const TrialSpec> specs) {
    FoldCache cache;
    Alone team;
    return train_trials(specs, cache, team, {});
  }
  Trained train() { return trained_or_throw(train({&spec, 1})[0]); }
};

TEST_F(CurriculumTrial, CurvesHoldRowsAndDropoutAndStepsFollowThem) {
  for (const models::Kernels kernels : {models::Kernels::torch, models::Kernels::fused}) {
    spec.model.kernels = kernels;
    const results::TrialRecord record = train().record;
    // 80 training rows, batches of 16.
    EXPECT_EQ(test::curve_of(record, "train_rows"),
              (std::vector<double>{16, 27, 40, 54, 67, 80, 80, 80, 80, 80, 80, 80}));
    EXPECT_EQ(record.cost.steps, 1 + 2 + 3 + 4 + 5 + 7 * 5);
    std::vector<double> dropout(12, .5);
    std::fill_n(dropout.begin(), 6, spec.loop.dropout);
    EXPECT_EQ(test::curve_of(record, "dropout"), dropout);
    EXPECT_GT(test::value_of(record.result.test, "accuracy"), .8);
  }
  spec.loop.curriculum = {};
  EXPECT_EQ(train().record.cost.steps, 12 * 5);
  for (const results::Curve& curve : train().record.result.curves) {
    EXPECT_NE(curve.name, "train_rows");
    EXPECT_NE(curve.name, "dropout");
  }
}

TEST_F(CurriculumTrial, EarlyEpochsSeeTheEasyRowsOnly) {
  // What a trial learns in its first epoch depends on no row that comes later.
  spec.loop.epochs = 1;
  spec.loop.selection_metric = "last";
  const Trained before = train();
  std::vector<std::size_t> later;
  for (const std::int32_t r : fold.train) {
    const auto row = static_cast<std::size_t>(r);
    std::size_t easier = 0;
    for (const std::int32_t other : fold.train)
      easier += dataset.difficulty[static_cast<std::size_t>(other)] < dataset.difficulty[row];
    if (easier >= 16) later.push_back(row);
  }
  ASSERT_EQ(later.size(), 64u);
  for (const std::size_t row : later) dataset.label[row] = (dataset.label[row] + 1) % 3;
  EXPECT_EQ(train().record.result.test, before.record.result.test);
  spec.loop.curriculum.order = "inverse";
  EXPECT_NE(train().record.result.test, before.record.result.test);
}

TEST_F(CurriculumTrial, PackedTrialsAreThoseThatTrainAlone) {
  std::vector<TrialSpec> specs;
  for (const char* order : {"difficulty", "inverse", "random", "class_balance"}) {
    for (const bool balanced : {false, true}) {
      TrialSpec one = spec;
      one.loop.curriculum.order = order;
      one.loop.curriculum.post_dropout = balanced ? .1 : .7;
      one.loop.balanced_sampler = balanced;
      one.validation_predictions = balanced;
      one.seed = specs.size();
      specs.push_back(one);
    }
  }
  for (const models::Kernels kernels : {models::Kernels::torch, models::Kernels::fused}) {
    for (TrialSpec& one : specs) one.model.kernels = kernels;
    const std::vector<TrialOutcome> packed = train(specs);
    for (std::size_t k = 0; k < specs.size(); ++k) {
      const Trained alone = trained_or_throw(train({&specs[k], 1})[0]);
      EXPECT_EQ(results::result_digest(trained_or_throw(packed[k]).record),
                results::result_digest(alone.record))
          << k;
    }
  }
  specs[1].loop.curriculum.pacing = "sqrt";  // other steps: another pack
  EXPECT_NE(pack_shape(specs[0], fold), pack_shape(specs[1], fold));
}

TEST_F(CurriculumTrial, PatienceWaitsForAllRows) {
  spec.loop.patience = 1;
  spec.optimizer.lr = 1e-9;  // nothing gets better
  spec.loop.dropout = 0;
  spec.loop.selection_metric = "accuracy";
  EXPECT_EQ(train().record.result.epochs, 6);
  spec.loop.curriculum = {};
  EXPECT_LT(train().record.result.epochs, 6);
}

}  // namespace
}  // namespace emosweep::trainer
