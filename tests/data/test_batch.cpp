#include <ATen/ATen.h>

#include <algorithm>
#include <set>

#include "data/batch.h"
#include "helpers.h"

namespace emosweep::data {
namespace {

Dataset labels(std::vector<std::int32_t> label) {
  Dataset d;
  d.name = "made";
  for (std::size_t i = 0; i < label.size(); ++i) d.id.push_back(std::to_string(i));
  d.label = std::move(label);
  return d;
}

template <class T>
std::vector<T> values(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.contiguous();
  return std::vector<T>(flat.data_ptr<T>(), flat.data_ptr<T>() + flat.numel());
}

// Two inputs of three rows; the second is absent for row 1.
FoldTensors fold(double first) {
  const std::vector<FeatureMatrix> features{
      {3, 2, {first, 1, 2, 3, 4, 5}, {1, 1, 1}},
      {3, 1, {10, 0, 30}, {1, 0, 1}},
  };
  return make_fold_tensors(labels({0, 1, 1}), features, at::kFloat);
}

TEST(FoldTensors, HoldTheRowsAndSayWhatIsAbsent) {
  const FoldTensors f = fold(0);
  EXPECT_EQ(f.x[0].sizes(), (at::IntArrayRef{3, 2}));
  EXPECT_EQ(values<float>(f.x[0]), (std::vector<float>{0, 1, 2, 3, 4, 5}));
  EXPECT_FALSE(f.present[0].defined());
  EXPECT_EQ(values<bool>(f.present[1]), (std::vector<bool>{true, false, true}));
  EXPECT_EQ(values<std::int64_t>(f.label), (std::vector<std::int64_t>{0, 1, 1}));
  EXPECT_EQ(f.label.scalar_type(), at::kLong);
}

TEST(FoldTensors, RefuseWhatFloat32CannotHold) {
  const std::vector<FeatureMatrix> features{{1, 1, {1e300}, {1}}};
  EXPECT_TRUE(holds(error_of([&] { make_fold_tensors(labels({0}), features, at::kFloat); }),
                    "too large for float32"));
  EXPECT_EQ(make_fold_tensors(labels({0}), features, at::kDouble).x[0].item<double>(), 1e300);
}

TEST(EpochOrder, IsAPermutationKeyedByEpoch) {
  const std::vector<std::int32_t> rows{5, 7, 11, 13, 17, 19, 23};
  const StreamKey key = trial_key(3, "fold");
  const auto first = epoch_order(rows, key, 0);
  EXPECT_EQ(std::set<std::int64_t>(first.begin(), first.end()),
            std::set<std::int64_t>(rows.begin(), rows.end()));
  EXPECT_EQ(epoch_order(rows, key, 0), first);
  EXPECT_NE(epoch_order(rows, key, 1), first);
  EXPECT_NE(epoch_order(rows, trial_key(4, "fold"), 0), first);
}

TEST(Batch, TakesRowsInOrderAndPadsWithWeightZero) {
  const FoldTensors f = fold(0);
  const FoldTensors* folds[] = {&f};
  const std::vector<std::int64_t> orders[] = {{2, 0, 1}};
  const Batch first = gather_batch(folds, orders, 0, 2);
  EXPECT_EQ(first.K, 1);
  EXPECT_EQ(first.global_rows, 2);
  EXPECT_EQ(first.inputs[0].x.sizes(), (at::IntArrayRef{1, 2, 2}));
  EXPECT_EQ(values<float>(first.inputs[0].x), (std::vector<float>{4, 5, 0, 1}));
  EXPECT_EQ(values<float>(first.weight), (std::vector<float>{1, 1}));
  EXPECT_FALSE(first.inputs[0].present.defined());
  const Batch last = gather_batch(folds, orders, 1, 2);
  EXPECT_EQ(values<std::int64_t>(last.sample), (std::vector<std::int64_t>{1, 1}));
  EXPECT_EQ(values<std::int64_t>(last.position), (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(values<float>(last.weight), (std::vector<float>{1, 0}));
  EXPECT_EQ(values<bool>(last.inputs[1].present), (std::vector<bool>{false, false}));
  EXPECT_EQ(values<std::int64_t>(last.targets.at(0).index), (std::vector<std::int64_t>{1, 1}));
}

TEST(Batch, APackHoldsItsTrialsAndPadsTheOneThatIsThrough) {
  const FoldTensors a = fold(0), b = fold(100);
  const FoldTensors* folds[] = {&a, &b};
  const std::vector<std::int64_t> orders[] = {{0, 1, 2}, {2, 0}};
  const Batch last = gather_batch(folds, orders, 1, 2);
  EXPECT_EQ(last.inputs[0].x.sizes(), (at::IntArrayRef{2, 2, 2}));
  EXPECT_EQ(values<std::int64_t>(last.sample), (std::vector<std::int64_t>{2, 2, 2, 2}));
  EXPECT_EQ(values<float>(last.weight), (std::vector<float>{1, 0, 0, 0}));
  const Batch first = gather_batch(folds, orders, 0, 2);
  EXPECT_EQ(values<float>(first.inputs[0].x), (std::vector<float>{0, 1, 2, 3, 4, 5, 100, 1}));
  // A trial of a pack sees what it sees alone.
  const Batch alone = gather_batch(std::span(folds).subspan(1), std::span(orders).subspan(1), 0, 2);
  EXPECT_TRUE(at::equal(alone.inputs[0].x[0], first.inputs[0].x[1]));
  EXPECT_TRUE(at::equal(alone.inputs[1].present[0], first.inputs[1].present[1]));
}

}  // namespace
}  // namespace emosweep::data
