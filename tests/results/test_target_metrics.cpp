// Scores of labels, aspects and values against scikit-learn and NumPy
// (scripts/make_targets_fixture.py).
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "numbers.h"
#include "results/multi_label.h"

namespace emosweep::results {
namespace {

std::vector<std::string> names(std::size_t n) {
  std::vector<std::string> result;
  for (std::size_t i = 0; i < n; ++i) result.push_back("output " + std::to_string(i));
  return result;
}

TargetSpec spec_of(TargetKind kind, const nlohmann::json& one, std::size_t classes = 0) {
  return {"target", kind, names(one["truth"][0].size()), names(classes)};
}

Confusion counted(const TargetSpec& spec, const nlohmann::json& one) {
  Confusion confusion(spec);
  for (std::size_t i = 0; i < one["truth"].size(); ++i) {
    for (std::size_t k = 0; k < one["truth"][i].size(); ++k) {
      const auto block = static_cast<std::int64_t>(k);
      if (spec.kind == TargetKind::regression) {
        confusion.add_value(block, one["truth"][i][k], one["predicted"][i][k]);
      } else if (one["truth"][i][k] >= 0) {
        confusion.add_to(block, one["truth"][i][k], one["predicted"][i][k]);
      }
    }
  }
  return confusion;
}

template <class T>
std::vector<T> flattened(const nlohmann::json& rows) {
  std::vector<T> all;
  for (const auto& row : rows) {
    for (const auto& value : row) all.push_back(value.get<T>());
  }
  return all;
}

void expect_named(const Confusion& confusion, const nlohmann::json& theirs) {
  for (const auto& [name, value] : named_scores(confusion)) {
    expect_close(value, theirs.at(name).get<double>(), kClosed, name);
    EXPECT_FALSE(metric_definition(name, confusion.kind).empty());
  }
}

TEST(TargetMetrics, LabelsAgreeWithScikitLearn) {
  for (const auto& one : fixture("targets")["multi"]) {
    const TargetSpec spec = spec_of(TargetKind::multi, one);
    const Confusion confusion = counted(spec, one);
    expect_named(confusion, one);
    EXPECT_TRUE(std::isnan(kind_scores(confusion).uar));
    const auto rows = row_scores(flattened<std::int32_t>(one["truth"]),
                                 flattened<std::int32_t>(one["predicted"]), confusion.blocks);
    expect_close(rows.subset_accuracy, one["subset_accuracy"], kClosed, "subset_accuracy");
    expect_close(rows.jaccard, one["jaccard"], kClosed, "jaccard");
    for (std::int64_t label = 0; label < confusion.blocks; ++label) {
      const ClassScores present = class_scores(confusion.block(label))[1];
      const auto k = static_cast<std::size_t>(label);
      expect_close(present.precision, one["precision"][k], kClosed, "precision");
      expect_close(present.recall, one["recall"][k], kClosed, "recall");
      expect_close(present.f1, one["f1"][k], kClosed, "f1");
    }
  }
}

TEST(TargetMetrics, AspectsAgreeWithScikitLearnOverKnownCells) {
  for (const auto& one : fixture("targets")["aspects"]) {
    const TargetSpec spec = spec_of(TargetKind::aspects, one, one["classes"]);
    expect_named(counted(spec, one), one);
  }
}

TEST(TargetMetrics, ValuesAgreeWithNumPy) {
  for (const auto& one : fixture("targets")["regression"]) {
    const Confusion confusion = counted(spec_of(TargetKind::regression, one), one);
    expect_named(confusion, one);
    EXPECT_EQ(confusion.total(), std::ssize(one["truth"]) * std::ssize(one["truth"][0]));
  }
}

TEST(TargetMetrics, ThresholdsReachTheBestF1ThereIs) {
  for (const auto& one : fixture("targets")["thresholds"]) {
    const auto truth = flattened<std::int32_t>(one["truth"]);
    const auto probability = flattened<float>(one["probability"]);
    const std::size_t labels = one["truth"][0].size();
    const auto thresholds =
        choose_thresholds(probability, truth, static_cast<std::int64_t>(labels));
    const auto predicted = labels_above(probability, thresholds);
    Confusion confusion({"t", TargetKind::multi, names(labels), {}});
    for (std::size_t i = 0; i < truth.size(); ++i) {
      confusion.add_to(static_cast<std::int64_t>(i % labels), truth[i], predicted[i]);
    }
    for (std::size_t k = 0; k < labels; ++k) {
      const auto block = confusion.block(static_cast<std::int64_t>(k));
      expect_close(class_scores(block)[1].f1, one["f1"][k], kClosed, "f1 at the threshold");
    }
  }
}

TEST(TargetMetrics, ThresholdsOfEqualF1LieNearestToOneHalf) {
  const auto of = [](const std::vector<float>& p, const std::vector<std::int32_t>& truth) {
    return choose_thresholds(p, truth, 1)[0];
  };
  EXPECT_EQ(of({0.75f, 0.25f}, {1, 0}), 0.5);
  EXPECT_EQ(of({0.75f, 0.25f}, {0, 0}), 0.5);  // nobody has it
  EXPECT_EQ(choose_thresholds({}, {}, 2), (std::vector<double>{0.5, 0.5}));
  // One of one, or two of three (both 2/3): .75 is as far from .5 as .25 is.
  EXPECT_EQ(of({0.875f, 0.625f, 0.375f, 0.125f}, {1, 0, 1, 0}), 0.25);  // F1 .8 there
  EXPECT_EQ(of({0.875f, 0.625f, 0.375f, 0.125f}, {1, 0, 0, 1}), 0.75);  // 2/3 there and for all
  EXPECT_EQ(of({0.875f, 0.625f, 0.0f}, {1, 0, 1}), 0.0);
  EXPECT_EQ(of({0.5f, 0.5f}, {1, 0}), 0.25);  // equals are not parted
}

// Sums over folds: the score is that of all rows together.
TEST(TargetMetrics, CountsAndSumsOfEveryKindAddUp) {
  for (const auto& [key, kind] : {std::pair{"multi", TargetKind::multi},
                                  {"aspects", TargetKind::aspects},
                                  {"regression", TargetKind::regression}}) {
    const auto& one = fixture("targets")[key][0];
    const TargetSpec spec = spec_of(kind, one, one.value("classes", 0));
    nlohmann::json first = one, second = one;
    for (const char* part : {"truth", "predicted"}) {
      const std::size_t half = one[part].size() / 3;
      first[part] = nlohmann::json(one[part].begin(), one[part].begin() + static_cast<long>(half));
      second[part] = nlohmann::json(one[part].begin() + static_cast<long>(half), one[part].end());
    }
    Confusion sum = counted(spec, first);
    sum += counted(spec, second);
    expect_named(sum, one);
    EXPECT_ANY_THROW(sum += Confusion(3)) << key;
    if (kind == TargetKind::regression) {
      EXPECT_ANY_THROW(sum -= sum);
    } else {
      sum -= counted(spec, second);
      EXPECT_EQ(sum.counts, counted(spec, first).counts);
    }
  }
}

TEST(TargetMetrics, NothingCountedIsNaN) {
  for (const auto kind : {TargetKind::multi, TargetKind::aspects, TargetKind::regression}) {
    const Confusion nothing(TargetSpec{"t", kind, {"a", "b"}, {"x", "y", "z"}});
    EXPECT_EQ(nothing.total(), 0);
    for (const auto& [name, value] : named_scores(nothing)) EXPECT_TRUE(std::isnan(value)) << name;
  }
  EXPECT_TRUE(std::isnan(row_scores({}, {}, 2).jaccard));
  Confusion one(TargetSpec{"t", TargetKind::regression, {"a", "b"}, {}});
  one.add_value(0, 1, 2);
  EXPECT_TRUE(std::isnan(regression_scores(one).mae)) << "one of two values has no row";
  EXPECT_ANY_THROW(one.add_value(2, 1, 1));
}

TEST(TargetMetrics, DefinitionsAreOfTheKind) {
  EXPECT_NE(metric_definition("accuracy", TargetKind::multi), metric_definition("accuracy"));
  EXPECT_THROW(metric_definition("mcc", TargetKind::multi), InputError);
  EXPECT_THROW(metric_definition("macro_f1", TargetKind::regression), InputError);
  for (const char* name : {"subset_accuracy", "jaccard", "loss"}) {
    EXPECT_FALSE(metric_definition(name, TargetKind::multi).empty());
  }
}

}  // namespace
}  // namespace emosweep::results
