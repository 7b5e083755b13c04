// Real tables of several labels and of aspects, and what documents say about them.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "../base/temporary_folder.h"
#include "data/dataset.h"
#include "data/splits.h"
#include "data/target_counts.h"
#include "results/metrics.h"
#include "trainer/objective.h"

namespace emosweep::trainer {
namespace {

namespace fs = std::filesystem;

class RealTargets : public testing::Test {
 protected:
  void SetUp() override {
    const char* given = std::getenv("EMOSWEEP_TEST_DATA");
    data_ = given != nullptr && *given != '\0' ? fs::path(given)
                                               : fs::path(EMOSWEEP_SOURCE_DIR) / "../shared/data";
    if (!fs::is_directory(data_ / "goemotions"))
      GTEST_SKIP() << "no test data: set EMOSWEEP_TEST_DATA";
  }
  // A description of texts, which need no encoder to be read.
  data::Dataset load(const std::string& folder, const std::string& description) const {
    std::ofstream(here_ / "dataset.yaml")
        << "root: " << fs::canonical(data_ / folder).string() << "\n"
        << description;
    return data::load_dataset(here_.path()).dataset;
  }
  static std::vector<std::int32_t> part(const data::Dataset& d, const std::string& name) {
    std::vector<std::int32_t> rows;
    for (std::int32_t r = 0; r < d.size(); ++r)
      if (d.split[static_cast<std::size_t>(r)] == name) rows.push_back(r);
    return rows;
  }

  fs::path data_;
  TemporaryFolder here_;
};

TEST_F(RealTargets, CommentsInSeveralEmotions) {
  const data::Dataset d =
      load("goemotions/ekman",
           "splits: {files: {train: train.tsv, validation: dev.tsv, test: test.tsv}}\n"
           "header: [text, labels, id]\nquote: none\nid: id\n"
           "label: {column: labels, separator: \",\", classes: {file: labels.txt, by: index}}\n"
           "modalities: {comment: {kind: text, columns: [text]}}\n");
  EXPECT_EQ(d.target.outputs, (std::vector<std::string>{"anger", "disgust", "fear", "joy",
                                                        "neutral", "sadness", "surprise"}));
  const auto train = part(d, "train");
  EXPECT_EQ(train.size(), 43410u);
  EXPECT_EQ(part(d, "validation").size(), 5426u);
  EXPECT_EQ(part(d, "test").size(), 5427u);
  // Counted by Python's csv module.
  EXPECT_EQ(data::class_mix(d, train).counts,
            (std::vector<std::int64_t>{5579, 793, 726, 17410, 14219, 3263, 5367}));
}

TEST_F(RealTargets, AlwaysNeutralScoresWhatTheDocumentsSystemCouldHaveScored) {
  const std::string description =
      "splits: {files: {train: doc_era_train_multilabel.csv, validation: "
      "doc_era_validation_multilabel.csv, test: doc_era_test_multilabel.csv}}\n"
      "aspects: {columns: [Battery .. Others], classes: [Positive, Negative, Neutral], empty: ";
  const std::string modalities = "}\nmodalities: {review: {kind: text, columns: [data]}}\n";
  const data::Dataset neutral = load("vi_phone_absa", description + "neutral" + modalities);
  EXPECT_EQ(neutral.target.outputs.size(), 11u);
  const auto test = part(neutral, "test");
  EXPECT_EQ(part(neutral, "train").size(), 7302u);
  ASSERT_EQ(test.size(), 913u);
  results::Confusion confusion(neutral.target);
  for (const std::int32_t row : test)
    for (std::int64_t a = 0; a < 11; ++a)
      confusion.add_to(a, neutral.label[static_cast<std::size_t>(row * 11 + a)], 2);
  EXPECT_NEAR(results::kind_scores(confusion).accuracy, .865, .0005);
  EXPECT_NEAR(results::kind_scores(confusion).weighted_f1, .803, .0005);

  const data::Dataset unknown = load("vi_phone_absa", description + "ignore" + modalities);
  std::int64_t known = 0;
  for (const std::int64_t n : data::target_counts(unknown, part(unknown, "test"))) known += n;
  EXPECT_EQ(known, 1578);
  EXPECT_NE(unknown.digest, neutral.digest);
  data::SplitOptions options;
  options.protocol = data::Protocol::official;
  EXPECT_GT(data::make_folds(unknown, options).folds[0].dropped, 0) << "texts of test in train";
}

TEST_F(RealTargets, ClassWeightsOfTheDocumentOnPosts) {
  const data::Dataset d = load(
      "emocare_reddit",
      "splits: {files: {train: train_split.csv, validation: val_split.csv, test: test_split.csv}}\n"
      "id: id\nlabel: {column: post_sentiment, classes: [\"Neutral/Other\", Joy, Anger, Surprise, "
      "Sadness]}\nmodalities: {post: {kind: text, columns: [title, text]}}\n");
  const std::vector<std::int64_t> counts = data::target_counts(d, part(d, "train"));
  std::vector<double> weights = balanced_weights({counts.begin(), counts.end()}, 0);
  std::sort(weights.begin(), weights.end());
  const double expected[] = {.6328, .6867, .7529, 2.7243, 3.7306};
  for (std::size_t c = 0; c < 5; ++c) EXPECT_NEAR(weights[c], expected[c], 5e-5);
}

}  // namespace
}  // namespace emosweep::trainer
