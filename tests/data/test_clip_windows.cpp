// Which windows a recording is cut into, and what they hold, against loops over the store.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "data/audio/clip_images.h"
#include "data/audio/clip_windows.h"
#include "data/window_images.h"
#include "helpers.h"

namespace emosweep::data {
namespace {

constexpr std::int64_t kBands = 3, kWindow = 16;  // frames: 1.5 s of 0.1 s each, and one

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

float cell(std::int64_t clip, std::int64_t frame, std::int64_t band) {
  return static_cast<float>(-((frame * frame + 7 * frame + 13 * band + 5 * clip) % 41)) / 2 -
         static_cast<float>(band);
}

// Four recordings of 9, 16, 20 and 61 frames (the last cut at 6 s of 9); row 4 has none, row 5 is
// recording 3 again. Rows 0 to 2 are of speaker x, the others of y.
struct Recorded {
  static constexpr std::int64_t kFrames[] = {9, 16, 20, 61};
  Folder folder;
  Dataset dataset;

  Recorded() {
    Column speaker{"speaker", {}};
    Modality modality{"wave", "audio", {}, 0, {}, {}};
    auto clips = std::make_shared<Clips>();
    clips->options.front_end.n_mels = kBands;
    clips->options.front_end.sr = 1000;
    clips->options.front_end.hop_length = 100;
    clips->options.window = {1.5, 200, false};
    clips->options.policy.max_seconds = 6;
    const auto file = folder.path / "clips.mel";
    ClipStore::write(file, sha256("key"), kBands, 4, [](std::int64_t clip) {
      ClipRows rows;
      const double seconds[] = {.85, 1.5, 1.95, 9};
      rows.info.seconds = seconds[clip];
      rows.info.cut = clip == 3;
      for (std::int64_t f = 0; f < kFrames[clip]; ++f)
        for (std::int64_t b = 0; b < kBands; ++b) rows.values.push_back(cell(clip, f, b));
      return rows;
    });
    std::string why;
    clips->store = ClipStore::open(file, sha256("key"), why);
    clips->clip = {0, 1, 2, 3, -1, 3};
    for (std::int32_t row = 0; row < 6; ++row) {
      dataset.label.push_back(0);
      dataset.row.push_back(row);
      dataset.id.push_back(std::to_string(row));
      speaker.values.push_back(row < 3 ? "x" : "y");
      modality.present.push_back(row != 4);
    }
    modality.clips = clips;
    dataset.modalities = {modality};
    dataset.groups = {speaker};
  }
  const Clips& clips() const { return *dataset.modalities[0].clips; }
  std::vector<ClipWindow> windows(double seconds, std::vector<std::int32_t> rows) const {
    return windows_of(clips(), rows, seconds);
  }
  // [bands, frames] from a frame on, below the loudest of its cells; nothing else is done to it.
  std::vector<float> levelled(std::int64_t clip, std::int64_t start) const {
    float loudest = -1000;
    for (std::int64_t f = start; f < std::min(start + kWindow, kFrames[clip]); ++f)
      for (std::int64_t b = 0; b < kBands; ++b) loudest = std::max(loudest, cell(clip, f, b));
    std::vector<float> image;
    for (std::int64_t b = 0; b < kBands; ++b)
      for (std::int64_t f = start; f < start + kWindow; ++f)
        image.push_back(f < kFrames[clip] ? cell(clip, f, b) - loudest
                                          : std::max(-200.f, -100.f - loudest));
    return image;
  }
};

TEST(ClipWindows, BeginInEqualStepsAndEndWithTheRecording) {
  using Starts = std::vector<std::int64_t>;
  EXPECT_EQ(window_starts(10, 4, 2), (Starts{0, 2, 4, 6}));
  EXPECT_EQ(window_starts(11, 4, 2), (Starts{0, 2, 4, 6, 7}));
  EXPECT_EQ(window_starts(5, 4, 2), (Starts{0, 1}));
  EXPECT_EQ(window_starts(4, 4, 2), (Starts{0}));
  EXPECT_EQ(window_starts(1, 4, 2), (Starts{0}));
  EXPECT_EQ(window_starts(14, 4, 2.5), (Starts{0, 3, 5, 8, 10}));
  EXPECT_EQ(window_starts(30, 4, 20), (Starts{0, 20, 26}));  // gaps between windows are allowed
  EXPECT_EQ(window_starts(30, 4, 1e15), (Starts{0, 26}));
  for (const double hop : {1.0, 1.3, 3.999, 7.25}) {  // no step is rounded onto another
    const Starts starts = window_starts(1000, 10, hop);
    EXPECT_EQ(std::set<std::int64_t>(starts.begin(), starts.end()).size(), starts.size());
    EXPECT_EQ(starts.size(), static_cast<std::size_t>(std::ceil((990 - .5) / hop)) + 1) << hop;
    for (std::size_t k = 0; k + 1 < starts.size(); ++k)
      EXPECT_LE(std::fabs(static_cast<double>(starts[k]) - static_cast<double>(k) * hop), .5);
    EXPECT_EQ(starts.back(), 990);
  }
}

TEST(ClipWindows, SecondsAreThoseOfTheRecording) {
  const Recorded recorded;
  const auto windows = recorded.windows(.2, {2, 0, 4, 1});
  ASSERT_EQ(windows.size(), 5u);
  const double starts[] = {0, .2, .4, 0, 0}, ends[] = {1.5, 1.7, 1.95, .85, 1.5};
  const std::int32_t rows[] = {2, 2, 2, 0, 1};
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(windows[i].row, rows[i]);
    EXPECT_EQ(windows[i].start, starts[i]);
    EXPECT_EQ(windows[i].end, ends[i]);
  }
  // A recording of which only the beginning is used ends there.
  const auto cut = recorded.windows(2, {3});
  ASSERT_EQ(cut.size(), 4u);
  EXPECT_EQ(cut[1].start, 2);
  EXPECT_EQ(cut[1].end, 3.5);
  EXPECT_EQ(cut[3].start, 4.5);
  EXPECT_EQ(cut[3].end, 6);
  EXPECT_EQ(recorded.windows(1e300, {3}).size(), 2u);
  EXPECT_EQ(recorded.windows(.1, {3}).size(), 46u);  // a frame is the shortest step
}

TEST(ClipWindows, ModelsTakeRecordingsOfOtherLengthsButNoOtherWindows) {
  AudioOptions options;
  const auto names = band_names(options);
  options.policy.max_seconds = 3600;
  options.policy.too_long = ClipAction::keep;
  EXPECT_EQ(band_names(options), names);
  options.window.seconds = 2;
  EXPECT_NE(band_names(options), names);
  options = {};
  options.front_end.hop_length = 256;
  EXPECT_NE(band_names(options), names);
}

TEST(ClipWindows, ImpossibleStepsAreRefused) {
  const Recorded recorded;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double seconds : {0.0, -1.0, nan, -nan, std::numeric_limits<double>::infinity()})
    EXPECT_TRUE(holds(error_of([&] { recorded.windows(seconds, {3}); }), "a number above 0"));
  EXPECT_TRUE(holds(error_of([&] { recorded.windows(.099, {3}); }), "a frame every 0.1 seconds"));
}

TEST(ClipWindows, HoldTheirFramesScaledByTheirSubject) {
  const Recorded recorded;
  const PrepareOptions options{{"wave"}, Normalise::group, "speaker"};
  const WindowImages images(recorded.dataset, recorded.dataset.modalities[0], {}, options);
  // Speaker y's bands: the middle windows of rows 3 and 5, which are equal.
  const std::vector<float> middle = recorded.levelled(3, (61 - kWindow) / 2);
  const auto windows = recorded.windows(.7, {3});
  ASSERT_EQ(windows.size(), 8u);
  for (const ClipWindow& window : windows) {
    std::vector<float> image(at(kBands * kWindow));
    images.write(window, image);
    const std::vector<float> own = recorded.levelled(3, window.frame);
    for (std::int64_t b = 0; b < kBands; ++b) {
      double mean = 0, square = 0;
      for (std::int64_t f = 0; f < kWindow; ++f) mean += middle[at(b * kWindow + f)] / 16.0;
      for (std::int64_t f = 0; f < kWindow; ++f)
        square += std::pow(middle[at(b * kWindow + f)] - mean, 2) / 16.0;
      for (std::int64_t f = 0; f < kWindow; ++f) {
        const std::size_t i = at(b * kWindow + f);
        EXPECT_NEAR(image[i], (own[i] - mean) / std::sqrt(square), 1e-4) << window.start;
      }
    }
  }
}

TEST(ClipWindows, MiddleWindowsAreThoseOfEvaluationBitForBit) {
  const Recorded recorded;
  const Modality& wave = recorded.dataset.modalities[0];
  for (const auto normalise : {Normalise::train, Normalise::group, Normalise::none}) {
    const PrepareOptions options{{"wave"}, normalise, "speaker"};
    const auto images = std::make_shared<ClipImages>(recorded.dataset, wave,
                                                     std::vector<std::int32_t>{0, 3}, options);
    const FoldTensors fold = make_fold_images(recorded.dataset, images, at::kDouble);
    const FoldTensors* folds[] = {&fold};
    const std::vector<std::int64_t> order[] = {{1, 3, 0}};
    const Batch plain = gather_batch(folds, order, 0, 3, {}, 8);
    const WindowImages own(recorded.dataset, wave, images->fitted(), options);
    const std::vector<ClipWindow> middle{{1, 0, 0, 0}, {3, (61 - kWindow) / 2, 0, 0}, {0, 0, 0, 0}};
    const Batch batch = own.batch(middle, 8, at::kDouble);
    EXPECT_TRUE(at::equal(batch.inputs[0].x, plain.inputs[0].x));
    EXPECT_TRUE(at::equal(batch.weight.to(at::kDouble), plain.weight.to(at::kDouble)));
    EXPECT_TRUE(at::equal(batch.position, plain.position));
    EXPECT_TRUE(at::equal(batch.sample.narrow(1, 0, 3), plain.sample.narrow(1, 0, 3)));
    const std::vector<ClipWindow> others = recorded.windows(1, {3});
    EXPECT_FALSE(at::equal(batch.inputs[0].x, own.batch(others, 8, at::kDouble).inputs[0].x));
  }
  // Several windows of an evaluation: from the recording's start to its end.
  const PrepareOptions options{{"wave"}, Normalise::none, "", {}, 128, 4};
  const auto images =
      std::make_shared<ClipImages>(recorded.dataset, wave, std::vector<std::int32_t>{0}, options);
  const FoldTensors fold = make_fold_images(recorded.dataset, images, at::kFloat);
  const FoldTensors* folds[] = {&fold};
  const std::vector<std::int64_t> order[] = {{3}};
  Batch batch = gather_batch(folds, order, 0, 1);
  EXPECT_TRUE(batch.views.empty());
  add_views(batch, fold);
  ASSERT_EQ(batch.views.size(), 3u);
  const WindowImages own(recorded.dataset, wave, {}, options);
  for (std::int64_t number = 0; number < 4; ++number) {
    const ClipWindow window{3, (61 - kWindow) * number / 3, 0, 0};
    const at::Tensor& x =
        number == 2 ? batch.inputs[0].x : batch.views[at(number == 3 ? 2 : number)][0].x;
    EXPECT_TRUE(at::equal(x, own.batch({&window, 1}, 1, at::kFloat).inputs[0].x)) << number;
  }
  EXPECT_TRUE(holds(error_of([&] {
                      WindowImages(recorded.dataset, wave, {}, {{"wave"}, Normalise::group, "who"});
                    }),
                    "none called 'who'"));
}

}  // namespace
}  // namespace emosweep::data
