#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "launcher/key_table.h"

namespace emosweep::launcher {
namespace {

Node scalar(const std::string& text, bool quoted = false) {
  Node node;
  node.kind = Node::Kind::scalar;
  node.scalar = text;
  node.quoted = quoted;
  return node;
}

std::string text_of(Key key, const Node& node) {
  std::string why;
  const auto value = read_value(info(key), node, why);
  return value ? value->text : "error: " + why;
}

TEST(Keys, EveryDefaultIsAValueOfItsKey) {
  std::set<std::string> names;
  for (const KeyInfo& row : key_table()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_EQ(find_key(row.name), &row);
    if (row.fallback[0] != '\0' && row.type != KeyType::seeds) {
      EXPECT_EQ(default_value(row).text, row.fallback) << row.name << ": ids compare texts";
    }
    EXPECT_GT(std::string(row.help).size(), 10u) << row.name;
  }
}

TEST(Keys, DocumentationIsUpToDate) {
  std::ifstream file(EMOSWEEP_SOURCE_DIR "/docs/keys.md");
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), keys_markdown())
      << "write it anew: emosweep run --help-keys > docs/keys.md";
}

TEST(Keys, NumbersHaveOneTextHoweverTheyAreWritten) {
  EXPECT_EQ(text_of(Key::lr, scalar("1.0e-3")), "0.001");
  EXPECT_EQ(text_of(Key::lr, scalar("0.001")), "0.001");
  EXPECT_EQ(text_of(Key::loss_temperature, scalar("2000")), "2000");
  EXPECT_EQ(text_of(Key::loss_temperature, scalar("2000.0")), "2000");
  EXPECT_EQ(text_of(Key::dropout, scalar("-0.0")), "0");
}

TEST(Keys, WrongValuesSayWhatWasExpected) {
  EXPECT_EQ(text_of(Key::lr, scalar("0")), "error: expected a number > 0, got '0'");
  EXPECT_EQ(text_of(Key::lr, scalar("0.1", true)),
            "error: expected a number > 0, got the text '0.1'");
  EXPECT_EQ(text_of(Key::dropout, scalar("1")), "error: expected a number in [0, 1), got '1'");
  EXPECT_EQ(text_of(Key::epochs, scalar("5.0")),
            "error: expected a whole number in [1, 1000000], got '5.0'");
  EXPECT_EQ(text_of(Key::epochs, scalar("010")),
            "error: expected a whole number in [1, 1000000], got '010'");
  EXPECT_EQ(text_of(Key::save_models, scalar("yes")), "error: expected true or false, got 'yes'");
  EXPECT_EQ(
      text_of(Key::loss, scalar("focl")),
      "error: expected one of cross_entropy, focal, mse, ccc, got 'focl': did you mean 'focal'?");
  EXPECT_EQ(text_of(Key::loss, Node{}),
            "error: expected one of cross_entropy, focal, mse, ccc, got nothing");
}

TEST(Keys, PackIsAWordOrACount) {
  EXPECT_EQ(text_of(Key::pack, scalar("auto")), "auto");
  EXPECT_EQ(text_of(Key::pack, scalar("off")), "off");
  EXPECT_EQ(text_of(Key::pack, scalar("8")), "8");
  for (const char* wrong : {"0", "-1", "2.5", "of", "5000"}) {
    EXPECT_EQ(
        text_of(Key::pack, scalar(wrong)).find("error: expected one of auto, off, or a whole "), 0u)
        << wrong;
  }
}

TEST(Keys, SeedsAreAListOrACount) {
  std::string why;
  const auto count = read_value(info(Key::seeds), scalar("3"), why);
  ASSERT_TRUE(count);
  EXPECT_EQ(count->seeds, (std::vector<std::uint64_t>{1, 2, 3}));
  Node list;
  list.kind = Node::Kind::list;
  list.items = {scalar("7"), scalar("3")};
  EXPECT_EQ(read_value(info(Key::seeds), list, why)->seeds, (std::vector<std::uint64_t>{7, 3}));
  list.items.push_back(scalar("7"));
  EXPECT_FALSE(read_value(info(Key::seeds), list, why));
  EXPECT_FALSE(read_value(info(Key::seeds), scalar("0"), why));
}

TEST(Keys, NearestKnowsTheWordsOfOtherPrograms) {
  EXPECT_EQ(nearest_key("learning_rate"), "lr");
  EXPECT_EQ(nearest_key("normalize"), "normalise");
  EXPECT_EQ(nearest_key("hiden_size"), "hidden_size");
  EXPECT_EQ(nearest_key("zzzzzz"), "");
}

TEST(Keys, NamesWithCommasAreNotTakenForTwo) {
  Node one, two;
  one.kind = two.kind = Node::Kind::list;
  one.items = {scalar("a, b")};
  two.items = {scalar("a"), scalar("b")};
  EXPECT_NE(text_of(Key::modality, one), text_of(Key::modality, two));
}

}  // namespace
}  // namespace emosweep::launcher
