// Records and plans of labels, aspects and values on disk.
#include <gtest/gtest.h>

#include <functional>

#include "base/error.h"
#include "targets.h"

namespace emosweep::results {
namespace {

constexpr TargetKind kKinds[] = {TargetKind::single, TargetKind::multi, TargetKind::aspects,
                                 TargetKind::regression};

TrialRecord record_of(TargetKind kind) {
  return make_record("kinds", make_spec(kind), {12, 3, 4}, 0);
}

TEST(TargetRecords, EveryKindComesBack) {
  for (const TargetKind kind : kKinds) {
    const TrialRecord a = record_of(kind), b = decode_record(encode_record(a), "memory");
    const TargetResult &s = a.result.targets[0], &t = b.result.targets[0];
    EXPECT_EQ(s.spec.kind, t.spec.kind);
    EXPECT_EQ(s.spec.outputs, t.spec.outputs);
    EXPECT_EQ(s.spec.classes, t.spec.classes);
    EXPECT_EQ(s.sample, t.sample);
    EXPECT_EQ(s.truth, t.truth);
    EXPECT_EQ(s.predicted, t.predicted);
    EXPECT_EQ(s.probability, t.probability);
    EXPECT_EQ(s.true_value, t.true_value);
    EXPECT_EQ(s.predicted_value, t.predicted_value);
    EXPECT_EQ(s.thresholds, t.thresholds);
    EXPECT_EQ(s.train_mean, t.train_mean);
    EXPECT_EQ(s.confusion, t.confusion);
    EXPECT_EQ(s.train_counts, t.train_counts);
    EXPECT_EQ(s.validation.sample, t.validation.sample);
    EXPECT_EQ(s.validation.truth, t.validation.truth);
    EXPECT_EQ(s.validation.probability, t.validation.probability);
    EXPECT_EQ(result_digest(a), result_digest(b)) << target_kind_name(kind);
  }
}

// What it was before there were other kinds.
TEST(TargetRecords, SingleLabelsKeepTheirDigest) {
  EXPECT_EQ(result_digest(make_record("kept", {7, 3, 2})).hex(),
            "3313baa0ba6780168ca38ac2e645607726acf6ddda8f9cdaec56bec5a0f892b9");
}

template <class T>
void expect_seen(const TrialRecord& base, std::vector<T> TargetResult::*field, const char* name) {
  TrialRecord other = base;
  auto& values = other.result.targets[0].*field;
  if (values.empty()) return;
  values.back() = values.back() == T(1) ? T(0) : T(1);
  EXPECT_NE(result_digest(base), result_digest(other))
      << name << " of " << target_kind_name(base.result.targets[0].spec.kind);
}

TEST(TargetRecords, TheDigestSeesEveryField) {
  for (const TargetKind kind : kKinds) {
    const TrialRecord base = record_of(kind);
    expect_seen(base, &TargetResult::truth, "truth");
    expect_seen(base, &TargetResult::predicted, "predicted");
    expect_seen(base, &TargetResult::probability, "probability");
    expect_seen(base, &TargetResult::true_value, "true_value");
    expect_seen(base, &TargetResult::predicted_value, "predicted_value");
    expect_seen(base, &TargetResult::thresholds, "thresholds");
    expect_seen(base, &TargetResult::train_mean, "train_mean");
    expect_seen(base, &TargetResult::confusion, "confusion");
    expect_seen(base, &TargetResult::train_counts, "train_counts");
    TrialRecord other = base;
    other.result.targets[0].spec.outputs.push_back("one more");
    EXPECT_NE(result_digest(base), result_digest(other));
  }
}

TEST(TargetRecords, WrongSizesAreRefusedWhenWriting) {
  using Change = std::function<void(TargetResult&)>;
  const auto refused = [](TargetKind kind, const Change& change) {
    TrialRecord record = record_of(kind);
    EXPECT_NO_THROW(encode_record(record));
    change(record.result.targets[0]);
    EXPECT_THROW(encode_record(record), RunError) << target_kind_name(kind);
  };
  for (const TargetKind kind : {TargetKind::multi, TargetKind::aspects}) {
    refused(kind, [](TargetResult& t) { t.truth.pop_back(); });
    refused(kind, [](TargetResult& t) { t.predicted.pop_back(); });
    refused(kind, [](TargetResult& t) { t.probability.pop_back(); });
    refused(kind, [](TargetResult& t) { t.confusion.pop_back(); });
    refused(kind, [](TargetResult& t) { t.train_counts.pop_back(); });
    refused(kind, [](TargetResult& t) { t.validation.truth.pop_back(); });
    refused(kind, [](TargetResult& t) { t.true_value.push_back(1); });
    refused(kind, [](TargetResult& t) { t.thresholds.push_back(0.5); });
  }
  refused(TargetKind::multi, [](TargetResult& t) { t.thresholds.clear(); });
  refused(TargetKind::regression, [](TargetResult& t) { t.true_value.pop_back(); });
  refused(TargetKind::regression, [](TargetResult& t) { t.predicted_value.pop_back(); });
  refused(TargetKind::regression, [](TargetResult& t) { t.truth.push_back(0); });
  refused(TargetKind::regression, [](TargetResult& t) { t.train_mean.pop_back(); });
  refused(TargetKind::single, [](TargetResult& t) { t.thresholds.push_back(0.5); });
  refused(TargetKind::single, [](TargetResult& t) { t.train_mean.push_back(0.5); });
}

TEST(TargetRecords, ClassesThatAreNotThereAreRefusedWhenReading) {
  const auto refused = [](TargetKind kind, std::vector<std::int32_t> TargetResult::*field,
                          std::int32_t value) {
    TrialRecord record = record_of(kind);
    (record.result.targets[0].*field)[1] = value;
    EXPECT_THROW(decode_record(encode_record(record), "memory"), InputError)
        << target_kind_name(kind) << " " << value;
  };
  refused(TargetKind::multi, &TargetResult::truth, 2);
  refused(TargetKind::multi, &TargetResult::truth, -1);
  refused(TargetKind::multi, &TargetResult::predicted, 2);
  refused(TargetKind::aspects, &TargetResult::truth, -2);
  refused(TargetKind::aspects, &TargetResult::truth, 3);
  refused(TargetKind::aspects, &TargetResult::predicted, -1);
  refused(TargetKind::single, &TargetResult::truth, -1);
  TrialRecord record = record_of(TargetKind::aspects);
  record.result.targets[0].validation.truth[0] = -2;
  EXPECT_THROW(decode_record(encode_record(record), "memory"), InputError);
  record = record_of(TargetKind::aspects);
  record.result.targets[0].confusion[0] = -1;
  EXPECT_THROW(decode_record(encode_record(record), "memory"), InputError);
}

TEST(TargetRecords, ThePlanKeepsWhatIsPredicted) {
  const TemporaryFolder dir;
  const RunFolder folder(dir.path());
  Example example = make_targets_example({1, 2, 3, 3, 2});
  FoldFacts fold{"actor 1", {3, {1, 1, 1, 2, 3, 0, 1, 2}, 0, {}}, {}, {}, {}};
  fold.validation.classes = {1, 2, 3, 4};  // labels that rows have
  fold.test.classes.assign(8, 1);
  example.plan.experiments[2].folds = {fold};
  commit_example(folder, example);
  const auto back = *folder.plan();
  for (std::size_t e = 0; e < back.experiments.size(); ++e) {
    EXPECT_EQ(back.experiments[e].kind, example.plan.experiments[e].kind);
    EXPECT_EQ(back.experiments[e].outputs, example.plan.experiments[e].outputs);
  }
  EXPECT_EQ(back.experiments[2].folds[0].train.classes, fold.train.classes);
  EXPECT_EQ(back.experiments[2].folds[0].validation.classes, fold.validation.classes);
  PlanFile other = example.plan;
  other.experiments[2].outputs[0] = "sorrow";
  EXPECT_EQ(merge(example.plan, other).replaced, 4) << "another task replaces its cells";
  example.plan.experiments[2].folds[0].test.classes.assign(7, 1);
  folder.commit_plan(example.plan);
  EXPECT_THROW((void)folder.plan(), InputError);
}

}  // namespace
}  // namespace emosweep::results
