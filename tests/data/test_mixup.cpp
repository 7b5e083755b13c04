// Mixup, gain and noise: their distributions, and that every draw follows from its place alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "data/audio/front_end.h"
#include "data/audio/level.h"
#include "data/audio/mixup.h"
#include "data/audio/window.h"

namespace emosweep::data {
namespace {

const StreamKey kKey = trial_key(1, "augment");

std::vector<double> shares(double alpha, std::int64_t n) {
  std::vector<double> found;
  for (std::int64_t i = 0; i < n; ++i) found.push_back(draw_mix(kKey, 0, i, alpha, 0, n).share);
  return found;
}

// Of max(B, 1 - B), B ~ Beta(a, a): the second moment about 1/2 is Beta's variance 1 / (4 (2a +
// 1)).
TEST(Mixup, SharesAreOfABeta) {
  for (const double alpha : {.05, .2, 1.0, 4.0}) {
    const std::int64_t n = 40000;
    double square = 0, low = 1;
    for (const double share : shares(alpha, n)) {
      ASSERT_GE(share, .5);
      ASSERT_LE(share, 1);
      square += (share - .5) * (share - .5);
      low = std::min(low, share);
    }
    const double expected = 1 / (4 * (2 * alpha + 1));
    EXPECT_NEAR(square / static_cast<double>(n), expected, .02 * expected) << alpha;
    EXPECT_LT(low, .51) << alpha;
  }
  // Beta(1, 1) is uniform, so the share is uniform over [.5, 1].
  std::vector<double> flat = shares(1, 20000);
  std::sort(flat.begin(), flat.end());
  for (std::size_t i = 0; i < flat.size(); ++i)
    ASSERT_NEAR(flat[i], .5 + .5 * (static_cast<double>(i) + .5) / 20000.0, .008) << i;
}

TEST(Mixup, PartnersAreOfTheSameBatchAndAllAlike) {
  std::vector<int> count(16);
  for (std::int64_t epoch = 0; epoch < 500; ++epoch)
    for (std::int64_t position = 32; position < 48; ++position) {
      const Mix mix = draw_mix(kKey, epoch, position, .2, 32, 48);
      ASSERT_GE(mix.partner, 32);
      ASSERT_LT(mix.partner, 48);
      ++count[static_cast<std::size_t>(mix.partner - 32)];
    }
  for (const int c : count) EXPECT_NEAR(c, 500, 5 * std::sqrt(500.0));
  EXPECT_EQ(draw_mix(kKey, 3, 40, 0, 32, 48).partner, 40);
  EXPECT_EQ(draw_mix(kKey, 3, 40, 0, 32, 48).share, 1);
}

TEST(Mixup, ADrawIsAFunctionOfItsPlace) {
  const Mix one = draw_mix(kKey, 7, 40, .2, 32, 48), again = draw_mix(kKey, 7, 40, .2, 32, 48);
  EXPECT_EQ(one.partner, again.partner);
  EXPECT_EQ(one.share, again.share);
  EXPECT_NE(draw_mix(kKey, 8, 40, .2, 32, 48).share, one.share);
  EXPECT_NE(draw_mix(kKey, 7, 41, .2, 32, 48).share, one.share);
  EXPECT_NE(draw_mix(trial_key(2, "augment"), 7, 40, .2, 32, 48).share, one.share);
}

TEST(Level, NoiseHasItsPowerAndLoudCellsStay) {
  std::vector<float> clip(20000, kSilentDb);
  clip[0] = 0;
  add_noise(kKey, 0, 5, 79.999, clip);  // to 80: nearly one level
  EXPECT_NEAR(clip[0], 0, 1e-4);
  double power = 0, square = 0;
  for (std::size_t i = 1; i < clip.size(); ++i) {
    const double p = std::pow(10, clip[i] / 10.0) / 1e-8;  // 80 dB below the loudest
    power += p;
    square += p * p;
  }
  const double n = static_cast<double>(clip.size() - 1);
  EXPECT_NEAR(power / n, 1.01, .03);  // 1 of noise and 0.01 of what was there
  // Exponential: its variance is the square of its mean.
  EXPECT_NEAR(square / n - power * power / n / n, 1, .1);
  std::vector<float> as_it_is{0, -50};
  add_noise(kKey, 0, 5, 0, as_it_is);
  EXPECT_EQ(as_it_is, (std::vector<float>{0, -50}));
}

TEST(Level, GainIsWithinItsBoundsAndSilenceStays) {
  double least = 9, most = -9;
  for (std::int64_t i = 0; i < 5000; ++i) {
    std::vector<float> clip{-20, kSilentDb};
    change_gain(kKey, 0, i, 6, clip);
    ASSERT_GE(clip[1], kSilentDb);
    least = std::min<double>(least, clip[0] + 20);
    most = std::max<double>(most, clip[0] + 20);
  }
  EXPECT_NEAR(least, -6, .02);
  EXPECT_NEAR(most, 6, .02);
}

// A shift begins a window before the recording or lets it end behind it.
TEST(Window, MayBeginBeforeTheRecordingAndEndBehindIt) {
  WindowOptions o;
  o.standardise = false;
  o.top_db = 30;
  const std::vector<float> clip{-10, -20, -30, -40};  // four frames of one band
  std::vector<float> out(4);
  cut_window(clip, 1, -2, 4, o, out);
  EXPECT_EQ(out, (std::vector<float>{-30, -30, 0, -10}));
  cut_window(clip, 1, 2, 4, o, out);
  EXPECT_EQ(out, (std::vector<float>{0, -10, -30, -30}));
  cut_window(clip, 1, 9, 4, o, out);  // nothing of it: silence
  EXPECT_EQ(out, (std::vector<float>{0, 0, 0, 0}));
}

}  // namespace
}  // namespace emosweep::data
