#include <cmath>

#include "base/files.h"
#include "data/splits.h"
#include "data/synthetic.h"
#include "helpers.h"

namespace emosweep::data {
namespace {

namespace fs = std::filesystem;

// What tests/fixtures/synthetic was made with.
SyntheticOptions fixture() {
  SyntheticOptions o;
  o.subjects = 6;
  o.samples_per_subject = 12;
  o.classes = 3;
  return o;
}

TEST(Synthetic, TheCommittedFixtureIsMadeAgainByteForByte) {
  const Folder f;
  write_synthetic(fixture(), f.path / "made");
  const fs::path committed = fs::path(EMOSWEEP_SOURCE_DIR) / "tests/fixtures/synthetic";
  for (const char* name : {"README.txt", "samples.csv", "dataset.yaml"})
    EXPECT_TRUE(read_text(f.path / "made" / name) == read_text(committed / name)) << name;
}

TEST(Synthetic, LoadsWithItsSubjectsClassesAndMissingValues) {
  const Folder f;
  SyntheticOptions o;
  o.missing_cells = .1;
  o.missing_modality = .1;
  o.samples_per_subject = 100;
  write_synthetic(o, f.path / "d");
  const Dataset d = load_dataset(f.path / "d").dataset;
  EXPECT_EQ(d.size(), 800);
  EXPECT_EQ(d.target.classes.size(), 4u);
  EXPECT_TRUE(d.warnings.empty());
  std::vector<int> count(4);
  for (const auto label : d.label) ++count[static_cast<std::size_t>(label)];
  EXPECT_EQ(count, (std::vector<int>{200, 200, 200, 200}));
  for (const Modality& m : d.modalities) {
    double absent = 0, missing = 0;
    for (std::size_t i = 0; i < m.present.size(); ++i) {
      if (!m.present[i]) {
        ++absent;
        continue;
      }
      for (std::int64_t c = 0; c < m.width; ++c)
        missing += std::isnan(
            m.values[i * static_cast<std::size_t>(m.width) + static_cast<std::size_t>(c)]);
    }
    EXPECT_NEAR(absent / 800, .1, .03);  // three standard deviations
    EXPECT_NEAR(missing / ((800 - absent) * static_cast<double>(m.width)), .1, .01);
  }
  SplitOptions split;
  split.protocol = Protocol::official;
  split.group = "subject";
  const Fold fold = make_folds(d, split).folds.at(0);
  EXPECT_EQ(fold.train.size(), 500u);
  EXPECT_EQ(fold.validation.size(), 100u);
  EXPECT_EQ(fold.test.size(), 200u);
}

// Distance of class means, subjects and noise taken out by averages: near what the options say.
TEST(Synthetic, TheEffectsAreThere) {
  const auto spread = [](double effect) {
    const Folder f;
    SyntheticOptions o;
    o.samples_per_subject = 400;
    o.missing_cells = o.missing_modality = 0;
    o.audio_effect = effect;
    write_synthetic(o, f.path / "d");
    const Dataset d = load_dataset(f.path / "d").dataset;
    const Modality& m = *d.modality("audio");
    double sum = 0;
    for (std::size_t c = 0; c < 16; ++c) {
      double mean[4] = {}, all = 0;
      for (std::size_t i = 0; i < d.label.size(); ++i)
        mean[d.label[i]] += m.values[i * 16 + c] / 800;
      for (const double x : mean) all += x / 4;
      for (const double x : mean) sum += (x - all) * (x - all) / 3;
    }
    return std::sqrt(sum / 16);
  };
  EXPECT_NEAR(spread(0), 0, .05);  // noise 1 / sqrt(800)
  EXPECT_NEAR(spread(2), 2, .5);   // 48 degrees of freedom: standard deviation 10 %
}

TEST(Synthetic, IsWrittenAgainOnlyOverItself) {
  const Folder f;
  write_synthetic(fixture(), f.path / "d");
  const std::string before = read_text(f.path / "d" / "samples.csv");
  write_synthetic(fixture(), f.path / "d");
  EXPECT_EQ(read_text(f.path / "d" / "samples.csv"), before);
  SyntheticOptions other = fixture();
  other.seed = 2;
  write_synthetic(other, f.path / "d");
  EXPECT_NE(read_text(f.path / "d" / "samples.csv"), before);
  f.write("d/mine.txt", "x");
  EXPECT_TRUE(
      holds(error_of([&] { write_synthetic(fixture(), f.path / "d"); }), "holds 'mine.txt'"));
  f.write("e/samples.csv", "mine");
  EXPECT_TRUE(holds(error_of([&] { write_synthetic(fixture(), f.path / "e"); }),
                    "holds files that are not of a synthetic dataset"));
  EXPECT_EQ(read_text(f.path / "e" / "samples.csv"), "mine");
  EXPECT_TRUE(holds(error_of([&] { write_synthetic(fixture(), f.path / "e" / "samples.csv"); }),
                    "is no folder"));
}

TEST(Synthetic, OptionsOutOfRangeAreReportedTogether) {
  SyntheticOptions o;
  o.subjects = 2;
  o.classes = 1;
  o.missing_cells = 1;
  const std::string text = error_of([&] { write_synthetic(o, "/nowhere"); });
  EXPECT_TRUE(holds(text, "subjects is 2; it can be 3 to 10000"));
  EXPECT_TRUE(holds(text, "classes is 1; it can be 2 to 26"));
  EXPECT_TRUE(holds(text, "missing_cells is 1"));
}

}  // namespace
}  // namespace emosweep::data
