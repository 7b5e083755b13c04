// Targets of several labels, aspects and numbers: what cells mean, and every mistake with its
// place.
#include <algorithm>

#include "data/splits.h"
#include "data/target_counts.h"
#include "helpers.h"

namespace emosweep::data {
namespace {

using Labels32 = std::vector<std::int32_t>;
using Texts = std::vector<std::string>;

// Rows 1 to 4 with a feature f; `target`: a line of the description.
struct Table : Folder {
  Table(const std::string& target, const std::string& table) {
    write("t.csv", table);
    write("dataset.yaml", "samples: t.csv\nid: id\n" + target +
                              "\nmodalities: {m: {kind: features, columns: [f]}}\n");
  }
  Dataset load() const { return load_dataset(path).dataset; }
  std::string at(const std::string& rest) const { return (path / "t.csv").string() + rest; }
};

const char* const kFlags = "label: {columns: [joy, anger]}";
const char* const kSets = "label: {column: labels, separator: \",\", classes: [joy, anger, fear]}";
const char* const kAspects =
    "aspects: {columns: [screen, price], classes: [Positive, Negative, Neutral], empty: ignore}";
const char* const kValues = "label: {column: valence, kind: regression, range: [-3, 3]}";

TEST(Targets, ColumnsOfFlags) {
  const Table f(kFlags, "id,f,joy,anger\na,1,0,1\nb,2,true,FALSE\nc,3,1.0,1\nd,4,0,0\n");
  const Dataset d = f.load();
  EXPECT_EQ(d.target.kind, TargetKind::multi);
  EXPECT_EQ(d.target.outputs, (Texts{"joy", "anger"}));
  EXPECT_TRUE(d.target.classes.empty());
  EXPECT_EQ(d.label, (Labels32{0, 1, 1, 0, 1, 1, 0, 0}));
  EXPECT_EQ(target_counts(d, all_rows(d)), (std::vector<std::int64_t>{2, 2, 2, 2}));
  EXPECT_EQ(class_mix(d, std::vector<std::int32_t>{0, 2}).counts,
            (std::vector<std::int64_t>{1, 2}));
}

TEST(Targets, FlagsThatAreNone) {
  const Table f(kFlags, "id,f,joy,anger\na,1,2,1\nb,2,,1\nc,3,,NA\n");
  const std::string text = load_error(f);
  EXPECT_TRUE(holds(text, f.at(":2: column 'joy': '2' is none of 0, 1, true, false")));
  EXPECT_TRUE(holds(text, f.at(":3: column 'joy': '' is none of 0, 1, true, false")));
  EXPECT_TRUE(holds(text, f.at(":4: column 'joy': all labels of the row are missing")));
  const Table skip("label: {columns: [joy, anger], unlabelled: skip}",
                   "id,f,joy,anger\na,1,,\nb,2,1,0\nc,3,0,1\n");
  EXPECT_EQ(skip.load().id, (Texts{"b", "c"}));
}

TEST(Targets, SetsOfLabelsByName) {
  const Table f(kSets, "id,f,labels\na,1,\"fear, joy\"\nb,2,anger\nc,3,\nd,4,\"joy,anger,fear\"\n");
  const Dataset d = f.load();
  EXPECT_EQ(d.target.outputs, (Texts{"joy", "anger", "fear"}));
  EXPECT_EQ(d.label, (Labels32{1, 0, 1, 0, 1, 0, 0, 0, 0, 1, 1, 1}));
  EXPECT_TRUE(std::count(d.warnings.begin(), d.warnings.end(), "rows without any label: 1"));
}

TEST(Targets, SetsOfLabelsByIndexOfAFile) {
  Table f("label: {column: labels, separator: \",\", classes: {file: names.txt, by: index}}",
          "id,f,labels\na,1,\"2,0\"\nb,2,1\n");
  f.write("names.txt", "\xEF\xBB\xBFjoy\r\nanger\r\nfear\r\n\n");
  const Dataset d = f.load();
  EXPECT_EQ(d.target.outputs, (Texts{"joy", "anger", "fear"}));
  EXPECT_EQ(d.label, (Labels32{1, 0, 1, 0, 1, 0}));
  f.write("t.csv", "id,f,labels\na,1,3\nb,2,joy\nc,3,\"1,1\"\nd,4,\"1,,2\"\n");
  const std::string text = load_error(f);
  EXPECT_TRUE(holds(text, f.at(":2: column 'labels': the label '3' is no index of the classes, a "
                               "whole number from 0 to 2")));
  EXPECT_TRUE(holds(text, f.at(":3: column 'labels': the label 'joy' is no index")));
  EXPECT_TRUE(holds(text, f.at(":4: column 'labels': the label '1' is there twice")));
  EXPECT_TRUE(holds(text, f.at(":5: column 'labels': nothing stands between two separators")));
  f.write("names.txt", "joy\n\nfear\njoy\n");
  const std::string names = load_error(f);
  EXPECT_TRUE(holds(names, "names.txt:2: an empty line among the classes"));
  EXPECT_TRUE(holds(names, "names.txt:4: the class 'joy' is given twice"));
}

TEST(Targets, UnlabelledRowsOfSets) {
  const std::string table = "id,f,labels\na,1,joy\nb,2,\n";
  const std::string target =
      "label: {column: labels, separator: \"|\", classes: [joy, anger], unlabelled: ";
  const Table error(target + "error}", table), skip(target + "skip}", table);
  EXPECT_TRUE(holds(load_error(error), error.at(":3: column 'labels': the row has no label")));
  EXPECT_EQ(skip.load().id, Texts{"a"});
  const Table unknown(target + "skip}", "id,f,labels\na,1,angr\n");
  EXPECT_TRUE(holds(load_error(unknown),
                    "the label 'angr' is not one of the classes; did you mean "
                    "'anger'?"));
}

TEST(Targets, AMapNamesClassesWhateverCellsHold) {
  const Table f(
      "label: {column: labels, separator: \",\", classes: {file: n.txt, by: index}, map: {x: "
      "fear}}",
      "id,f,labels\na,1,\"x,0\"\n");
  f.write("n.txt", "joy\nanger\nfear\n");
  EXPECT_EQ(f.load().label, (Labels32{1, 0, 1}));
}

TEST(Targets, SingleLabelsByIndexOfAFile) {
  const Table f("label: {column: labels, classes: {file: n.txt, by: index}}",
                "id,f,labels\na,1,1\nb,2,0\n");
  f.write("n.txt", "joy\nanger\n");
  const Dataset d = f.load();
  EXPECT_EQ(d.target.kind, TargetKind::single);
  EXPECT_EQ(d.target.classes, (Texts{"joy", "anger"}));
  EXPECT_EQ(d.label, (Labels32{1, 0}));
}

TEST(Targets, AspectsAndWhatEmptyMeans) {
  const std::string table =
      "id,f,screen,price\na,1,Positive,\nb,2,,\nc,3,Neutral,Negative\nd,4,NA,Positive\n";
  const Table ignore(kAspects, table);
  const Dataset d = ignore.load();
  EXPECT_EQ(d.target.kind, TargetKind::aspects);
  EXPECT_EQ(d.target.outputs, (Texts{"screen", "price"}));
  EXPECT_EQ(d.target.classes, (Texts{"Positive", "Negative", "Neutral"}));
  EXPECT_EQ(d.label, (Labels32{0, -1, -1, -1, 2, 1, -1, 0}));
  EXPECT_EQ(target_counts(d, all_rows(d)), (std::vector<std::int64_t>{1, 0, 1, 1, 1, 0}));
  EXPECT_TRUE(std::count(d.warnings.begin(), d.warnings.end(), "rows without a known aspect: 1"));
  EXPECT_EQ(class_mix(d, all_rows(d)).names[4], "price/Negative");

  std::string text = kAspects;
  text.replace(text.find("ignore"), 6, "neutral");
  const Dataset neutral = Table(text, table).load();
  EXPECT_EQ(neutral.label, (Labels32{0, 2, 2, 2, 2, 1, 2, 0}));
  EXPECT_NE(neutral.digest, d.digest);

  text = kAspects;
  text.erase(text.find(", empty: ignore"), 15);
  const Table strict(text, table);
  EXPECT_TRUE(holds(load_error(strict), strict.at(":2: column 'price': the cell is empty")));
  const Table skip(
      std::string(kAspects).insert(std::string(kAspects).size() - 1, ", unlabelled: skip"), table);
  EXPECT_EQ(skip.load().id, (Texts{"a", "c", "d"}));
}

TEST(Targets, AspectsNeedWhatTheyRefer) {
  const Table none("aspects: {columns: [screen], classes: [good, bad], empty: neutral}",
                   "id,f,screen\na,1,good\n");
  EXPECT_TRUE(holds(load_error(none),
                    "empty: neutral needs a class that is called neutral; the "
                    "classes are good, bad"));
  const Table wrong("aspects: {columns: [screen], classes: [good, bad]}", "id,f,screen\na,1,god\n");
  EXPECT_TRUE(holds(load_error(wrong),
                    wrong.at(":2: column 'screen': the label 'god' is not one of the classes")));
  const Table both("aspects: {columns: [s], classes: [a, b]}\nlabel: f", "id,f,s\na,1,a\n");
  EXPECT_TRUE(holds(load_error(both), "give 'label' or 'aspects', not both"));
}

TEST(Targets, NumbersInTheirRange) {
  const Table f(kValues, "id,f,valence\na,1,-3\nb,2, 2.5 \nc,3,0\n");
  const Dataset d = f.load();
  EXPECT_EQ(d.target.kind, TargetKind::regression);
  EXPECT_EQ(d.target.outputs, Texts{"valence"});
  EXPECT_EQ(d.value, (std::vector<double>{-3, 2.5, 0}));
  EXPECT_TRUE(d.label.empty());
  const Table bad(kValues, "id,f,valence\na,1,3.01\nb,2,x\nc,3,inf\nd,4,\n");
  const std::string text = load_error(bad);
  EXPECT_TRUE(holds(text, bad.at(":2: column 'valence': '3.01' is outside of the range [-3, 3]")));
  EXPECT_TRUE(holds(text, bad.at(":3: column 'valence': 'x' is not a number")));
  EXPECT_TRUE(holds(text, bad.at(":4: column 'valence': 'inf' is infinite")));
  EXPECT_TRUE(holds(text, bad.at(":5: column 'valence': the value is missing")));
}

TEST(Targets, SeveralNumbersAndRowsLeftOut) {
  const Table f("label: {columns: [v .. d], kind: regression, unlabelled: skip}",
                "id,f,v,a,d\na,1,1,2,3\nb,2,4,,6\nc,3,7,8,9\n");
  const Dataset d = f.load();
  EXPECT_EQ(d.target.outputs, (Texts{"v", "a", "d"}));
  EXPECT_EQ(d.value, (std::vector<double>{1, 2, 3, 7, 8, 9}));
  EXPECT_EQ(d.id, (Texts{"a", "c"}));
}

TEST(Targets, KeysThatDoNotGoTogether) {
  const auto told = [](const std::string& target, const std::string& message) {
    const Table f(target, "id,f,x,y\na,1,1,0\n");
    return holds(load_error(f), message);
  };
  EXPECT_TRUE(told("label: {columns: [x], separator: \",\"}",
                   "label: 'separator' does not go with labels in columns of 0 and 1"));
  EXPECT_TRUE(
      told("label: {column: x, range: [0, 1]}", "'range' does not go with one class a row"));
  EXPECT_TRUE(told("label: {column: x, kind: regression, classes: [a, b]}",
                   "'classes' does not go with kind: regression"));
  EXPECT_TRUE(told("label: {column: x, separator: \",\"}", "has no 'classes'"));
  EXPECT_TRUE(
      told("label: {column: x, kind: regression, range: [1, 1]}", "range is not [least, most]"));
  EXPECT_TRUE(told("label: {columns: [x, x]}", "the label's column 'x' is given twice"));
  EXPECT_TRUE(
      told("label: {columns: [f, y]}", "'f' reaches columns that it may not use: 'f' (the label)"));
}

TEST(Targets, DigestsTellReadingsApart) {
  const std::string table = "id,f,labels\na,1,joy\nb,2,anger\n";
  const auto digest = [&](const std::string& target) { return Table(target, table).load().digest; };
  const std::string base = "label: {column: labels, separator: \",\", classes: [joy, anger]";
  EXPECT_EQ(digest(base + "}"), digest(base + "}"));
  EXPECT_NE(digest(base + "}"), digest(base + ", unlabelled: skip}"));
  EXPECT_NE(digest(base + "}"),
            digest("label: {column: labels, separator: \";\", classes: [joy, anger]}"));
  EXPECT_NE(digest(base + "}"), digest("label: {column: labels, classes: [joy, anger]}"));
}

TEST(Targets, PredictionNeedsNoLabels) {
  const Table f(kAspects, "id,f\na,1\nb,2\n");
  const Dataset d = load_dataset(f.path, {}, nullptr, {}, Labels::ignored).dataset;
  EXPECT_EQ(d.id, (Texts{"a", "b"}));
  const Table sets(
      "label: {column: labels, separator: \",\", classes: {file: gone.txt, by: index}}",
      "id,f\na,1\n");
  EXPECT_EQ(load_dataset(sets.path, {}, nullptr, {}, Labels::ignored).dataset.size(), 1);
}

TEST(Targets, SplitsOfRowsWithoutOneClass) {
  std::string table = "id,f,joy,anger\n";
  for (int i = 0; i < 40; ++i)
    table += std::to_string(i) + "," + std::to_string(i * i) + (i % 3 ? ",0," : ",1,") +
             (i % 5 ? "0\n" : "1\n");
  const Dataset d = Table(kFlags, table).load();
  SplitOptions options;
  options.protocol = Protocol::holdout;
  const Fold fold = make_folds(d, options).folds[0];
  EXPECT_EQ(fold.test.size(), 8u);
  EXPECT_EQ(fold.train.size() + fold.validation.size(), 32u);
  options.protocol = Protocol::stratified_kfold;
  EXPECT_TRUE(holds(error_of([&] { make_folds(d, options); }), "needs single labels"));
  Dataset without = d;
  for (std::size_t row = 0; row < 40; ++row) without.label[2 * row + 1] = 0;
  options.protocol = Protocol::holdout;
  EXPECT_TRUE(holds(error_of([&] { make_folds(without, options); }),
                    "no training fold holds a sample of label 'anger'; take it out of the labels"));
}

}  // namespace
}  // namespace emosweep::data
