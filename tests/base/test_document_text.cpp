#include <gtest/gtest.h>

#include <random>

#include "base/document.h"

namespace emosweep {
namespace {

Node plain(const std::string& text) {
  Node node;
  node.kind = Node::Kind::scalar;
  node.scalar = text;
  return node;
}

Node text(const std::string& words) {
  Node node = plain(words);
  node.quoted = true;
  return node;
}

Node parsed(const std::string& words) {
  Mistakes mistakes;
  Node node = parse_document(words, "f.yaml", mistakes);
  for (const auto& line : mistakes.lines()) ADD_FAILURE() << line << "\n" << words;
  return node;
}

TEST(Integer, GuessesNothing) {
  EXPECT_EQ(integer(plain("0")), 0);
  EXPECT_EQ(integer(plain("-0")), 0);
  EXPECT_EQ(integer(plain("42")), 42);
  EXPECT_EQ(integer(plain("-7")), -7);
  EXPECT_EQ(integer(plain("9223372036854775807")), INT64_MAX);
  EXPECT_EQ(integer(plain("-9223372036854775808")), INT64_MIN);
  for (const char* other : {"", "-", "010", "00", "1_000", "0x10", "0o7", "+1", "1.0", "1e3", " 1",
                            "1 ", "9223372036854775808", "one", "1a", "--1"}) {
    EXPECT_FALSE(integer(plain(other))) << other;
  }
  EXPECT_FALSE(integer(text("5")));
  EXPECT_FALSE(integer(Node{}));
}

TEST(Number, GuessesNothing) {
  EXPECT_EQ(number(plain("1")), 1.0);
  EXPECT_EQ(number(plain("-1.5")), -1.5);
  EXPECT_EQ(number(plain("1.0e-3")), 1e-3);
  EXPECT_EQ(number(plain("1E+3")), 1e3);
  EXPECT_EQ(number(plain(".1")), 0.1);
  EXPECT_EQ(number(plain("5.")), 5.0);
  EXPECT_EQ(number(plain("0.25")), 0.25);
  for (const char* other :
       {"",      ".",   "-",    "-.",    "e5",    "1e", "1e+",   ".nan", "nan",  ".inf",    "inf",
        "1e999", "010", "00.5", "0x1p3", "1_0.5", "+1", "1.2.3", "1,5",  "1.5 ", "infinity"}) {
    EXPECT_FALSE(number(plain(other))) << other;
  }
  EXPECT_FALSE(number(text("1.5")));
}

TEST(Boolean, IsTrueOrFalse) {
  EXPECT_EQ(boolean(plain("true")), true);
  EXPECT_EQ(boolean(plain("false")), false);
  for (const char* other : {"True", "TRUE", "yes", "no", "on", "off", "1", "y", ""}) {
    EXPECT_FALSE(boolean(plain(other))) << other;
  }
  EXPECT_FALSE(boolean(text("true")));
}

TEST(WriteDocument, IsBlockStyleWithTheQuotesThatAreNeeded) {
  const std::string words =
      "name: \"Audio: Only\"\n"
      "lr: 1.0e-3\n"
      "flag: true\n"
      "none: null\n"
      "empty: {}\n"
      "list:\n"
      "  - 1\n"
      "  - a: 2\n"
      "    b:\n"
      "      - x\n"
      "  - - 3\n"
      "    - 4\n"
      "  - []\n"
      "\"5\": five\n";
  EXPECT_EQ(write_document(parsed(words)), words);
  EXPECT_EQ(write_document(Node{}), "null\n");
  EXPECT_EQ(write_document(plain("word")), "word\n");
}

TEST(WriteDocument, TextStaysText) {
  for (const char* word :
       {"null", "~",     "",         "yes",        "No",           "010",
        "0x10", "1_000", ".nan",     "2020-01-01", "1:30",         "a: b",
        "a #b", "- a",   "[a",       "{a",         "*a",           "&a",
        "!a",   "|",     ">",        "%a",         "@a",           "`a",
        "'a",   "\"a",   "<<",       " a",         "a ",           "a\nb",
        "a\tb", "a\\b",  "\xC3\xA4", "---",        "...",          "?",
        "=",    "\x01",  "\x7F",     "\xC2\x85",   "\xE2\x80\xA8", "\xEF\xBB\xBFx"}) {
    Node map;
    map.kind = Node::Kind::map;
    map.entries.push_back({word, {}, plain(word)});
    const std::string words = write_document(map);
    const Node back = parsed(words);
    ASSERT_EQ(back.entries.size(), 1u) << words;
    EXPECT_EQ(back.entries[0].key, word) << words;
    EXPECT_EQ(back.entries[0].value.scalar, word) << words;
    EXPECT_EQ(back.entries[0].value.kind, Node::Kind::scalar) << words;
    EXPECT_FALSE(number(back.entries[0].value)) << words;
  }
}

void expect_equal(const Node& a, const Node& b) {
  ASSERT_EQ(a.kind, b.kind);
  EXPECT_EQ(a.scalar, b.scalar);
  EXPECT_TRUE(!a.quoted || b.quoted);
  EXPECT_EQ(number(a), number(b));
  EXPECT_EQ(boolean(a), boolean(b));
  ASSERT_EQ(a.items.size(), b.items.size());
  for (std::size_t i = 0; i < a.items.size(); ++i) expect_equal(a.items[i], b.items[i]);
  ASSERT_EQ(a.entries.size(), b.entries.size());
  for (std::size_t i = 0; i < a.entries.size(); ++i) {
    EXPECT_EQ(a.entries[i].key, b.entries[i].key);
    expect_equal(a.entries[i].value, b.entries[i].value);
  }
}

Node random_node(std::mt19937& random, int depth) {
  Node node;
  const auto kind = random() % (depth > 0 ? 5 : 3);
  if (kind == 0) return node;
  if (kind <= 2) {
    const std::string letters = "aZ09 .-:#'\"\\\n,[]{}&*!|>%\xC3\xA9";
    std::string words;
    for (auto n = random() % 6; n > 0; --n) {
      const std::size_t pick = random() % (letters.size() - 1);
      words +=
          pick + 2 >= letters.size() ? letters.substr(letters.size() - 2) : letters.substr(pick, 1);
    }
    node = kind == 1 ? plain(words) : text(words);
  } else if (kind == 3) {
    node.kind = Node::Kind::list;
    for (auto n = random() % 4; n > 0; --n) node.items.push_back(random_node(random, depth - 1));
  } else {
    node.kind = Node::Kind::map;
    for (auto n = random() % 4; n > 0; --n) {
      node.entries.push_back(
          {"key " + std::to_string(n) + "'", {}, random_node(random, depth - 1)});
    }
  }
  return node;
}

TEST(WriteDocument, ReadsBackAsTheSameTree) {
  std::mt19937 random(3);
  for (int i = 0; i < 1000; ++i) {
    const Node node = random_node(random, 4);
    const std::string words = write_document(node);
    SCOPED_TRACE(words);
    expect_equal(node, parsed(words));
  }
}

}  // namespace
}  // namespace emosweep
