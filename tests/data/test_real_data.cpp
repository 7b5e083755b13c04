// The dataset descriptions in configs/datasets on the real tables.
#include <cmath>
#include <cstdlib>
#include <numeric>

#include "data/features.h"
#include "data/splits.h"
#include "helpers.h"

namespace emosweep::data {
namespace {

namespace fs = std::filesystem;

class RealData : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* given = std::getenv("EMOSWEEP_TEST_DATA");
    const fs::path data = given != nullptr && *given != '\0'
                              ? fs::path(given)
                              : fs::path(EMOSWEEP_SOURCE_DIR) / "../shared/data";
    if (!fs::is_directory(data / "ravdess_av_features"))
      GTEST_SKIP() << "no test data: set EMOSWEEP_TEST_DATA";
    ::setenv("EMOSWEEP_TEST_DATA", fs::canonical(data).c_str(), 1);
  }
  static Dataset load(const std::string& name) {
    return load_dataset(fs::path(EMOSWEEP_SOURCE_DIR) / "configs/datasets" / name).dataset;
  }
};

TEST_F(RealData, RavdessHas360ClipsOf24Actors) {
  const Dataset d = load("ravdess_av");
  EXPECT_EQ(d.size(), 360);
  EXPECT_TRUE(d.warnings.empty());
  const Modality& audio = *d.modality("audio");
  EXPECT_EQ(audio.width, 69);
  EXPECT_EQ(d.modality("visual")->width, 56);
  EXPECT_EQ(std::count_if(audio.values.begin(), audio.values.end(),
                          [](double x) { return std::isnan(x); }),
            538);
  std::vector<int> count(8);
  for (const auto label : d.label) ++count[static_cast<std::size_t>(label)];
  EXPECT_EQ(count, (std::vector<int>{24, 48, 48, 48, 48, 48, 48, 48}));
  SplitOptions o;
  o.group = "actor";
  o.validation_groups = 2;
  const Folds folds = make_folds(d, o);
  ASSERT_EQ(folds.folds.size(), 24u);
  EXPECT_EQ(folds.duplicates, 0);
  EXPECT_EQ(folds.folds[9].name, "10");
  for (const Fold& fold : folds.folds) {
    EXPECT_EQ(fold.train.size(), 315u);
    EXPECT_EQ(fold.validation.size(), 30u);
    EXPECT_EQ(fold.test.size(), 15u);
    const PrepareOptions prepare{{"audio", "visual"}, Normalise::train, ""};
    const Fitted fitted = fit_scalers(d, fold.train, prepare);
    const auto features = apply_scalers(d, fitted, prepare);
    double sum = 0;  // of the training rows of one column: mean 0 after imputing and scaling
    for (const auto row : fold.train) sum += features[0].values[static_cast<std::size_t>(row) * 69];
    EXPECT_NEAR(sum / 315, 0, 1e-12);
  }
}

TEST_F(RealData, RavdessOfStrongIntensityHasNoNeutralClip) {
  RowSelection selection;
  selection.where["intensity"] = {"2"};
  const Dataset d =
      load_dataset(fs::path(EMOSWEEP_SOURCE_DIR) / "configs/datasets/ravdess_av", selection)
          .dataset;
  EXPECT_EQ(d.size(), 168);
  SplitOptions o;
  o.group = "actor";
  EXPECT_TRUE(holds(error_of([&] { make_folds(d, o); }), "of class 'neutral'"));
}

TEST_F(RealData, MosiKeepsItsOfficialSplit) {
  const Dataset d = load("cmu_mosi");
  EXPECT_EQ(d.size(), 2199);
  EXPECT_EQ(d.modality("text")->width, 100);
  EXPECT_EQ(d.modality("audio")->width, 73);
  EXPECT_EQ(d.modality("visual")->width, 100);
  SplitOptions o;
  o.protocol = Protocol::official;
  o.group = "video_id";
  const Folds folds = make_folds(d, o);
  ASSERT_EQ(folds.folds.size(), 1u);
  EXPECT_EQ(folds.folds[0].train.size() + folds.folds[0].validation.size(), 1447u);
  EXPECT_EQ(folds.folds[0].test.size(), 752u);
  EXPECT_EQ(folds.folds[0].dropped, 0);
}

}  // namespace
}  // namespace emosweep::data
