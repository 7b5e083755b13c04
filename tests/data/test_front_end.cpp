// Spectrograms, windows and statistics against librosa and NumPy (scripts/make_audio_fixture.py).
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>

#include "base/files.h"
#include "data/audio/front_end.h"
#include "data/audio/statistics.h"
#include "data/audio/window.h"
#include "helpers.h"

namespace emosweep::data {
namespace {

using Json = nlohmann::json;

// The waveform of scripts/make_audio_fixture.py.
std::vector<float> wave(std::int64_t samples, std::int64_t sr) {
  std::vector<float> y;
  std::uint64_t state = 12345;
  for (std::int64_t i = 0; i < samples; ++i) {
    state = (1103515245 * state + 12345) % 2147483648ull;
    const double noise = static_cast<double>(state) / 2147483648.0 - .5;
    const double t = static_cast<double>(i) / static_cast<double>(sr);
    const double pi = std::numbers::pi;
    const double late = t > .2 ? std::sin(2 * pi * 1500 * t) : 0;
    y.push_back(static_cast<float>(.5 * std::sin(2 * pi * (200 * t + 2500 * t * t)) + .2 * late +
                                   .001 * noise));
  }
  return y;
}

double largest_difference(std::span<const float> a, const Json& b) {
  EXPECT_EQ(a.size(), b.size());
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    largest = std::max(largest, std::fabs(a[i] - b[i].get<double>()));
  return largest;
}

class Librosa : public ::testing::Test {
 protected:
  const Json cases = Json::parse(read_text(std::filesystem::path(EMOSWEEP_SOURCE_DIR) /
                                           "tests/fixtures/audio/log_mel.json"))
                         .at("cases");
  static FrontEndOptions options_of(const Json& c) {
    FrontEndOptions o;
    o.sr = c.at("sr");
    o.n_mels = c.at("n_mels");
    o.n_fft = c.at("n_fft");
    o.hop_length = c.at("hop_length");
    o.f_min = c.at("f_min");
    o.f_max = c.at("f_max");
    return o;
  }
};

TEST_F(Librosa, SpectrogramsAreEqual) {
  ASSERT_EQ(cases.size(), 3u);
  for (const Json& c : cases) {
    const FrontEnd front_end(options_of(c));
    const auto mel = front_end.log_mel(wave(c.at("samples"), c.at("sr")));
    EXPECT_LT(largest_difference(mel, c.at("raw")), 1e-4) << c.at("n_fft");
  }
}

TEST_F(Librosa, WindowsAreEqualCroppedOrFollowedBySilence) {
  bool cropped = false, padded = false;
  for (const Json& c : cases) {
    const FrontEndOptions o = options_of(c);
    const auto mel = FrontEnd(o).log_mel(wave(c.at("samples"), o.sr));
    WindowOptions window;
    window.seconds = c.at("seconds");
    const std::int64_t frames = window_frames(window, o.sr, o.hop_length);
    const auto all = static_cast<std::int64_t>(mel.size()) / o.n_mels;
    ASSERT_EQ(frames, c.at("frames").get<std::int64_t>());
    (frames < all ? cropped : padded) = true;
    std::vector<float> out(static_cast<std::size_t>(frames * o.n_mels));
    cut_window(mel, o.n_mels, centre_start(all, frames), frames, window, out);
    EXPECT_LT(largest_difference(out, c.at("window")), 1e-4);
  }
  EXPECT_TRUE(cropped && padded);
}

TEST_F(Librosa, StatisticsAreNumPys) {
  StatisticsOptions statistics;
  statistics.percentiles = {10, 75};
  statistics.deltas = {2};
  for (const Json& c : cases) {
    const FrontEndOptions o = options_of(c);
    const auto mel = FrontEnd(o).log_mel(wave(c.at("samples"), o.sr));
    std::vector<float> out(static_cast<std::size_t>(o.n_mels) * statistic_names(statistics).size());
    make_statistics(mel, o.n_mels, statistics, out);
    EXPECT_LT(largest_difference(out, c.at("statistics")), 2e-4);
  }
}

TEST(FrontEnd, LongRecordingsAreComputedInPartsAlike) {
  FrontEndOptions o;
  o.sr = 8000;
  o.n_mels = 8;
  o.n_fft = 256;
  o.hop_length = 16;  // 1001 frames: several blocks
  const auto y = wave(16000, o.sr);
  const FrontEnd front_end(o);
  const auto whole = front_end.log_mel(y);
  ASSERT_EQ(whole.size(), 8u * 1001u);
  // Frame 800 begins 12,672 samples in; a later start by a multiple of the hop shifts the frames.
  const auto late = front_end.log_mel(std::span(y).subspan(160 * 16));
  for (std::size_t f = 100; f < 700; ++f)
    for (std::size_t m = 0; m < 8; ++m)
      ASSERT_NEAR(late[f * 8 + m], whole[(f + 160) * 8 + m], 1e-5) << f;
}

TEST(FrontEnd, SilenceAndEmptyWaveformsAreTheQuietestValue) {
  const FrontEnd front_end{FrontEndOptions{}};
  for (const float x : front_end.log_mel(std::vector<float>(5000))) ASSERT_EQ(x, kSilentDb);
  EXPECT_EQ(front_end.log_mel({}).size(), 128u);
}

TEST(FrontEnd, SaysWhatIsWrongWithItsOptions) {
  EXPECT_EQ(why_not(FrontEndOptions{}), "");
  const auto with = [](auto change) {
    FrontEndOptions o;
    change(o);
    return why_not(o);
  };
  EXPECT_TRUE(holds(with([](auto& o) { o.sr = 10; }), "sr is 10; it can be 1000 to"));
  EXPECT_TRUE(holds(with([](auto& o) { o.n_fft = 511; }), "even"));
  EXPECT_TRUE(holds(with([](auto& o) { o.f_max = 20000; }), "sr / 2 = 11025"));
  EXPECT_TRUE(holds(with([](auto& o) { o.f_min = 12000; }), "must ascend"));
  EXPECT_TRUE(holds(with([](auto& o) { o.n_fft = 256; }), "would be empty"));
  EXPECT_TRUE(holds(with([](auto& o) { o.hop_length = 0; }), "hop_length"));
}

TEST(Window, EqualCellsBecomeZeroAndTheLoudestIsTheLevel) {
  WindowOptions o;
  std::vector<float> out(2 * 5);
  cut_window(std::vector<float>(2 * 5, -40.f), 2, 0, 5, o, out);
  for (const float x : out) EXPECT_EQ(x, 0);
  o.standardise = false;
  o.top_db = 30;
  const std::vector<float> clip{-10, -20, -30, -90};  // two frames of two bands
  cut_window(clip, 2, 0, 5, o, out);
  const std::vector<float> expected{0, -20, -30, -30, -30, -10, -30, -30, -30, -30};
  EXPECT_EQ(out, expected);
}

TEST(Statistics, ADeltaBeyondTheRecordingIsZeroAndColumnsAreNamed) {
  StatisticsOptions o;
  o.percentiles = {50};
  o.deltas = {1, 3};
  EXPECT_EQ(statistic_names(o),
            (std::vector<std::string>{"mean", "sd", "p50", "delta1_sd", "delta1_size", "delta3_sd",
                                      "delta3_size"}));
  std::vector<float> out(7);
  make_statistics(std::vector<float>{1, 2, 6}, 1, o, out);
  EXPECT_EQ(out[0], 3);
  EXPECT_NEAR(out[1], std::sqrt(14.0 / 3), 1e-6);
  EXPECT_EQ(out[2], 2);
  EXPECT_NEAR(out[3], 1.5, 1e-6);
  EXPECT_NEAR(out[4], 2.5, 1e-6);
  EXPECT_EQ(out[5], 0);
  EXPECT_EQ(out[6], 0);
}

}  // namespace
}  // namespace emosweep::data
