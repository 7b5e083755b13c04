#include <gtest/gtest.h>

#include "base/error.h"

namespace emosweep {
namespace {

TEST(Place, IsWrittenAsEditorsReadIt) {
  EXPECT_EQ((Place{"a.yaml", 3, 5}.text()), "a.yaml:3:5");
  EXPECT_EQ((Place{"a.yaml", 3, 0}.text()), "a.yaml:3");
  EXPECT_EQ((Place{"a.yaml", 0, 0}.text()), "a.yaml");
  EXPECT_EQ(Place{}.text(), "");
}

TEST(InputError, NamesThePlaceFirst) {
  EXPECT_STREQ(InputError(Place{"a.yaml", 3, 5}, "no such key").what(), "a.yaml:3:5: no such key");
  EXPECT_STREQ(InputError(Place{}, "no such key").what(), "no such key");
}

TEST(Mistakes, AreReportedTogetherAndOnce) {
  Mistakes mistakes;
  EXPECT_NO_THROW(mistakes.throw_if_any());
  mistakes.add(Place{"f", 2, 1}, "second line first");
  mistakes.add("no place");
  mistakes.add(Place{"f", 2, 1}, "second line first");
  EXPECT_FALSE(mistakes.empty());
  ASSERT_EQ(mistakes.lines().size(), 2u);
  try {
    mistakes.throw_if_any();
    FAIL() << "nothing thrown";
  } catch (const InputError& error) {
    EXPECT_STREQ(error.what(), "f:2:1: second line first\nno place");
  }
}

TEST(Mistakes, AreCutOffWhereNobodyReadsOn) {
  Mistakes mistakes;
  for (int i = 0; i < 5000; ++i) mistakes.add("mistake " + std::to_string(i));
  ASSERT_EQ(mistakes.lines().size(), 1001u);
  EXPECT_EQ(mistakes.lines()[999], "mistake 999");
  EXPECT_EQ(mistakes.lines()[1000], "further mistakes are not listed");
}

TEST(Nearest, CountsSwapsAsOneEdit) {
  const std::vector<std::string> keys = {"protocol", "patience", "epochs", "lr", "loss"};
  EXPECT_EQ(nearest("protcool", keys), "protocol");
  EXPECT_EQ(nearest("epoch", keys), "epochs");
  EXPECT_EQ(nearest("epochs", keys), "epochs");
  EXPECT_EQ(nearest("lsos", keys), "loss");
  EXPECT_EQ(nearest("batch", keys), "");
  EXPECT_EQ(nearest("xy", keys), "");  // a third of two letters is none
  EXPECT_EQ(nearest("", keys), "");
  EXPECT_EQ(nearest(std::string(1'000'000, 'x'), keys), "");
}

TEST(Nearest, AllowsAThirdOfTheWord) {
  EXPECT_EQ(nearest("abcxyz", {"abcdez"}), "abcdez");  // 2 of 6
  EXPECT_EQ(nearest("abcxyz", {"abcdef"}), "");        // 3 of 6
}

TEST(Check, HoldsInReleaseBuilds) {
  EXPECT_NO_THROW(EMO_CHECK(1 + 1 == 2, "arithmetic"));
  try {
    EMO_CHECK(1 + 1 == 3, "arithmetic " + std::to_string(3));
    FAIL() << "nothing thrown";
  } catch (const Error& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("arithmetic 3"), std::string::npos) << text;
    EXPECT_NE(text.find("1 + 1 == 3"), std::string::npos) << text;
    EXPECT_NE(text.find("test_error.cpp"), std::string::npos) << text;
  }
}

TEST(TrialError, CarriesItsReason) {
  const TrialError error("non_finite", "loss is nan at step 7");
  EXPECT_EQ(error.reason(), "non_finite");
  EXPECT_STREQ(error.what(), "loss is nan at step 7");
}

}  // namespace
}  // namespace emosweep
