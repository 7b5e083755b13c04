#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <set>

#include "base/error.h"
#include "base/hash.h"
#include "base/philox.h"
#include "base/philox_lanes.h"

namespace emosweep {
namespace {

using Block = std::array<std::uint32_t, 4>;

// kat_vectors of the authors' Random123 library, philox4x32 with 10 rounds: counter words, key
// words, result.
TEST(Philox, GivesTheAuthorsVectors) {
  EXPECT_EQ(philox({0, 0}, 0, 0), (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  const std::uint64_t ones = ~std::uint64_t{0};
  EXPECT_EQ(philox({ones, 0}, ones, ones), (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  const StreamKey pi{0x299f31d0a4093822, 0};
  EXPECT_EQ(philox(pi, 0x0370734413198a2e, 0x85a308d3243f6a88),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, TheSecondHalfOfTheKeyShiftsTheSteps) {
  const StreamKey key{7, 0x123456789abcdef0};
  EXPECT_EQ(philox(key, 5, 9), philox({7, 0}, 5 ^ key.b, 9));
}

TEST(Philox, BlocksOfAStreamDiffer) {
  std::set<Block> seen;
  for (std::uint64_t step = 0; step < 40; ++step) {
    for (std::uint64_t block = 0; block < 40; ++block) {
      EXPECT_TRUE(seen.insert(philox({1, 2}, step, block)).second);
      EXPECT_TRUE(seen.insert(philox({2, 1}, step, block)).second);
    }
  }
}

// Every path, every length about its vectors' sizes, starting anywhere, also where the block's low
// word overflows.
TEST(FillBlocks, AllPathsGiveTheSameWords) {
  for (const auto path : {lanes::Path::plain, lanes::Path::avx2, lanes::Path::avx512}) {
    if (!lanes::available(path)) continue;
    for (const std::uint64_t first : {0ull, 3ull, 0xFFFFFFF0ull, ~0ull - 20}) {
      for (std::size_t blocks = 0; blocks <= 100; blocks += blocks < 40 ? 1 : 7) {
        std::vector<std::uint32_t> words(4 * blocks + 1, 0xABCD);
        lanes::fill_blocks(path, words.data(), blocks, {0x1122334455667788, first, 77});
        for (std::size_t i = 0; i < blocks; ++i) {
          const Block expected = philox({0x1122334455667788, 0}, 77, first + i);
          ASSERT_TRUE(std::equal(expected.begin(), expected.end(), words.data() + 4 * i))
              << "path " << static_cast<int>(path) << " block " << i << " of " << blocks;
        }
        EXPECT_EQ(words.back(), 0xABCDu);
      }
    }
  }
}

TEST(FillWords, IsTheBlocksInOrder) {
  const StreamKey key = derive(trial_key(3, "actor_01"), "order");
  for (const std::size_t size : {0, 1, 3, 4, 5, 63, 64, 65, 257}) {
    std::vector<std::uint32_t> words(size);
    fill_words(words, key, 11, 6);
    for (std::size_t i = 0; i < size; ++i) EXPECT_EQ(words[i], philox(key, 11, 6 + i / 4)[i % 4]);
  }
}

TEST(FillUniform, HasItsWordsUpper24Bits) {
  const StreamKey key{5, 6};
  std::vector<float> out(3001);
  fill_uniform(out, key, 2, 4);
  std::vector<std::uint32_t> words(out.size());
  fill_words(words, key, 2, 4);
  for (std::size_t i = 0; i < out.size(); ++i) {
    ASSERT_EQ(out[i], static_cast<float>(words[i] >> 8) / 16777216.0f);
    ASSERT_GE(out[i], 0.0f);
    ASSERT_LT(out[i], 1.0f);
  }
}

TEST(FillUniform, IsUniform) {
  std::vector<float> out(200'000);
  fill_uniform(out, trial_key(1, "a"), 0, 0);
  std::array<double, 50> counts{};
  for (const float u : out) ++counts[static_cast<std::size_t>(u * 50)];
  double chi2 = 0;
  for (const double count : counts) chi2 += (count - 4000) * (count - 4000) / 4000;
  EXPECT_LT(chi2, 85.4);  // 49 degrees of freedom, p = .001
  EXPECT_GT(chi2, 23.9);  // p = .999: too regular is no better
}

TEST(FillNormal, IsBoxMullerOfItsWords) {
  const StreamKey key{8, 9};
  std::vector<double> out(5000);
  fill_normal(out, key, 3);
  std::vector<std::uint32_t> words(2 * out.size());
  fill_words(words, key, 3, 0);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double u = (words[2 * i] + 1.0) / 4294967296.0;
    const double turn = words[2 * i + 1] / 4294967296.0;
    const double expected = std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * M_PI * turn);
    ASSERT_NEAR(out[i], expected, 1e-14 * std::max(1.0, std::abs(expected))) << i;
  }
}

TEST(FillNormal, IsNormal) {
  std::vector<double> out(200'000);
  fill_normal(out, trial_key(2, "b"), 0);
  double mean = 0, square = 0, fourth = 0, below = 0;
  for (const double z : out) {
    mean += z;
    square += z * z;
    fourth += z * z * z * z;
    below += z < -1.0;
  }
  const double n = static_cast<double>(out.size());  // each bound is 4 standard errors
  EXPECT_NEAR(mean / n, 0.0, 4 / std::sqrt(n));
  EXPECT_NEAR(square / n, 1.0, 4 * std::sqrt(2 / n));
  EXPECT_NEAR(fourth / n, 3.0, 4 * std::sqrt(96 / n));
  EXPECT_NEAR(below / n, 0.158655, 4 * std::sqrt(.1335 / n));
}

// Written down once: a change of these changes every result that users have.
TEST(FillNormal, KeepsItsBits) {
  std::array<double, 64> out{};
  fill_normal(out, trial_key(1, "actor_01"), 0);
  Sha256 hash;
  for (const double z : out) {
    const auto bits = std::bit_cast<std::uint64_t>(z);
    hash.add(std::string_view(reinterpret_cast<const char*>(&bits), sizeof bits));
  }
  EXPECT_EQ(hash.finish().brief(), "90eb315a5228");
}

// A prefix of a longer fill, so that results do not depend on how many numbers are asked for at
// once.
TEST(Fill, APrefixIsThePrefix) {
  const StreamKey key{10, 11};
  std::vector<double> few(100), many(1500);
  fill_normal(few, key, 1);
  fill_normal(many, key, 1);
  EXPECT_TRUE(std::equal(few.begin(), few.end(), many.begin()));
}

TEST(Keys, DependOnAllThatTheyAreMadeOf) {
  const StreamKey key = trial_key(1, "actor_01");
  EXPECT_EQ(key, trial_key(1, "actor_01"));
  EXPECT_NE(key, trial_key(2, "actor_01"));
  EXPECT_NE(key, trial_key(1, "actor_02"));
  EXPECT_NE(derive(key, "order"), key);
  EXPECT_NE(derive(key, "order"), derive(key, "dropout"));
  EXPECT_NE(derive(key, "order"), derive(trial_key(2, "actor_01"), "order"));
}

TEST(Keys, AreLittleEndianSha256) {
  // size("emosweep trial") "emosweep trial" seed size("x") "x"
  const std::string text = std::string("\x0e\0\0\0\0\0\0\0", 8) + "emosweep trial" +
                           std::string("\x02\1\0\0\0\0\0\0", 8) +
                           std::string("\1\0\0\0\0\0\0\0", 8) + "x";
  const Digest digest = sha256(text);
  StreamKey expected;
  for (int i = 7; i >= 0; --i) {
    expected.a = expected.a << 8 | digest.bytes[static_cast<std::size_t>(i)];
    expected.b = expected.b << 8 | digest.bytes[static_cast<std::size_t>(8 + i)];
  }
  EXPECT_EQ(trial_key(258, "x"), expected);
}

TEST(UniformIndex, StaysBelowNAndReachesAll) {
  for (const std::uint64_t n : {1ull, 2ull, 3ull, 7ull, 100ull}) {
    std::vector<double> counts(n);
    const int draws = 20'000;
    for (int i = 0; i < draws; ++i) {
      const auto value = uniform_index({1, 2}, 3, static_cast<std::uint64_t>(i), n);
      ASSERT_LT(value, n);
      ++counts[value];
    }
    const double expected = draws / static_cast<double>(n);
    for (const double count : counts) EXPECT_NEAR(count, expected, 5 * std::sqrt(expected));
  }
  EXPECT_THROW(uniform_index({1, 2}, 3, 0, 0), Error);
  EXPECT_THROW(uniform_index({1, 2}, 3, std::uint64_t{1} << 56, 10), Error);
}

TEST(Philox, IndicesSideBySideAreThoseOneByOne) {
  // 3 * 2^62: a quarter of the candidates is refused.
  for (const std::uint64_t n : {std::uint64_t{1}, std::uint64_t{5}, std::uint64_t{24},
                                std::uint64_t{1} << 33, std::uint64_t{3} << 62}) {
    for (const std::uint64_t first : {0, 7, 1000}) {
      std::vector<std::uint64_t> indices(700);
      fill_indices(indices, {4, 5}, 6, first, n);
      for (std::size_t i = 0; i < indices.size(); ++i) {
        ASSERT_EQ(indices[i], uniform_index({4, 5}, 6, first + i, n)) << n << " " << i;
      }
    }
  }
  std::vector<std::uint64_t> none;
  fill_indices(none, {1, 2}, 3, 0, 4);
  std::vector<std::uint64_t> one(1);
  EXPECT_THROW(fill_indices(one, {1, 2}, 3, 0, 0), Error);
  EXPECT_THROW(fill_indices(one, {1, 2}, 3, std::uint64_t{1} << 56, 4), Error);
}

// With n = 3/4 of 2^64 a multiplication without rejection gives a third of the values twice as
// often.
TEST(UniformIndex, IsUnbiasedForHugeN) {
  const std::uint64_t n = std::uint64_t{3} << 62;
  std::array<double, 3> residues{};
  for (std::uint64_t i = 0; i < 30'000; ++i) {
    const std::uint64_t value = uniform_index({4, 5}, 0, i, n);
    ASSERT_LT(value, n);
    ++residues[value % 3];
  }
  for (const double count : residues) EXPECT_NEAR(count, 10'000, 4 * std::sqrt(10'000 * 2 / 3.0));
}

TEST(Permutation, HoldsEveryIndexOnce) {
  for (const std::int64_t n : {0, 1, 2, 5, 1000}) {
    auto order = permutation(n, {1, 2}, 3);
    std::sort(order.begin(), order.end());
    for (std::int64_t i = 0; i < n; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
    EXPECT_EQ(order.size(), static_cast<std::size_t>(n));
  }
  EXPECT_THROW(permutation(-1, {1, 2}, 3), Error);
}

TEST(Permutation, SwapsWithUniformIndices) {
  for (const std::size_t n : {2u, 256u, 257u, 700u}) {
    std::vector<std::int64_t> expected(n);
    for (std::size_t i = 0; i < n; ++i) expected[i] = static_cast<std::int64_t>(i);
    for (std::size_t i = n - 1; i > 0; --i) {
      std::swap(expected[i], expected[uniform_index({7, 8}, 9, i, i + 1)]);
    }
    EXPECT_EQ(permutation(static_cast<std::int64_t>(n), {7, 8}, 9), expected);
  }
}

TEST(Permutation, ChangesWithStepAndKey) {
  EXPECT_EQ(permutation(50, {1, 2}, 3), permutation(50, {1, 2}, 3));
  EXPECT_NE(permutation(50, {1, 2}, 3), permutation(50, {1, 2}, 4));
  EXPECT_NE(permutation(50, {1, 2}, 3), permutation(50, {2, 2}, 3));
}

TEST(Permutation, AllOrdersAreEquallyLikely) {
  std::map<std::vector<std::int64_t>, double> counts;
  const int draws = 24'000;
  for (std::uint64_t step = 0; step < draws; ++step) ++counts[permutation(4, {6, 7}, step)];
  EXPECT_EQ(counts.size(), 24u);
  double chi2 = 0;
  for (const auto& [order, count] : counts) chi2 += (count - 1000) * (count - 1000) / 1000;
  EXPECT_LT(chi2, 49.7);  // 23 degrees of freedom, p = .001
}

}  // namespace
}  // namespace emosweep
