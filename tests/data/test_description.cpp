#include <cmath>

#include "data/columns.h"
#include "helpers.h"

namespace emosweep::data {
namespace {

// The example of the format, on a table that fits.
TEST(Description, LoadsWhatItSays) {
  const Folder f;
  f.write("dataset.yaml", kDescription);
  f.write("t.csv", kTable);
  const Loaded loaded = load_dataset(f.path);
  const Dataset& d = loaded.dataset;
  EXPECT_EQ(d.name, "small");
  EXPECT_EQ(d.size(), 4);
  EXPECT_EQ(d.description, f.path / "dataset.yaml");
  EXPECT_EQ(d.id, (std::vector<std::string>{"a", "b", "c", "d"}));
  EXPECT_EQ(d.label, (std::vector<std::int32_t>{0, 1, 0, 1}));
  EXPECT_EQ(*d.group("subject"), (std::vector<std::string>{"1", "1", "2", "2"}));
  EXPECT_EQ(d.group("who"), nullptr);
  const Modality& audio = *d.modality("audio");
  EXPECT_EQ(audio.columns, (std::vector<std::string>{"f0", "f1"}));
  EXPECT_EQ(audio.present, (std::vector<std::uint8_t>{1, 1, 0, 1}));
  EXPECT_EQ(audio.values[0], 1);
  EXPECT_TRUE(std::isnan(audio.values[4]) && std::isnan(audio.values[5]));
  EXPECT_EQ(audio.values[6], 4);
  EXPECT_TRUE(std::isnan(audio.values[7]));
  EXPECT_EQ(d.modality("visual")->values[7], 7);
  EXPECT_TRUE(d.split.empty());
  EXPECT_FALSE(d.duplicates_given);
  EXPECT_TRUE(d.warnings.empty());
  EXPECT_EQ(loaded.samples.id, d.id);
}

TEST(Description, AllMistakesAreReportedTogetherWithTheirPlaces) {
  const Folder f;
  f.write("t.csv", kTable);
  const auto file = f.write("dataset.yaml",
                            "name: a/b\n"                                                // 1
                            "sample: t.csv\n"                                            // 2
                            "samples: t.csv\n"                                           // 3
                            "id: idd\n"                                                  // 4
                            "label: {column: emotion, clases: [a], kind: regression}\n"  // 5
                            "groups: {id: who}\n"                                        // 6
                            "metadata: [gendr]\n"                                        // 7
                            "duplicates: keep\n"                                         // 8
                            "delimiter: ab\n"                                            // 9
                            "quote: yes\n"                                               // 10
                            "targets: {}\n"                                              // 11
                            "modalities:\n"                                              // 12
                            "  a: {kind: features, columns: [f0 .. f9]}\n"               // 13
                            "  b: {kind: image, columns: [f0]}\n"                        // 14
                            "  c: {kind: feature, columns: [f0]}\n"                      // 15
                            "  d: {kind: features}\n"                                    // 16
                            "  both: {kind: features, columns: [zz*]}\n");               // 17
  const std::string text = load_error(f);
  const std::string at = file.string();
  for (const std::string& part : {
           at + ":1:7: the name 'a/b' may not hold '/'",
           at + ":2:1: unknown key 'sample' of a dataset; did you mean 'samples'?",
           at + ":4:5: the id: the table '" + (f.path / "t.csv").string() + "' has no column 'idd'",
           at + ":5:26: unknown key 'clases' of label; did you mean 'classes'?",
           at + ":6:10: a group may not be called 'id'",
           at + ":7:12: metadata: the table",
           at + ":8:13: duplicates is 'keep'; it can be: refuse, drop_from_train, allow",
           at + ":9:12: delimiter is not one ASCII character",
           at + ":10:8: quote is 'yes'; it can be: none, double",
           at + ":11:1: 'targets' of a dataset does not exist yet",
           at + ":13:33: the range's end: the table",
           at + ":14:13: modalities of kind 'image' do not exist yet",
           at + ":15:13: the kind of modality 'c' is 'feature'; it can be: features, audio",
           at + ":16:3: modality 'd' has no 'columns'",
           at + ":17:3: a modality may not be called 'both'",
           std::string("matches 'zz*'"),
       })
    EXPECT_TRUE(holds(text, part));
}

TEST(Description, WhatDoesNotExistYetSaysSo) {
  const Folder f;
  f.write("t.csv", kTable);
  f.write("dataset.yaml",
          "samples: t.csv\npath_style: windows\ntargets: {a: x}\n"
          "label: emotion\n"
          "modalities:\n  a: {kind: text, column: f0}\n  i: {kind: image, column: f0}\n"
          "  v: {kind: video, column: f0}\n  s: {kind: sequence, column: f0}\n");
  const std::string text = load_error(f);
  for (const char* part : {":2:1: 'path_style' of a dataset does not",
                           ":3:1: 'targets' of a dataset does not", "kind 'image' do not exist yet",
                           "kind 'video' do not exist yet", "kind 'sequence' do not exist yet"})
    EXPECT_TRUE(holds(text, part));
}

TEST(Description, WhatItMustHold) {
  const Folder f;
  f.write("dataset.yaml", "name: x\n");
  const std::string text = load_error(f);
  EXPECT_TRUE(holds(text, "has no 'label'"));
  EXPECT_TRUE(holds(text, "has no 'samples'"));
  EXPECT_TRUE(holds(text, "has no 'modalities'"));
  f.write("dataset.yaml", "- a\n");
  EXPECT_TRUE(holds(load_error(f), "not a map"));
  const Folder empty;
  EXPECT_TRUE(holds(load_error(empty), "there is no dataset here"));
}

TEST(Description, LabelMapMustLeadToClasses) {
  const Folder f;
  f.write("t.csv", kTable);
  f.write("dataset.yaml",
          "samples: t.csv\nlabel: {column: emotion, classes: [calm, calm], map: {sad: clam}}\n"
          "modalities: {a: {kind: features, columns: [f0]}}\n");
  const std::string text = load_error(f);
  EXPECT_TRUE(holds(text, ":2:42: the class 'calm' is given twice"));
  EXPECT_TRUE(holds(text, "'clam' is not one of the classes; did you mean 'calm'?"));
}

TEST(Description, TablesStayInsideTheRoot) {
  const Folder f;
  f.write("t.csv", kTable);
  f.write("root/t.csv", kTable);
  const std::string rest = "label: emotion\nmodalities: {a: {kind: features, columns: [f0, g0]}}\n";
  const auto with = [&](const std::string& head) { f.write("dataset.yaml", head + rest); };
  with("root: root\nsamples: t.csv\n");
  EXPECT_EQ(load_dataset(f.path).dataset.size(), 4);
  with("root: root\nsamples: ../t.csv\n");
  EXPECT_TRUE(holds(load_error(f), ":2:10: '../t.csv' is a path out of the root"));
  with("root: root\nsamples: " + (f.path / "t.csv").string() + "\n");
  EXPECT_TRUE(holds(load_error(f), "is a path out of the root"));
  std::filesystem::create_symlink(f.path / "t.csv", f.path / "root" / "link.csv");
  with("root: root\nsamples: link.csv\n");
  EXPECT_TRUE(holds(load_error(f), "'link.csv' is a path out of the root"));
  std::filesystem::create_directory_symlink(f.path / "root", f.path / "alias");
  with("root: alias\nsamples: t.csv\n");  // the root itself may be a link
  EXPECT_EQ(load_dataset(f.path).dataset.size(), 4);
  with("root: nowhere\nsamples: t.csv\n");
  EXPECT_TRUE(holds(load_error(f), ":1:7: root: there is no folder"));
  with("samples: u.csv\n");
  EXPECT_TRUE(holds(load_error(f), ":1:10: there is no file"));
}

TEST(Description, EnvironmentReferences) {
  const Folder f;
  f.write("deep/t.csv", kTable);
  const std::string rest = "label: emotion\nmodalities: {a: {kind: features, columns: [f0, g0]}}\n";
  const auto with = [&](const std::string& head) { f.write("dataset.yaml", head + rest); };
  ::unsetenv("EMOSWEEP_TEST_ROOT");
  with("root: ${EMOSWEEP_TEST_ROOT:-deep}\nsamples: t.csv\n");
  EXPECT_EQ(load_dataset(f.path).dataset.size(), 4);
  with("root: ${EMOSWEEP_TEST_ROOT:-${EMOSWEEP_TEST_ROOT:-de}ep}\nsamples: t.csv\n");
  EXPECT_EQ(load_dataset(f.path).dataset.size(), 4);
  std::string deep = "root: ";
  for (int i = 0; i < 1000; ++i) deep += "${A:-";
  with(deep + std::string(1000, '}') + "\nsamples: t.csv\n");
  EXPECT_TRUE(holds(load_error(f), "write ${NAME} or ${NAME:-default}"));
  with("root: ${EMOSWEEP_TEST_ROOT}/deep\nsamples: t.csv\n");
  EXPECT_TRUE(holds(load_error(f), ":1:7: the environment variable EMOSWEEP_TEST_ROOT is not set"));
  ::setenv("EMOSWEEP_TEST_ROOT", f.path.c_str(), 1);  // an absolute value stands as it is
  EXPECT_EQ(load_dataset(f.path).dataset.size(), 4);
  with("root: ${EMOSWEEP_TEST_ROOT\nsamples: t.csv\n");
  EXPECT_TRUE(holds(load_error(f), "write ${NAME} or ${NAME:-default}"));
  with("root: ${1x}\nsamples: t.csv\n");
  EXPECT_TRUE(holds(load_error(f), "write ${NAME} or ${NAME:-default}"));
  ::unsetenv("EMOSWEEP_TEST_ROOT");
}

TEST(Columns, Globs) {
  EXPECT_TRUE(matches_glob("mfcc*", "mfcc"));
  EXPECT_TRUE(matches_glob("*_mean", "mfcc_mean_mean"));
  EXPECT_TRUE(matches_glob("a?c*e", "abcdde"));
  EXPECT_FALSE(matches_glob("a?c", "ac"));
  EXPECT_FALSE(matches_glob("*_mean", "mean"));
}

TEST(Columns, RangesListsAndGlobsFollowTheHeader) {
  const Folder f;
  f.write("t.csv", "c,b,a,emotion,x1,x2,b..d\n1,2,3,calm,4,5,6\n1,2,4,sad,4,5,6\n");
  f.write("dataset.yaml",
          "samples: t.csv\nlabel: emotion\nmodalities:\n"
          "  m: {kind: features, columns: [\"x?\", c .. a]}\n"
          "  n: {kind: features, columns: b..d}\n");
  const Loaded loaded = load_dataset(f.path);
  EXPECT_EQ(loaded.dataset.modality("m")->columns,
            (std::vector<std::string>{"c", "b", "a", "x1", "x2"}));
  EXPECT_EQ(loaded.dataset.modality("m")->values[7], 4);  // a of the second row
  EXPECT_EQ(loaded.dataset.modality("n")->columns, (std::vector<std::string>{"b..d"}));
}

TEST(Columns, MayNotReachOthers) {
  const Folder f;
  f.write("t.csv", "id,x,emotion,who,part,y,z,\na,1,calm,1,train,2,3,4\nb,2,sad,2,test,3,4,5\n");
  const auto error = [&](const std::string& modalities) {
    f.write("dataset.yaml",
            "samples: t.csv\nid: id\nlabel: emotion\ngroups: {subject: who}\n"
            "splits: {column: part}\nmodalities: " +
                modalities + "\n");
    return load_error(f);
  };
  const std::string all = error("{m: {kind: features, columns: [\"*\"]}}");
  for (const char* part :
       {":6:44: modality 'm': '*' reaches columns", "'id' (the id)", "'emotion' (the label)",
        "'who' (the group 'subject')", "'part' (the split)", "number 8 (it has no name)"})
    EXPECT_TRUE(holds(all, part));
  EXPECT_TRUE(holds(error("{m: {kind: features, columns: [x .. y]}}"), "'emotion' (the label)"));
  EXPECT_TRUE(holds(error("{m: {kind: features, columns: [emotion]}}"), "'emotion' (the label)"));
  EXPECT_TRUE(holds(error("{m: {kind: features, columns: [x]}, n: {kind: features, columns: [x]}}"),
                    "modality 'n': 'x' reaches columns that it may not use: 'x' (modality 'm')"));
  EXPECT_TRUE(holds(error("{m: {kind: features, columns: [x, x]}}"), "'x' (given twice)"));
  EXPECT_TRUE(holds(error("{m: {kind: features, columns: [y .. x]}}"), "'x' stands before 'y'"));
}

}  // namespace
}  // namespace emosweep::data
