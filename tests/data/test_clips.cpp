// Datasets whose samples are recordings: their policies, their cache, their identity.
#include <cmath>
#include <cstring>

#include "base/files.h"
#include "data/audio/clips.h"
#include "data/duplicates.h"
#include "data/hash_cache.h"
#include "helpers.h"

namespace emosweep::data {
namespace {

namespace fs = std::filesystem;

// A WAV file of 16-bit samples at 8 kHz: a tone of the given amplitude.
std::string wav(double seconds, double amplitude, double hz = 300) {
  const auto samples = static_cast<std::uint32_t>(seconds * 8000);
  std::string bytes(44 + 2 * samples, '\0');
  const auto put = [&](std::size_t at, auto value) {
    std::memcpy(bytes.data() + at, &value, sizeof value);
  };
  std::memcpy(bytes.data(), "RIFF", 4);
  put(4, static_cast<std::uint32_t>(36 + 2 * samples));
  std::memcpy(bytes.data() + 8, "WAVEfmt ", 8);
  put(16, std::uint32_t{16});
  put(20, std::uint16_t{1});
  put(22, std::uint16_t{1});
  put(24, std::uint32_t{8000});
  put(28, std::uint32_t{16000});
  put(32, std::uint16_t{2});
  put(34, std::uint16_t{16});
  std::memcpy(bytes.data() + 36, "data", 4);
  put(40, 2 * samples);
  for (std::uint32_t i = 0; i < samples; ++i)
    put(44 + 2 * i,
        static_cast<std::int16_t>(32767 * amplitude * std::sin(2 * M_PI * hz * i / 8000)));
  return bytes;
}

class ClipDataset : public ::testing::Test {
 protected:
  ClipDataset() {
    folder.write("good.wav", wav(1, .5));
    folder.write("other.wav", wav(.7, .5, 500));
    folder.write("short.wav", wav(.05, .5));
    folder.write("long.wav", wav(3, .5));
    folder.write("silent.wav", wav(1, 0));
    folder.write("torn.wav", wav(1, .5).substr(0, 5000));
  }
  // Rows r0, r1, ... with these paths.
  void table(const std::vector<std::string>& paths) {
    std::string text = "id,who,emotion,path,f\n";
    for (std::size_t i = 0; i < paths.size(); ++i)
      text += "r" + std::to_string(i) + "," + std::to_string(i % 2) + (i % 2 ? ",sad," : ",calm,") +
              paths[i] + "," + std::to_string(i) + "\n";
    folder.write("t.csv", text);
  }
  void describe(const std::string& keys, const std::string& more = "") {
    folder.write("dataset.yaml",
                 "name: d\nsamples: t.csv\nid: id\nlabel: {column: emotion, classes: [calm, sad]}\n"
                 "groups: {who: who}\nmodalities:\n  wave: {column: path, sr: 8000, n_mels: 8, "
                 "n_fft: 256, max_seconds: 2, " +
                     keys + "}\n" + more);
  }
  Dataset load() {
    HashCache cache(folder.path / "cache/hashes.json");
    return load_dataset(folder.path, {}, &cache).dataset;
  }
  std::string error() {
    return error_of([&] { load(); });
  }
  const Folder folder;
};

TEST_F(ClipDataset, StatisticsAreColumnsNamedByTheirOptions) {
  table({"good.wav", "other.wav"});
  describe("kind: statistics, deltas: 3, percentiles: [50]");
  const Dataset d = load();
  const Modality& m = d.modalities[0];
  ASSERT_EQ(m.width, 8 * 5);
  EXPECT_TRUE(m.columns[9].starts_with("mel01_sd@")) << m.columns[9];
  EXPECT_EQ(m.values.size(), 2u * 40u);
  for (const double x : m.values) EXPECT_TRUE(std::isfinite(x));
  EXPECT_NE(m.values[0], m.values[40]);
  describe("kind: statistics, deltas: 4, percentiles: [50]");
  EXPECT_NE(load().modalities[0].columns[9], m.columns[9]);
}

TEST_F(ClipDataset, RecordingsInTroubleAreNamedWithTheirRow) {
  table({"good.wav", "none.wav", "torn.wav", "short.wav", "long.wav", "silent.wav", "../t.csv"});
  describe("kind: statistics");
  const std::string text = error();
  EXPECT_TRUE(
      holds(text, "t.csv:3: column 'path': 'none.wav': there is no such file (missing_file:"));
  EXPECT_TRUE(holds(text, "t.csv:4: column 'path': 'torn.wav': it is cut short"));
  EXPECT_TRUE(holds(text, "t.csv:5: column 'path': 'short.wav': it is too short: 0.05 s"));
  EXPECT_TRUE(holds(text,
                    "t.csv:6: column 'path': 'long.wav': it is too long: more than max_seconds 2 "
                    "(max_seconds: 4 would take it whole; too_long:"));
  EXPECT_TRUE(holds(text, "t.csv:7: column 'path': 'silent.wav': it is silent"));
  EXPECT_TRUE(holds(text, "t.csv:8: column 'path': '../t.csv': a path may not hold '..'"));
}

TEST_F(ClipDataset, PoliciesLetThemPass) {
  table({"good.wav", "none.wav", "torn.wav", "short.wav", "long.wav", "silent.wav", "other.wav"});
  describe(
      "kind: statistics, missing_file: skip, unreadable: missing, too_short: keep, too_long: cut, "
      "silent: keep",
      "  table: {kind: features, columns: f}\n");
  const Dataset d = load();
  EXPECT_EQ(d.id, (std::vector<std::string>{"r0", "r2", "r3", "r4", "r5", "r6"}));
  EXPECT_EQ(d.row, (std::vector<std::int64_t>{0, 2, 3, 4, 5, 6}));
  EXPECT_EQ(d.label, (std::vector<std::int32_t>{0, 0, 1, 0, 1, 0}));
  EXPECT_EQ(d.groups[0].values, (std::vector<std::string>{"0", "0", "1", "0", "1", "0"}));
  const Modality& m = d.modalities[0];
  EXPECT_EQ(m.present, (std::vector<std::uint8_t>{1, 0, 1, 1, 1, 1}));
  EXPECT_TRUE(std::isnan(m.values[static_cast<std::size_t>(m.width)]));
  EXPECT_EQ(d.modalities[1].values, (std::vector<double>{0, 2, 3, 4, 5, 6}));
  ASSERT_EQ(d.warnings.size(), 5u);
  std::string warnings;
  for (const std::string& warning : d.warnings) warnings += warning + "\n";
  EXPECT_TRUE(holds(warnings, "1 recordings (missing_file) are left out: 'none.wav'"));
  EXPECT_TRUE(holds(warnings, "(too_long) are cut to max_seconds"));
  const std::string text = clips_text(*m.clips);
  EXPECT_TRUE(holds(text, "5 recordings of 0.05 to 3 s"));
  EXPECT_TRUE(holds(text, "silent: 1"));
}

TEST_F(ClipDataset, ASampleWithoutAnyModalityIsAMistake) {
  table({"good.wav", "silent.wav"});
  describe("kind: statistics, silent: missing");
  EXPECT_TRUE(holds(error(), "t.csv:3: the sample 'r1' has no modality"));
  table({"silent.wav", "silent.wav"});
  describe("kind: statistics, silent: skip");
  EXPECT_TRUE(holds(error(), "no row is left"));
}

TEST_F(ClipDataset, RowSelectionsShareTheCache) {
  table({"good.wav", "other.wav", "good.wav", "other.wav"});
  describe("kind: audio");
  const Dataset whole = load();
  HashCache cache(folder.path / "cache/hashes.json");
  RowSelection some;
  some.where["who"] = {"1"};
  const Dataset half = load_dataset(folder.path, some, &cache).dataset;
  EXPECT_EQ(half.size(), 2);
  EXPECT_EQ(half.modalities[0].clips->store->file(), whole.modalities[0].clips->store->file());
  EXPECT_EQ(half.modalities[0].clips->clip, (std::vector<std::int32_t>{1, 1}));
  EXPECT_NE(half.digest, whole.digest);
}

TEST_F(ClipDataset, EqualRecordingsAreEqualSamples) {
  table({"good.wav", "other.wav", "copy.wav", "other.wav"});
  folder.write("copy.wav", wav(1, .5));
  for (const char* kind : {"kind: audio", "kind: statistics"}) {
    describe(kind);
    const auto sets = equal_rows(load());
    ASSERT_EQ(sets.size(), 2u) << kind;
    EXPECT_EQ(sets[0], (std::vector<std::int32_t>{0, 2}));
    EXPECT_EQ(sets[1], (std::vector<std::int32_t>{1, 3}));
  }
}

TEST_F(ClipDataset, TheDigestFollowsTheSoundAndTheOptions) {
  table({"good.wav", "other.wav"});
  describe("kind: statistics");
  const Digest before = load().digest;
  EXPECT_EQ(load().digest, before);
  folder.write("other.wav", wav(.7, .4, 500));
  const Digest after = load().digest;
  EXPECT_NE(after, before);
  describe("kind: statistics, hop_length: 256");
  EXPECT_NE(load().digest, after);
}

TEST_F(ClipDataset, KeysAreChecked) {
  table({"good.wav"});
  describe(
      "kind: statistics, hop: 3, silent: cut, seconds: 3, min_seconds: 9, percentiles: [101, 5, "
      "5]");
  const std::string text = error();
  EXPECT_TRUE(holds(text, "unknown key 'hop'"));
  EXPECT_TRUE(holds(text, "silent is 'cut'; it can be: error, missing, skip, keep"));
  EXPECT_TRUE(holds(text, "unknown key 'seconds'"));
  EXPECT_TRUE(holds(text, "min_seconds is more than max_seconds"));
  EXPECT_TRUE(holds(text, "percentiles holds what is not a number from 0 to 100"));
  EXPECT_TRUE(holds(text, "percentiles holds 5 twice"));
  describe("kind: audio, f_min: 5000");
  EXPECT_TRUE(holds(error(), "f_min and f_max are 5000 and 4000 Hz; they must ascend"));
}

}  // namespace
}  // namespace emosweep::data
