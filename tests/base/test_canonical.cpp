#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "base/canonical.h"
#include "base/error.h"
#include "base/target.h"

namespace emosweep {
namespace {

TEST(NumberText, IsTheShortestThatReadsBack) {
  EXPECT_EQ(number_text(2.0), "2");
  EXPECT_EQ(number_text(-2.0), "-2");
  EXPECT_EQ(number_text(0.1), "0.1");
  EXPECT_EQ(number_text(1e-3), "0.001");
  EXPECT_EQ(number_text(1e-5), "1e-05");
  EXPECT_EQ(number_text(3e-4), "0.0003");
  EXPECT_EQ(number_text(1e22), "1e+22");
  EXPECT_EQ(number_text(100000.0), "100000");
  EXPECT_EQ(number_text(2000.0), "2000");
  EXPECT_EQ(number_text(1e-4), "0.0001");
  EXPECT_EQ(number_text(1e15), "1000000000000000");
  EXPECT_EQ(number_text(1e16), "1e+16");
  EXPECT_EQ(number_text(9007199254740993.0), "9007199254740992");
  EXPECT_EQ(number_text(1.7976931348623157e308), "1.7976931348623157e+308");
  EXPECT_EQ(number_text(5e-324), "5e-324");
  EXPECT_EQ(number_text(0.0), "0");
  EXPECT_EQ(number_text(-0.0), "-0");
  EXPECT_EQ(number_text(1.0 / 3.0), "0.3333333333333333");
}

TEST(NumberText, NamesWhatIsNotFinite) {
  EXPECT_EQ(number_text(std::nan("")), "nan");
  EXPECT_EQ(number_text(std::copysign(std::nan("7"), -1.0)), "nan");
  EXPECT_EQ(number_text(std::numeric_limits<double>::infinity()), "inf");
  EXPECT_EQ(number_text(-std::numeric_limits<double>::infinity()), "-inf");
}

TEST(NumberText, ReadsBackAsTheSameBits) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20000; ++i) {
    const std::uint64_t bits = random();
    double value = 0;
    std::memcpy(&value, &bits, sizeof value);
    if (!std::isfinite(value)) continue;
    const std::string text = number_text(value);
    const double back = std::strtod(text.c_str(), nullptr);
    EXPECT_EQ(std::memcmp(&value, &back, sizeof value), 0) << text;
  }
}

TEST(NumberText, WritesIntegers) {
  EXPECT_EQ(number_text(std::int64_t{-7}), "-7");
  EXPECT_EQ(number_text(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
}

TEST(CanonicalText, SortsAndEscapes) {
  EXPECT_EQ(canonical_text({}), "");
  EXPECT_EQ(canonical_text({{"lr", "0.001"}, {"epochs", "50"}}), "epochs=50\nlr=0.001\n");
  EXPECT_EQ(canonical_text({{"a=b", "c\\d\ne"}}), "a\\eb=c\\\\d\\ne\n");
}

// Without escapes these pairs would be equal.
TEST(CanonicalText, DiffersForDifferentMaps) {
  EXPECT_NE(canonical_text({{"a", "1\nb=2"}}), canonical_text({{"a", "1"}, {"b", "2"}}));
  EXPECT_NE(canonical_text({{"a", "b=c"}}), canonical_text({{"a=b", "c"}}));
  EXPECT_NE(canonical_text({{"a", "\\n"}}), canonical_text({{"a", "\n"}}));
  EXPECT_NE(canonical_text({{"a", "\\e"}}), canonical_text({{"a", "="}}));
}

TEST(CanonicalText, IsInvertedForAnyText) {
  std::mt19937 random(2);
  const std::string letters = "ab=\\\n\\en";
  const auto word = [&] {
    std::string out;
    for (std::size_t i = random() % 6; i > 0; --i) out += letters[random() % letters.size()];
    return out;
  };
  for (int i = 0; i < 2000; ++i) {
    std::map<std::string, std::string> values;
    for (std::size_t k = random() % 5; k > 0; --k) values[word()] = word();
    EXPECT_EQ(parse_canonical(canonical_text(values)), values);
  }
}

TEST(ParseCanonical, RefusesWhatIsNotCanonical) {
  EXPECT_TRUE(parse_canonical("").empty());
  for (const char* bad :
       {"a=1", "a\n", "a=1=2\n", "a=1\na=2\n", "a=\\x\n", "a=\\\n", "\n", "a=1\n\n"}) {
    EXPECT_THROW(parse_canonical(bad), InputError) << bad;
  }
}

TEST(TargetKindName, IsWhatFilesSay) {
  EXPECT_STREQ(target_kind_name(TargetKind::single), "single");
  EXPECT_STREQ(target_kind_name(TargetKind::multi), "multi");
  EXPECT_STREQ(target_kind_name(TargetKind::aspects), "aspects");
  EXPECT_STREQ(target_kind_name(TargetKind::regression), "regression");
}

}  // namespace
}  // namespace emosweep
