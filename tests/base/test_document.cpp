#include <gtest/gtest.h>

#include <fstream>

#include "base/document.h"
#include "base/error.h"
#include "temporary_folder.h"

namespace emosweep {
namespace {

Node parsed(const std::string& text) {
  Mistakes mistakes;
  Node node = parse_document(text, "f.yaml", mistakes);
  for (const auto& line : mistakes.lines()) ADD_FAILURE() << line;
  return node;
}

const Node& value(const Node& map, std::string_view key) {
  const Entry* entry = map.find(key);
  if (entry == nullptr) throw Error("no key " + std::string(key));
  return entry->value;
}

std::string at(const Place& place) {
  return std::to_string(place.line) + ":" + std::to_string(place.column);
}

TEST(Document, ReadsScalarsListsAndMaps) {
  const Node root = parsed(
      "name: Audio Only\n"
      "lr: 1.0e-3\n"
      "seeds: [1, '2', \"3\"]\n"
      "grid: {a: b}\n"
      "text: |\n  two\n  lines\n"
      "none:\n"
      "also_none: ~\n");
  ASSERT_EQ(root.kind, Node::Kind::map);
  EXPECT_EQ(root.entries.size(), 7u);
  EXPECT_EQ(value(root, "name").scalar, "Audio Only");
  EXPECT_FALSE(value(root, "name").quoted);
  EXPECT_EQ(value(root, "lr").scalar, "1.0e-3");
  const auto& seeds = value(root, "seeds").items;
  ASSERT_EQ(seeds.size(), 3u);
  EXPECT_FALSE(seeds[0].quoted);
  EXPECT_TRUE(seeds[1].quoted);
  EXPECT_TRUE(seeds[2].quoted);
  EXPECT_EQ(seeds[2].scalar, "3");
  EXPECT_EQ(value(value(root, "grid"), "a").scalar, "b");
  EXPECT_EQ(value(root, "text").scalar, "two\nlines\n");
  EXPECT_EQ(value(root, "none").kind, Node::Kind::null);
  EXPECT_EQ(value(root, "also_none").kind, Node::Kind::null);
  EXPECT_EQ(root.find("absent"), nullptr);
}

TEST(Document, EmptyFilesAreNull) {
  EXPECT_EQ(parsed("").kind, Node::Kind::null);
  EXPECT_EQ(parsed("# only a comment\n").kind, Node::Kind::null);
  EXPECT_EQ(parsed("\n\n").place.file, "f.yaml");
  EXPECT_EQ(parsed("a: ''").entries[0].value.kind, Node::Kind::scalar);  // empty text, not null
}

TEST(Document, PlacesAreWhatEditorsShow) {
  const Node root = parsed(
      "first: 1\n"
      "äöü: ünï\n"
      "nested:\n"
      "  key:   value\n"
      "  empty:\n"
      "list:\n"
      "  - a\n"
      "  -\n"
      "  - null\n"
      "last: x\n");
  EXPECT_EQ(at(root.find("first")->place), "1:1");
  EXPECT_EQ(at(value(root, "first").place), "1:8");
  EXPECT_EQ(at(value(root, "äöü").place), "2:6");  // characters, not bytes
  const Node& nested = value(root, "nested");
  EXPECT_EQ(at(nested.place), "4:3");
  EXPECT_EQ(at(nested.find("key")->place), "4:3");
  EXPECT_EQ(at(value(nested, "key").place), "4:10");
  EXPECT_EQ(at(value(nested, "empty").place), "5:3");  // of its key, not the next line's
  const auto& items = value(root, "list").items;
  EXPECT_EQ(at(items[0].place), "7:5");
  EXPECT_EQ(at(items[1].place), "8:3");  // the dash
  EXPECT_EQ(at(items[2].place), "9:5");
  EXPECT_EQ(items[0].place.file, "f.yaml");
}

TEST(Document, AliasesStandWhereTheyAreUsed) {
  const Node root = parsed(
      "base: &base {lr: 1}\n"
      "word: &word text\n"
      "use: *base\n"
      "words: [*word, *word]\n");
  EXPECT_EQ(at(value(root, "use").place), "3:6");
  EXPECT_EQ(at(value(root, "use").find("lr")->place), "1:14");  // where it is written
  const auto& words = value(root, "words").items;
  EXPECT_EQ(words[1].scalar, "text");
  EXPECT_EQ(at(words[1].place), "4:16");
}

TEST(Document, AnAliasTakesTheLatestAnchorOfItsName) {
  const Node root = parsed("a: &x 1\nb: *x\nc: &x 2\nd: *x\n");
  EXPECT_EQ(value(root, "b").scalar, "1");
  EXPECT_EQ(value(root, "d").scalar, "2");
}

TEST(Merge, ExplicitKeysWinWhereverTheyStand) {
  const Node root = parsed(
      "template: &t {lr: 1, epochs: 5, hidden: 9}\n"
      "before:\n"
      "  lr: 2\n"
      "  <<: *t\n"
      "  epochs: 6\n");
  const Node& node = value(root, "before");
  EXPECT_EQ(value(node, "lr").scalar, "2");
  EXPECT_EQ(value(node, "epochs").scalar, "6");
  EXPECT_EQ(value(node, "hidden").scalar, "9");
  ASSERT_EQ(node.entries.size(), 3u);
  EXPECT_EQ(node.entries[0].key, "lr");
  EXPECT_EQ(node.entries[1].key, "epochs");
  EXPECT_FALSE(node.entries[1].inherited);
  EXPECT_EQ(node.entries[2].key, "hidden");
  EXPECT_TRUE(node.entries[2].inherited);
  EXPECT_EQ(at(node.entries[2].place), "1:33");  // in the template
}

TEST(Merge, AnEarlierSourceWins) {
  const Node root = parsed(
      "a: &a {x: 1}\n"
      "b: &b {x: 2, y: 2}\n"
      "c: {<<: [*a, *b, {y: 3, z: 3}]}\n");
  const Node& node = value(root, "c");
  EXPECT_EQ(value(node, "x").scalar, "1");
  EXPECT_EQ(value(node, "y").scalar, "2");
  EXPECT_EQ(value(node, "z").scalar, "3");
}

TEST(Merge, TemplatesOfTemplatesWork) {
  const Node root = parsed(
      "a: &a {x: 1, y: 1, z: 1}\n"
      "b: &b {<<: *a, y: 2}\n"
      "c: {z: 3, <<: *b}\n");
  const Node& node = value(root, "c");
  EXPECT_EQ(value(node, "x").scalar, "1");
  EXPECT_EQ(value(node, "y").scalar, "2");
  EXPECT_EQ(value(node, "z").scalar, "3");
}

TEST(Merge, ValuesAreReplacedWhole) {
  const Node root = parsed(
      "a: &a {grid: {lr: [1, 2], dropout: [3]}}\n"
      "b: {<<: *a, grid: {lr: [4]}}\n");
  const Node& grid = value(value(root, "b"), "grid");
  ASSERT_EQ(grid.entries.size(), 1u);
  EXPECT_EQ(grid.entries[0].key, "lr");
}

TEST(Merge, AQuotedKeyIsNoMerge) { EXPECT_EQ(value(parsed("'<<': 5\n"), "<<").scalar, "5"); }

TEST(Merge, WholeFileOfExperiments) {
  const Node root = parsed(
      "template: &template\n"
      "  dataset: ravdess_av\n"
      "  seeds: [1, 2]\n"
      "experiments:\n"
      "  - <<: *template\n"
      "    name: \"Audio Only\"\n"
      "  - <<: *template\n"
      "    name: Fusion\n"
      "    seeds: 5\n");
  const auto& experiments = value(root, "experiments").items;
  ASSERT_EQ(experiments.size(), 2u);
  EXPECT_EQ(value(experiments[0], "dataset").scalar, "ravdess_av");
  EXPECT_EQ(value(experiments[0], "seeds").items.size(), 2u);
  EXPECT_EQ(value(experiments[1], "seeds").scalar, "5");
}

// What a text gets wrong: "line:column" and a word of each mistake.
struct Wrong {
  const char* text;
  std::vector<std::pair<std::string, std::string>> mistakes;
};

class DocumentMistakes : public testing::TestWithParam<Wrong> {};

TEST_P(DocumentMistakes, AreAllReportedWithTheirPlaces) {
  Mistakes mistakes;
  parse_document(GetParam().text, "f.yaml", mistakes);
  const auto& lines = mistakes.lines();
  ASSERT_EQ(lines.size(), GetParam().mistakes.size()) << testing::PrintToString(lines);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_TRUE(lines[i].starts_with("f.yaml:" + GetParam().mistakes[i].first + ": ")) << lines[i];
    EXPECT_NE(lines[i].find(GetParam().mistakes[i].second), std::string::npos) << lines[i];
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, DocumentMistakes,
    testing::Values(
        Wrong{"a: 1\nb: 2\na: 3\nb: 4\n",
              {{"3:1", "'a' is given twice (first in line 1)"}, {"4:1", "'b' is given twice"}}},
        Wrong{"x: {a: 1, \"a\": 2}\n", {{"1:11", "'a' is given twice"}}},
        Wrong{"t: &t {a: 1, a: 2}\nu: {<<: *t}\nv: {<<: *t}\n", {{"1:14", "twice"}}},
        Wrong{"a: &a [1, *a]\n", {{"1:11", "inside the value that it names"}}},
        Wrong{"a: &a\n  b: &b\n    c: *a\n    d: *b\n", {{"3:8", "inside"}, {"4:8", "inside"}}},
        Wrong{"a: &a\n  <<: *a\n  x: 1\n", {{"2:7", "inside"}, {"2:3", "takes a mapping"}}},
        Wrong{"a:\n  <<: 5\n", {{"2:3", "takes a mapping"}}},
        Wrong{"a:\n  <<:\nb: 1\n", {{"2:3", "takes a mapping"}}},
        Wrong{"t: &t {a: 1}\nb: {<<: [*t, 5]}\n", {{"2:5", "takes a mapping"}}},
        Wrong{"t: &t {a: 1}\nb:\n  <<: *t\n  <<: *t\n", {{"4:3", "first in line 3"}}},
        Wrong{"? [a, b]\n: 1\n", {{"1:3", "keys are text"}}},
        Wrong{"{a: 1}: 2\n", {{"1:1", "keys are text"}}},
        Wrong{"null: 2\n", {{"1:1", "an empty key"}}},
        Wrong{"a: !!python/object:os.system 1\n", {{"1:4", "tag"}}},
        Wrong{"a: !mine {b: 1}\n", {{"1:4", "'!mine'"}}},
        Wrong{"a: \"x\\0y\"\n", {{"1:4", "NUL"}}}));

struct Broken {
  std::string text;
  const char* place;
  const char* word;
};

class DocumentErrors : public testing::TestWithParam<Broken> {};

TEST_P(DocumentErrors, NameThePlace) {
  Mistakes mistakes;
  try {
    parse_document(GetParam().text, "f.yaml", mistakes);
    FAIL() << "nothing thrown: " << testing::PrintToString(mistakes.lines());
  } catch (const InputError& error) {
    const std::string text = error.what();
    EXPECT_TRUE(text.starts_with(std::string("f.yaml:") + GetParam().place + ": ")) << text;
    EXPECT_NE(text.find(GetParam().word), std::string::npos) << text;
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, DocumentErrors,
    testing::Values(Broken{"a: [1, 2\nb: 3\n", "2:2", "not valid YAML"},
                    Broken{"a: *nobody\n", "1:4", "nobody"},
                    Broken{"a: b: c\n", "1:5", "not valid YAML"},
                    Broken{"a: 'open\nb: 2\n", "3:1", "closing quote"},
                    Broken{"a: [\"open\n", "2:1", "closing quote"},
                    Broken{"a: 1\n---\nb: 2\n", "2:1", "second YAML document"},
                    Broken{"a: 1\n---\n", "2:1", "second YAML document"},
                    Broken{"[1, 2]\nfoo\n", "2:1", "second YAML document"},
                    Broken{"\xEF\xBB\xBF"
                           "a: 1\n",
                           "1:1", "byte-order mark"},
                    Broken{std::string("\xFF\xFE"
                                       "a\0:\0",
                                       6),
                           "1:1", "UTF-16"},
                    Broken{"a: 1\nname: caf\xE9\n", "2:10", "not UTF-8"},
                    Broken{"a: \xC0\xAF\n", "1:4", "not UTF-8"},
                    Broken{"a: \xED\xA0\x80\n", "1:4", "not UTF-8"},
                    Broken{"a: \xF4\x90\x80\x80\n", "1:4", "not UTF-8"},
                    Broken{"a: \xE2\x82", "1:4", "not UTF-8"},
                    Broken{std::string("a: 1\nb: \0\n", 10), "2:4", "NUL"},
                    Broken{"a: 1\nb: \x04\nc: 3\n", "2:4", "control character number 4"},
                    Broken{"a:\n\tb: 1\n", "2:1", "tab"}, Broken{"a:\n  \tb: 1\n", "2:3", "tab"},
                    Broken{"a: 1\rb: 2\r", "1:5", "carriage return"}));

TEST(Document, WindowsLineEndsAreLineEnds) {
  const Node root = parsed("a: 1\r\nb:\r\n  c: 2\r\n");
  EXPECT_EQ(value(root, "a").scalar, "1");
  EXPECT_EQ(at(root.find("b")->place), "2:1");
  EXPECT_EQ(value(value(root, "b"), "c").scalar, "2");
}

TEST(Document, TabsBetweenWordsAreSpace) {
  const Node root = parsed("a: 1\t# a comment\nb: \"x\ty\"\n");
  EXPECT_EQ(value(root, "a").scalar, "1");
  EXPECT_EQ(value(root, "b").scalar, "x\ty");
}

TEST(Document, TagsOfTheStandardAreTakenOff) {
  const Node root = parsed("a: !!str 5\nb: !!int 5\nc: ! 5\n");
  EXPECT_TRUE(value(root, "a").quoted);
  EXPECT_FALSE(value(root, "b").quoted);
  EXPECT_TRUE(value(root, "c").quoted);
}

std::string first_mistake(const std::string& text, const DocumentLimits& limits = {}) {
  Mistakes mistakes;
  parse_document(text, "f.yaml", mistakes, limits);
  return mistakes.empty() ? "" : mistakes.lines()[0];
}

TEST(Limits, AliasBombsEndEarly) {
  std::string bomb = "a0: &a0 [x, x]\n", merges = "m0: &m0 {k0: x}\n";
  for (int i = 1; i < 40; ++i) {
    const std::string now = std::to_string(i), last = std::to_string(i - 1);
    bomb += "a" + now + ": &a" + now + " [*a" + last + ", *a" + last + "]\n";
    merges +=
        "m" + now + ": &m" + now + " {<<: [*m" + last + ", *m" + last + "], k" + now + ": 1}\n";
  }
  EXPECT_NE(first_mistake(bomb).find("200000 values"), std::string::npos) << first_mistake(bomb);
  EXPECT_NE(first_mistake(merges).find("merges"), std::string::npos) << first_mistake(merges);
}

TEST(Limits, LongTextsTimesManyAliases) {
  std::string bomb = "a: &a " + std::string(1'000'000, 'x') + "\nb: [";
  for (int i = 0; i < 1000; ++i) bomb += "*a, ";
  EXPECT_NE(first_mistake(bomb + "]\n").find("bytes of text"), std::string::npos);
}

TEST(Limits, DeepFilesEndEarly) {
  EXPECT_NE(first_mistake(std::string(100'000, '[')).find("64 levels"), std::string::npos);
  EXPECT_NE(first_mistake(std::string(100'000, '{')).find("64 levels"), std::string::npos);
  std::string dashes;
  for (int i = 0; i < 100'000; ++i) dashes += "- ";
  EXPECT_NE(first_mistake(dashes).find("64 levels"), std::string::npos);
  // Through aliases.
  std::string chain = "a0: &a0 [x]\n", merges = "m0: &m0 {k: x}\n";
  for (int i = 1; i < 100; ++i) {
    const std::string now = std::to_string(i), last = std::to_string(i - 1);
    chain += "a" + now + ": &a" + now + " [*a" + last + "]\n";
    merges += "m" + now + ": &m" + now + " {<<: *m" + last + "}\n";
  }
  EXPECT_NE(first_mistake(chain).find("64 levels"), std::string::npos);
  EXPECT_NE(first_mistake(merges).find("64 merges"), std::string::npos);
}

// Every value of one long line has a place of its own, and every key of a list of mistakes a line.
TEST(Limits, LongLinesTakeLinearTime) {
  std::string line = "[";
  for (int i = 0; i < 150'000; ++i) line += "\xC3\xA4,";
  const Node root = parsed(line + "]");
  EXPECT_EQ(at(root.items.back().place), "1:" + std::to_string(2 * 149'999 + 2));
  std::string repeated;
  for (int i = 0; i < 90'000; ++i) repeated += "a: 1\n";
  EXPECT_NE(first_mistake(repeated).find("twice"), std::string::npos);
}

TEST(Limits, AreWhatTheOptionsSay) {
  EXPECT_EQ(first_mistake("[1, 2, 3]", {.bytes = 9, .nodes = 4, .depth = 1}), "");
  EXPECT_NE(first_mistake("[1, 2, 3]", {.bytes = 8, .nodes = 4, .depth = 1}), "");
  EXPECT_NE(first_mistake("[1, 2, 3]", {.bytes = 9, .nodes = 3, .depth = 1}), "");
  EXPECT_NE(first_mistake("[1, 2, 3]", {.bytes = 9, .nodes = 4, .depth = 0}), "");
}

TEST(ReadDocument, NamesItsFile) {
  const TemporaryFolder folder;
  const auto path = folder / "experiment.yaml";
  std::ofstream(path) << "a: 1\na: 2\n";
  Mistakes mistakes;
  EXPECT_EQ(value(read_document(path, mistakes), "a").scalar, "1");
  ASSERT_EQ(mistakes.lines().size(), 1u);
  EXPECT_TRUE(mistakes.lines()[0].starts_with(path.string() + ":2:1: ")) << mistakes.lines()[0];
  EXPECT_THROW(read_document(folder / "absent.yaml", mistakes), InputError);
  EXPECT_THROW(read_document(path, mistakes, {.bytes = 5}), InputError);
}

}  // namespace
}  // namespace emosweep
