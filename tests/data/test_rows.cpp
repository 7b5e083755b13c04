#include <chrono>
#include <cmath>

#include "data/hash_cache.h"
#include "helpers.h"

namespace emosweep::data {
namespace {

struct Small : Folder {
  Small() {
    write("dataset.yaml", kDescription);
    write("t.csv", kTable);
  }
  std::string table() const { return (path / "t.csv").string(); }
};

TEST(Rows, EveryMistakeNamesFileLineAndColumn) {
  const Small f;
  f.write("t.csv",
          "id,who,emotion,f0,f1,g0,g1\n"
          "a,1,calm,1,2,3,4\n"
          "\"b\",1,\"sad\",2,3,\"4\n\",x\n"  // a line break inside a cell
          "c,,calm,1,2,3,4\n"
          "a,2,sad,1,2,3,4\n"
          ",2,sad,1,2,3,4\n"
          "d,2,sda,1,2,3,4\n"
          "e,2,,1,2,3,4\n"
          "f,2,sad,inf,2,3,1e999\n"
          "g,2,sad,,,NA,nan\n"
          "h,2,sad,1\n");
  const std::string text = load_error(f);
  const std::string at = f.table();
  for (const std::string& part : {
           at + ":3: column 'g0': '4?' is not a number",
           at + ":4: column 'g1': 'x' is not a number",
           at + ":5: column 'who': the group is empty",
           at + ":6: column 'id': the id 'a' is there twice, first at line 2",
           at + ":7: column 'id': the id is empty",
           at + ":8: column 'emotion': the label 'sda' is not one of the classes; did you mean "
                "'sad'?",
           at +
               ":9: column 'emotion': the label is missing (unlabelled: skip leaves such rows out)",
           at + ":10: column 'f0': 'inf' is infinite (inf: missing reads it as missing)",
           at + ":10: column 'g1': '1e999' is too large for a number",
           at + ":11: the sample 'g' has no modality",
           at + ":12: the row has 4 cells, the header has 7",
       })
    EXPECT_TRUE(holds(text, part));
}

TEST(Rows, TheFirstTwentyAndACount) {
  const Small f;
  std::string table = "id,who,emotion,f0,f1,g0,g1\n";
  for (int i = 0; i < 100; ++i) table += std::to_string(i) + ",1,calm,x,2,3,4\n";
  f.write("t.csv", table);
  const std::string text = load_error(f);
  EXPECT_TRUE(holds(text, ":21: column 'f0'"));
  EXPECT_FALSE(holds(text, ":22: column 'f0'"));
  EXPECT_TRUE(holds(text, "... and 80 more mistakes in the tables"));
}

TEST(Rows, EmptyTablesAndCaps) {
  const Small f;
  f.write("t.csv", "id,who,emotion,f0,f1,g0,g1\n");
  EXPECT_TRUE(holds(load_error(f), f.table() + ": the table has no whole row"));
  f.write("t.csv", "");
  EXPECT_TRUE(holds(load_error(f), f.table() + ":1: the table is empty"));
  f.write("t.csv", kTable);
  TableLimits limits;
  limits.rows = 3;
  EXPECT_TRUE(
      holds(error_of([&] { load_dataset(f.path, {}, nullptr, limits); }), ":5: more than 3 rows"));
  limits = {};
  limits.bytes = 10;
  EXPECT_TRUE(holds(error_of([&] { load_dataset(f.path, {}, nullptr, limits); }), "at most 10"));
}

TEST(Rows, ClassesThatAreNotListedAreSortedAndSaid) {
  const Small f;
  f.write("dataset.yaml",
          "samples: t.csv\nlabel: {column: emotion, map: {calm: zen}}\n"
          "modalities: {audio: {kind: features, columns: [f*, g*]}}\n");
  const Dataset d = load_dataset(f.path).dataset;
  EXPECT_EQ(d.target.classes, (std::vector<std::string>{"sad", "zen"}));
  EXPECT_EQ(d.label, (std::vector<std::int32_t>{1, 0, 1, 0}));
  EXPECT_EQ(d.id, (std::vector<std::string>{"1", "2", "3", "4"}));  // row numbers
  EXPECT_EQ(d.name, f.path.filename().string());
  ASSERT_EQ(d.warnings.size(), 1u);
  EXPECT_TRUE(holds(d.warnings[0], "classes are not listed; found 2"));
  f.write("dataset.yaml",
          "samples: t.csv\nlabel: {column: emotion, map: {calm: sad}}\n"
          "modalities: {audio: {kind: features, columns: [f*, g*]}}\n");
  EXPECT_TRUE(holds(load_error(f), ":2:17: the label has only one class: sad"));
}

TEST(Rows, UnlabelledRowsAreLeftOutWhereAskedAndKeepTheirPlace) {
  const Small f;
  f.write("t.csv", std::string(kTable) + "e,2,NA,x,,,\nf,2,calm,1,1,1,1\n");
  std::string description = kDescription;
  description.replace(description.find("sad]"), 4, "sad], unlabelled: skip");
  f.write("dataset.yaml", description);
  const Loaded loaded = load_dataset(f.path);
  EXPECT_EQ(loaded.dataset.row, (std::vector<std::int64_t>{0, 1, 2, 3, 5}));
  EXPECT_EQ(loaded.samples.id.size(), 6u);
  ASSERT_EQ(loaded.dataset.warnings.size(), 1u);
  EXPECT_EQ(loaded.dataset.warnings[0], "rows without a label, left out: 1");
}

TEST(Rows, InfiniteCellsCanBeMissing) {
  const Small f;
  f.write("dataset.yaml", std::string("inf: missing\n") + kDescription);
  f.write("t.csv", "id,who,emotion,f0,f1,g0,g1\na,1,calm,-inf,2,3,4\nb,1,sad,1,2,3,Infinity\n");
  const Dataset d = load_dataset(f.path).dataset;
  EXPECT_TRUE(std::isnan(d.modalities[0].values[0]));
  EXPECT_TRUE(std::isnan(d.modalities[1].values[3]));
  EXPECT_EQ(d.warnings.at(0), "infinite cells, read as missing: 2");
}

TEST(Rows, SelectionByColumnsOfTheTable) {
  const Small f;
  RowSelection selection;
  selection.where["who"] = {" 1 ", "2"};
  selection.where["emotion"] = {"sad"};
  Loaded loaded = load_dataset(f.path, selection);
  EXPECT_EQ(loaded.dataset.id, (std::vector<std::string>{"b", "d"}));
  EXPECT_EQ(loaded.dataset.row, (std::vector<std::int64_t>{1, 3}));
  EXPECT_EQ(loaded.samples.id.size(), 4u);
  EXPECT_TRUE(holds(loaded.dataset.warnings.at(0), "classes without a sample: calm"));
  selection = {};
  selection.exclude["who"] = {"2"};
  selection.exclude["emotion"] = {"sad"};  // both must match
  EXPECT_EQ(load_dataset(f.path, selection).dataset.id, (std::vector<std::string>{"a", "b", "c"}));
  selection = {};
  selection.where["emotoin"] = {"sad"};
  EXPECT_TRUE(holds(load_error(f, selection), "has no column 'emotoin'; did you mean 'emotion'?"));
  selection = {};
  selection.where["who"] = {"3"};
  EXPECT_TRUE(holds(load_error(f, selection), "no row is left of 4 after row selection"));
}

TEST(Rows, SplitsFromAColumn) {
  const Folder f;
  f.write("dataset.yaml",
          "samples: t.csv\nlabel: emotion\nsplits: {column: part}\n"
          "validation: {from: train, fraction: 0.25}\nduplicates: allow\n"
          "modalities: {m: {kind: features, columns: x}}\n");
  f.write("t.csv", "emotion,part,x\ncalm,train,1\nsad,dev,2\nsad, Test ,3\n");
  const Dataset d = load_dataset(f.path).dataset;
  EXPECT_EQ(d.split, (std::vector<std::string>{"train", "validation", "test"}));
  EXPECT_TRUE(d.official_validation.given);
  EXPECT_EQ(d.official_validation.fraction, .25);
  EXPECT_EQ(d.duplicates, Duplicates::allow);
  EXPECT_TRUE(d.duplicates_given);
  f.write("t.csv", "emotion,part,x\ncalm,train,1\nsad,,2\nsad,holdout,3\n");
  const std::string text = load_error(f);
  EXPECT_TRUE(holds(text, "t.csv:3: column 'part': the split '' is none of train"));
  EXPECT_TRUE(holds(text, "t.csv:4: column 'part': the split 'holdout' is none of train"));
}

TEST(Rows, SplitsFromFilesWhoseColumnsMayStandInAnotherOrder) {
  const Folder f;
  const std::string rest =
      "label: {column: emotion, classes: [calm, sad]}\nid: id\n"
      "modalities: {m: {kind: features, columns: x .. y}}\n";
  f.write("dataset.yaml", "splits: {files: {train: a.csv, test: b.csv}}\n" + rest);
  f.write("a.csv", "id,emotion,x,y\n1,calm,1,2\n2,sad,3,4\n");
  f.write("b.csv", "extra,y,x,emotion,id\nz,6,5,sad,3\n");
  const Dataset d = load_dataset(f.path).dataset;
  EXPECT_EQ(d.split, (std::vector<std::string>{"train", "train", "test"}));
  EXPECT_EQ(d.row, (std::vector<std::int64_t>{0, 1, 2}));
  EXPECT_EQ(d.modalities[0].values, (std::vector<double>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(d.tables, (std::vector<std::filesystem::path>{f.path / "a.csv", f.path / "b.csv"}));
  f.write("b.csv", "y,xx,emotion,id\n6,5,sad,1\n");
  EXPECT_TRUE(holds(load_error(f), "b.csv:1: the table has no column 'x'"));
  f.write("b.csv", "y,x,emotion,id\n6,5,sad,1\n");
  EXPECT_TRUE(
      holds(load_error(f), "b.csv:2: column 'id': the id '1' is there twice, first at line 2"));
  f.write("dataset.yaml", "samples: a.csv\nsplits: {files: {train: a.csv}}\n" + rest);
  const std::string text = load_error(f);
  EXPECT_TRUE(holds(text, ":1:10: give 'samples' or splits' 'files', not both"));
  EXPECT_TRUE(holds(text, "splits' files has no 'test'"));
}

TEST(Rows, JsonLinesAndHeaderlessTablesGiveTheSameSamples) {
  const Folder f;
  const std::string rest =
      "label: {column: emotion, classes: [calm, sad]}\nmodalities: {m: {kind: features, columns: "
      "[x, y]}}\n";
  f.write("dataset.yaml", "samples: t.jsonl\n" + rest);
  f.write("t.jsonl",
          "{\"emotion\": \"calm\", \"x\": 1, \"y\": 0.5}\n{\"emotion\": \"sad\", \"y\": 2}\n");
  const Dataset a = load_dataset(f.path).dataset;
  f.write("dataset.yaml", "samples: t.txt\ndelimiter: \";\"\nheader: [x, y, emotion]\n" + rest);
  f.write("t.txt", "1;0.5;calm\n;2;sad\n");
  const Dataset b = load_dataset(f.path).dataset;
  ASSERT_EQ(a.modalities[0].values.size(), 4u);
  for (std::size_t i : {0u, 1u, 3u})
    EXPECT_EQ(a.modalities[0].values[i], b.modalities[0].values[i]);
  EXPECT_TRUE(std::isnan(a.modalities[0].values[2]) && std::isnan(b.modalities[0].values[2]));
  EXPECT_EQ(a.label, b.label);
}

TEST(Rows, SamplesToBePredictedNeedNoLabel) {
  const Small f;
  const auto load = [&] { return load_dataset(f.path, {}, nullptr, {}, Labels::ignored).dataset; };
  std::string description = kDescription, table = kTable;
  table.replace(table.find(",sad,"), 5, ",sda,");
  f.write("t.csv", table);
  EXPECT_EQ(load().label, (std::vector<std::int32_t>{0, 0, 0, 0}));
  EXPECT_EQ(load().target.classes, (std::vector<std::string>{"calm", "sad"}));
  f.write("t.csv", "id,who,f0,f1,g0,g1\na,1,1,2,3,4\n");  // no such column
  EXPECT_EQ(load().modality("visual")->values, (std::vector<double>{3, 4}));
  EXPECT_TRUE(holds(load_error(f), "the label: the table"));
  const auto label = description.find("label:");
  description.erase(label, description.find('\n', label) + 1 - label);
  f.write("dataset.yaml", description);
  EXPECT_EQ(load().size(), 1);
  EXPECT_TRUE(load().warnings.empty());
}

TEST(Digest, FollowsTheContentNotNamesOrComments) {
  const Small f;
  const Digest first = load_dataset(f.path).dataset.digest;
  EXPECT_EQ(load_dataset(f.path / "dataset.yaml").dataset.digest, first);
  f.write("dataset.yaml",
          std::string("# a comment\n") + std::string(kDescription).replace(6, 5, "other"));
  EXPECT_EQ(load_dataset(f.path).dataset.name, "other");
  EXPECT_EQ(load_dataset(f.path).dataset.digest, first);
  const Folder elsewhere;
  elsewhere.write("dataset.yaml", kDescription);
  elsewhere.write("t.csv", kTable);
  EXPECT_EQ(load_dataset(elsewhere.path).dataset.digest, first);

  RowSelection selection;
  selection.where["who"] = {"2", "1"};
  const Digest selected = load_dataset(f.path, selection).dataset.digest;
  EXPECT_NE(selected, first);
  selection.where["who"] = {"1 ", "2", "1"};
  EXPECT_EQ(load_dataset(f.path, selection).dataset.digest, selected);

  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string text = kDescription;
    f.write("dataset.yaml", text.replace(text.find(from), from.size(), to));
    return load_dataset(f.path).dataset.digest != first;
  };
  EXPECT_TRUE(changed("[calm, sad]", "[sad, calm]"));
  EXPECT_TRUE(changed("f0 .. f1", "f0"));
  EXPECT_TRUE(changed("groups: {subject: who}\n", ""));
  EXPECT_TRUE(changed("id: id\n", ""));
  EXPECT_FALSE(changed("f0 .. f1", "f0, f1"));  // the same columns
  f.write("t.csv", std::string(kTable) + "e,2,sad,4,4,6,7\n");
  EXPECT_NE(load_dataset(f.path).dataset.digest, first);
}

TEST(Digest, OfSamplesHoldsIdsGroupsAndMetadataOfAllRows) {
  const Small f;
  const Loaded all = load_dataset(f.path);
  EXPECT_EQ(all.dataset.samples_digest, all.samples.digest);
  RowSelection selection;
  selection.where["who"] = {"1"};
  EXPECT_EQ(load_dataset(f.path, selection).samples.digest, all.samples.digest);
  std::string table = kTable;
  f.write("t.csv", table.replace(table.find("1,2,3,4"), 7, "9,9,9,9"));
  EXPECT_EQ(load_dataset(f.path).samples.digest, all.samples.digest);  // features are not in it
  f.write("t.csv", table.replace(table.find("a,1,"), 4, "a,3,"));
  EXPECT_NE(load_dataset(f.path).samples.digest, all.samples.digest);
}

TEST(HashCache, ReadsAFileOnceUntilItChanges) {
  const Folder f;
  const auto file = f.write("x.txt", "abc");
  const auto store = f.path / "cache" / "hashes.json";
  const auto old = std::filesystem::file_time_type::clock::now() - std::chrono::hours(1);
  std::filesystem::last_write_time(file, old);
  const std::string abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  {
    HashCache cache(store);
    EXPECT_EQ(cache.of(file).hex(), abc);  // FIPS 180-4's example
    EXPECT_EQ(cache.of(f.path / "." / "x.txt").hex(), abc);
    EXPECT_EQ(cache.hashed(), 1u);
    cache.save();
  }
  {
    HashCache cache(store);
    EXPECT_EQ(cache.of(file).hex(), abc);
    EXPECT_EQ(cache.hashed(), 0u);
    HashCache again(store, true);
    EXPECT_EQ(again.of(file).hex(), abc);
    EXPECT_EQ(again.hashed(), 1u);
  }
  f.write("x.txt",
          "abd");  // the same size and, below, the same age: the inode or the time in ns tells
  std::filesystem::last_write_time(file, old + std::chrono::nanoseconds(1));
  HashCache cache(store);
  EXPECT_NE(cache.of(file).hex(), abc);
  EXPECT_EQ(cache.hashed(), 1u);
}

TEST(HashCache, AFileWrittenThisMomentIsNotRemembered) {
  const Folder f;
  const auto file = f.write("x.txt", "abc");
  HashCache cache(f.path / "hashes.json");
  cache.of(file);
  cache.of(file);
  EXPECT_EQ(cache.hashed(), 2u);
}

TEST(HashCache, DamageAndAReadOnlyPlaceCostTimeOnly) {
  const Folder f;
  const auto file = f.write("x.txt", "abc");
  std::filesystem::last_write_time(
      file, std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  for (const char* damaged : {"", "{", "[1]", "{\"a\": 3}", "\xFF"}) {
    HashCache cache(f.write("hashes.json", damaged));
    EXPECT_EQ(cache.of(file).brief(), "ba7816bf8f01");
  }
  HashCache nowhere("/proc/emosweep/hashes.json");
  nowhere.of(file);
  nowhere.save();
  EXPECT_TRUE(holds(error_of([&] { nowhere.of(f.path / "none"); }), "none: cannot be read"));
}

TEST(HashCache, ServesTheLoader) {
  const Small f;
  std::filesystem::last_write_time(
      f.path / "t.csv", std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  HashCache cache(f.path / "hashes.json");
  const Digest with = load_dataset(f.path, {}, &cache).dataset.digest;
  EXPECT_EQ(load_dataset(f.path, {}, &cache).dataset.digest, with);
  EXPECT_EQ(cache.hashed(), 1u);
  EXPECT_EQ(load_dataset(f.path).dataset.digest, with);
}

}  // namespace
}  // namespace emosweep::data
