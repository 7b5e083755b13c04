// Warped spectrograms against tones of other frequencies, ramps, and the published formula.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>

#include "data/audio/front_end.h"
#include "data/audio/warp.h"

namespace emosweep::data {
namespace {

FrontEndOptions front_end() {
  FrontEndOptions options;
  options.sr = 16000;
  options.n_mels = 64;
  return options;
}

// A log-mel frame in the middle of a tone.
std::vector<float> frame_of_tone(double hz) {
  const FrontEndOptions options = front_end();
  std::vector<float> wave(4096);
  for (std::size_t i = 0; i < wave.size(); ++i)
    wave[i] =
        static_cast<float>(std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) / 16000.0));
  const std::vector<float> all = FrontEnd(options).log_mel(wave);
  return {all.begin() + 4 * options.n_mels, all.begin() + 5 * options.n_mels};
}

std::int64_t loudest(const std::vector<float>& frame) {
  return std::max_element(frame.begin(), frame.end()) - frame.begin();
}

std::vector<float> warped(const std::vector<float>& frame, double alpha) {
  std::vector<float> out(frame.size());
  cut_warped(frame, 64, 0, 1, warped_bands(front_end(), alpha), out);
  return out;
}

// By hand from the formula, S = 8000, F = 4800.
double warped_hz(double hz, double alpha) {
  const double top = 4800 * std::min(alpha, 1.0), knee = top / alpha;
  if (hz <= knee) return alpha * hz;
  return 8000 - (8000 - top) / (8000 - knee) * (8000 - hz);
}

TEST(Warp, BandsCentresAreWhereTonesAreLoudest) {
  for (std::int64_t band = 10; band < 64; band += 7) {
    const double hz = centre_hz(front_end(), static_cast<double>(band));
    EXPECT_EQ(loudest(frame_of_tone(hz)), band) << hz;
    EXPECT_NEAR(band_of(front_end(), hz), static_cast<double>(band), 1e-9);
  }
}

TEST(Warp, AToneBecomesTheToneOfTheOtherFrequency) {
  for (const double alpha : {.8, .9, 1.05, 1.2}) {
    for (const double hz : {700.0, 1500.0, 3300.0, 4500.0, 5500.0, 6800.0}) {
      const double other = warped_hz(hz, alpha);
      EXPECT_NEAR(static_cast<double>(loudest(warped(frame_of_tone(hz), alpha))),
                  static_cast<double>(loudest(frame_of_tone(other))), 1)
          << hz << " Hz, alpha " << alpha << ": " << other << " Hz";
    }
  }
}

TEST(Warp, OfOneChangesNothing) {
  const std::vector<float> frame = frame_of_tone(900);
  EXPECT_EQ(warped(frame, 1), frame);
  const auto ends = warped_bands(front_end(), 1.3);
  EXPECT_TRUE(std::is_sorted(ends.begin(), ends.end()));
  EXPECT_GE(ends.front(), 0);
  EXPECT_LE(ends.back(), 63);
}

// Frame t of the clip is 10 t in band 0 and 10 t + 4 in band 1.
TEST(Warp, TempoPassesTheFramesFasterAndIsSilentOutside) {
  std::vector<float> clip;
  for (int t = 0; t < 8; ++t)
    clip.insert(clip.end(), {10.0f * static_cast<float>(t), 10.0f * static_cast<float>(t) + 4});
  const std::vector<double> bands{0, .5};
  std::vector<float> out(12);
  cut_warped(clip, 2, 1, 1.5, bands, out);
  for (int t = 0; t < 4; ++t) {
    EXPECT_FLOAT_EQ(out[static_cast<std::size_t>(2 * t)], 10 * (1 + 1.5f * static_cast<float>(t)))
        << t;
    EXPECT_FLOAT_EQ(out[static_cast<std::size_t>(2 * t + 1)],
                    10 * (1 + 1.5f * static_cast<float>(t)) + 2)
        << t;
  }
  EXPECT_FLOAT_EQ(out[8], 70);          // frame 7, the last one
  EXPECT_FLOAT_EQ(out[10], kSilentDb);  // frame 8.5
  cut_warped(clip, 2, -2, 1, bands, out);
  EXPECT_FLOAT_EQ(out[0], kSilentDb);
  EXPECT_FLOAT_EQ(out[3], kSilentDb);
  EXPECT_FLOAT_EQ(out[4], 0);
  EXPECT_EQ(source_frames(6, 1), 6);
  EXPECT_EQ(source_frames(6, 1.1), 7);
  EXPECT_EQ(source_frames(6, .9), 6);
}

TEST(Warp, IsDrawnByPlaceWithinItsBounds) {
  AugmentOptions options;
  options.vtlp = .1;
  options.time_stretch = .2;
  const StreamKey key = derive(trial_key(1, "fold"), "augment");
  double sum = 0, least = 2, most = 0, slowest = 2, fastest = 0;
  std::set<double> seen;
  for (std::int64_t position = 0; position < 1000; ++position) {
    const Warp warp = draw_warp(options, {key, 3, position});
    EXPECT_EQ(warp.frequency, draw_warp(options, {key, 3, position}).frequency);
    EXPECT_GE(warp.tempo, .8);
    EXPECT_LE(warp.tempo, 1.2);
    slowest = std::min(slowest, warp.tempo);
    fastest = std::max(fastest, warp.tempo);
    seen.insert(warp.frequency);
    sum += warp.frequency;
    least = std::min(least, warp.frequency);
    most = std::max(most, warp.frequency);
  }
  EXPECT_EQ(seen.size(), 1000u);
  EXPECT_NEAR(sum / 1000, 1, .01);  // 5 standard errors of a uniform number's mean
  EXPECT_GE(least, .9);
  EXPECT_LT(least, .905);
  EXPECT_LE(most, 1.1);
  EXPECT_GT(most, 1.095);
  EXPECT_LT(slowest, .81);
  EXPECT_GT(fastest, 1.19);
  EXPECT_TRUE(draw_warp({}, {key, 3, 0}).none());
}

}  // namespace
}  // namespace emosweep::data
