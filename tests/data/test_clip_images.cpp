#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "data/audio/augment.h"
#include "data/audio/front_end.h"
#include "data/audio/mixup.h"
#include "data/batch.h"
#include "recordings.h"

namespace emosweep::data {
namespace {

constexpr std::int64_t kBands = 4;

// Six recordings of two speakers, 20 to 25 frames of 4 bands; row 4 has none.
struct Recorded {
  Folder folder;
  Dataset dataset;

  Recorded() {
    dataset.name = "tones";
    dataset.target.classes = {"a", "b"};
    Spectrograms made;
    made.bands = kBands;
    made.frames = [](std::int64_t clip) { return 20 + clip; };
    made.decibels = [](std::int64_t clip, std::int64_t f, std::int64_t b) {
      return static_cast<float>(-10 * b - f - 5 * clip);
    };
    dataset.modalities = {recordings(folder, made, {0, 1, 2, 3, -1, 4})};
    Column speaker{"speaker", {}};
    for (std::int32_t row = 0; row < 6; ++row) {
      dataset.label.push_back(row % 2);
      dataset.row.push_back(row);
      dataset.id.push_back(std::to_string(row));
      speaker.values.push_back(row < 3 ? "x" : "y");
    }
    dataset.groups = {speaker};
  }
  ClipImages images(Normalise normalise, std::vector<std::int32_t> train = {0, 1, 2}) const {
    return ClipImages(dataset, dataset.modalities[0], train, {{"wave"}, normalise, "speaker"});
  }
};

std::vector<float> image_of(const ClipImages& images, std::int64_t row) {
  std::vector<float> image(static_cast<std::size_t>(images.bands() * images.frames()), 99);
  images.write(row, 0, image);
  return image;
}

TEST(ClipImages, MiddleWindowsByBandAndFrame) {
  const Recorded recorded;
  const ClipImages images = recorded.images(Normalise::none);
  EXPECT_EQ(images.frames(), 16);
  EXPECT_EQ(images.rows(), 6);
  // Recording 2 has 22 frames: the window begins at frame 3, its loudest cell is band 0 there.
  const auto image = image_of(images, 2);
  for (std::int64_t b = 0; b < kBands; ++b) {
    for (std::int64_t f = 0; f < 16; ++f) {
      EXPECT_EQ(image[static_cast<std::size_t>(b * 16 + f)], static_cast<float>(-10 * b - f));
    }
  }
  EXPECT_EQ(image_of(images, 4), std::vector<float>(64, 0));  // no recording
}

TEST(ClipImages, ScalesBandsByTrainingRowsOrByEachSubject) {
  const Recorded recorded;
  const ClipImages train = recorded.images(Normalise::train, {0, 1, 2});
  for (std::int64_t b = 0; b < kBands; ++b) {
    // Every window holds 0, -1, ..., -15 below its band's level.
    EXPECT_NEAR(train.fitted().mean[static_cast<std::size_t>(b)], -10.0 * b - 7.5, 1e-4);
    EXPECT_NEAR(1 / train.fitted().scale[static_cast<std::size_t>(b)], std::sqrt(255.0 / 12), 1e-4);
  }
  const ClipImages group = recorded.images(Normalise::group, {});
  for (const std::int64_t row : {0, 3, 5}) {
    const auto image = image_of(group, row);
    double sum = 0, square = 0;
    for (const float x : image) {
      sum += x;
      square += static_cast<double>(x) * x;
    }
    EXPECT_NEAR(sum / 64, 0, 1e-5);
    EXPECT_NEAR(square / 64, 1, 1e-4);
  }
  // A saved fit gives the same images.
  const ClipImages again(recorded.dataset, recorded.dataset.modalities[0], train.fitted(),
                         {{"wave"}, Normalise::train, ""});
  EXPECT_EQ(image_of(again, 5), image_of(train, 5));
}

TEST(Augment, IsAFunctionOfKeyEpochAndPosition) {
  const StreamKey key = derive(trial_key(1, "fold"), "augment");
  const AugmentOptions options;
  std::map<std::int64_t, int> starts;
  for (std::int64_t position = 0; position < 2000; ++position) {
    const std::int64_t start = crop_start(20, 16, 0, options, {key, 0, position});
    EXPECT_EQ(start, crop_start(20, 16, 0, options, {key, 0, position}));
    ++starts[start];
  }
  ASSERT_EQ(starts.size(), 5u);  // 0 to 4, equally often
  for (const auto& [start, n] : starts) EXPECT_NEAR(n, 400, 80) << start;
  EXPECT_EQ(crop_start(10, 16, 0, options, {key, 0, 1}), 0);
  AugmentOptions middle;
  middle.random_crop = false;
  EXPECT_EQ(crop_start(20, 16, 0, middle, {key, 0, 1}), 2);
  std::set<std::int64_t> shifted;
  for (std::int64_t position = 0; position < 500; ++position)
    shifted.insert(crop_start(20, 16, 3, middle, {key, 0, position}));
  EXPECT_EQ(shifted, (std::set<std::int64_t>{-1, 0, 1, 2, 3, 4, 5}));
}

TEST(Augment, MasksWholeBandsAndFramesNoWiderThanAsked) {
  const StreamKey key = derive(trial_key(1, "fold"), "augment");
  AugmentOptions options;
  options.specaug_freq = 3;
  options.specaug_time = 5;
  constexpr std::int64_t kRows = 12, kFrames = 30;
  std::set<std::vector<float>> seen;
  double masked = 0;
  for (std::int64_t position = 0; position < 300; ++position) {
    std::vector<float> image(kRows * kFrames);
    for (std::size_t i = 0; i < image.size(); ++i) image[i] = static_cast<float>(i);
    const float mean = static_cast<float>(image.size() - 1) / 2;
    mask_bands_and_frames(image, kRows, kFrames, options, {key, 2, position});
    const auto hidden = [&](std::int64_t b, std::int64_t f) {
      return image[static_cast<std::size_t>(b * kFrames + f)] == mean;
    };
    std::int64_t bands = 0, frames = 0, cells = 0;
    for (std::int64_t b = 0; b < kRows; ++b) {
      bool all = true;
      for (std::int64_t f = 0; f < kFrames; ++f) all = all && hidden(b, f);
      bands += all;
    }
    for (std::int64_t f = 0; f < kFrames; ++f) {
      bool all = true;
      for (std::int64_t b = 0; b < kRows; ++b) all = all && hidden(b, f);
      frames += all;
    }
    for (const float x : image) cells += x == mean;
    EXPECT_LE(bands, 6);
    EXPECT_LE(frames, 10);
    EXPECT_EQ(cells, bands * kFrames + frames * kRows - bands * frames);
    masked += static_cast<double>(cells) / static_cast<double>(image.size());
    seen.insert(image);
  }
  EXPECT_GT(seen.size(), 250u);
  // Two masks of a mean width of 1.5 of 12 bands and of 2.5 of 30 frames, seldom overlapping.
  EXPECT_NEAR(masked / 300, 1 - (1 - 0.235) * (1 - 0.16), 0.03);
  std::vector<float> image(kRows * kFrames, 1);
  image[0] = 2;
  const auto before = image;
  options.specaug_freq = options.specaug_time = 0;
  mask_bands_and_frames(image, kRows, kFrames, options, {key, 0, 0});
  EXPECT_EQ(image, before);
}

TEST(Batch, OfImagesIsTheSameForAnyNumberOfRanks) {
  const Recorded recorded;
  const auto images = std::make_shared<ClipImages>(recorded.images(Normalise::none));
  const FoldTensors fold = make_fold_images(recorded.dataset, images, at::kFloat);
  const FoldTensors* folds[] = {&fold};
  const std::vector<std::int64_t> order[] = {{5, 2, 2, 0, 3}};
  const Augmented augmented{{}, derive(trial_key(1, "fold"), "augment"), 3};
  const Batch whole = gather_batch(folds, order, 0, 5, {}, 1, &augmented);
  EXPECT_FALSE(at::equal(whole.inputs[0].x[0][1], whole.inputs[0].x[0][2]))
      << "a clip that is drawn twice gets two augmentations";
  for (int rank = 0; rank < 2; ++rank) {
    const Batch part = gather_batch(folds, order, 0, 5, {rank, 2}, 1, &augmented);
    for (std::int64_t i = 0; i < 3 && rank * 3 + i < 5; ++i) {
      EXPECT_TRUE(at::equal(part.inputs[0].x[0][i], whole.inputs[0].x[0][rank * 3 + i]));
    }
  }
  const Batch plain = gather_batch(folds, order, 0, 5);
  EXPECT_TRUE(at::equal(plain.inputs[0].x[0][1], plain.inputs[0].x[0][2]));
  ASSERT_TRUE(plain.inputs[0].present.defined() && plain.inputs[0].present.all().item<bool>());
}

// Windows of training, changed in every way.
AugmentOptions everything() {
  AugmentOptions options;
  options.specaug_freq = 2;
  options.specaug_time = 3;
  options.time_shift = .4;
  options.gain_db = 6;
  options.noise_db = 20;
  options.mixup = .5;
  options.vtlp = .1;
  options.time_stretch = .2;
  return options;
}

TEST(Batch, MixesImagesAndTargetsByPositionOnAnyNumberOfRanks) {
  const Recorded recorded;
  const auto images = std::make_shared<ClipImages>(recorded.images(Normalise::none));
  const FoldTensors fold = make_fold_images(recorded.dataset, images, at::kFloat);
  const FoldTensors* folds[] = {&fold};
  const std::vector<std::int64_t> order[] = {{5, 2, 2, 0, 3, 4, 1, 0}};  // row 4 has no recording
  const StreamKey key = derive(trial_key(1, "fold"), "augment");
  const Augmented mixing{everything(), key, 3, 2};
  Augmented alone = mixing;
  alone.options.mixup = 0;
  std::int64_t mixed = 0;
  for (std::int64_t step = 0; step < 2; ++step) {
    const Batch whole = gather_batch(folds, order, step, 6, {}, 1, &mixing);
    const at::Tensor targets = whole.targets[0].value, x = whole.inputs[0].x[0];
    ASSERT_EQ(targets.sizes(), (at::IntArrayRef{1, 6, 2}));
    const std::int64_t begin = 6 * step, end = std::min<std::int64_t>(8, begin + 6);
    // The other sample of a pair is any of the batch: all of them, unmixed.
    const at::Tensor plain = gather_batch(folds, order, step, 6, {}, 1, &alone).inputs[0].x[0];
    for (std::int64_t position = begin; position < end; ++position) {
      const auto row = [&](std::int64_t p) { return order[0][static_cast<std::size_t>(p)]; };
      Mix mix = draw_mix(key, 3, position, .5, begin, end);
      if (row(position) == 4 || row(mix.partner) == 4) mix = {position, 1};
      mixed += mix.partner != position;
      const at::Tensor wanted =
          mix.share * plain[position - begin] + (1 - mix.share) * plain[mix.partner - begin];
      EXPECT_LT((x[position - begin] - wanted).abs().max().item<double>(), 1e-4) << position;
      double shares[2] = {0, 0};
      shares[row(position) % 2] += mix.share;
      shares[row(mix.partner) % 2] += 1 - mix.share;
      for (std::int64_t c = 0; c < 2; ++c)
        EXPECT_NEAR(targets[0][position - begin][c].item<double>(), shares[c], 1e-12);
    }
    for (int rank = 0; rank < 3; ++rank) {
      const Batch part = gather_batch(folds, order, step, 6, {rank, 3}, 1, &mixing);
      EXPECT_TRUE(at::equal(part.inputs[0].x[0], x.narrow(0, 2 * rank, 2)));
      EXPECT_TRUE(at::equal(part.targets[0].value[0], targets[0].narrow(0, 2 * rank, 2)));
    }
  }
  EXPECT_GE(mixed, 3);
}

// 20 to 25 frames, of which a window passes 13 to 20; it begins up to 9 frames before them.
TEST(ClipImages, VoiceAndTempoAreThoseDrawnForThePlace) {
  const Recorded recorded;
  const Modality& wave = recorded.dataset.modalities[0];
  const AudioOptions& audio = wave.clips->options;
  const ClipImages images = recorded.images(Normalise::none);
  AugmentOptions options;
  options.specaug_freq = options.specaug_time = 0;
  options.vtlp = .3;
  options.time_stretch = .2;
  options.time_shift = .9;
  const std::int64_t shift = std::llround(.9 * static_cast<double>(audio.front_end.sr) /
                                          static_cast<double>(audio.front_end.hop_length));
  bool before = false;
  for (std::int64_t position = 0; position < 50; ++position) {
    const AugmentPlace place{derive(trial_key(1, "fold"), "augment"), 2, position};
    const Warp warp = draw_warp(options, place);
    const std::int64_t start = crop_start(22, source_frames(16, warp.tempo), shift, options, place);
    before = before || start < 0;
    std::vector<float> window(64), wanted(64), image(64);
    cut_warped(wave.clips->store->values(2), kBands, start, warp.tempo,
               warped_bands(audio.front_end, warp.frequency), window);
    cut_window(window, kBands, 0, 16, audio.window, wanted);
    images.write(2, options, place, image);
    EXPECT_EQ(image, wanted) << position;
    AugmentOptions plain = options;
    plain.vtlp = plain.time_stretch = 0;
    images.write(2, plain, place, wanted);
    EXPECT_NE(image, wanted) << position;
  }
  EXPECT_TRUE(before);
}

TEST(ClipImages, GainAndNoiseChangeTheWindowTheyAreAskedFor) {
  const Recorded recorded;
  const ClipImages images = recorded.images(Normalise::none);
  const AugmentPlace place{derive(trial_key(1, "fold"), "augment"), 0, 7};
  AugmentOptions options;
  options.random_crop = false;
  options.specaug_freq = options.specaug_time = 0;
  const auto with = [&](const AugmentOptions& changed) {
    std::vector<float> image(64);
    images.write(2, changed, place, image);
    return image;
  };
  const auto plain = image_of(images, 2);
  EXPECT_EQ(with(options), plain);
  AugmentOptions louder = options;
  louder.gain_db = 10;  // levelled again: nothing of it is left but rounding
  const auto gained = with(louder);
  for (std::size_t i = 0; i < plain.size(); ++i) EXPECT_NEAR(gained[i], plain[i], 1e-3);
  AugmentOptions noisy = options;
  noisy.noise_db = 10;
  const auto noise = with(noisy);
  double raised = 0;
  for (std::size_t i = 0; i < plain.size(); ++i) raised += noise[i] > plain[i] + .01;
  EXPECT_GT(raised, 16);  // the quiet cells of 64
  AugmentOptions shifted = options;
  shifted.time_shift = .3;
  std::set<std::vector<float>> seen;
  for (std::int64_t position = 0; position < 60; ++position) {
    std::vector<float> image(64);
    images.write(2, shifted, {place.key, 0, position}, image);
    seen.insert(image);
  }
  // Recordings fall by a decibel a frame, and windows are levelled: all that lie within are equal.
  EXPECT_EQ(seen.size(), 1u);
  shifted.time_shift = .6;  // up to 3 frames before it
  for (std::int64_t position = 0; position < 200; ++position) {
    std::vector<float> image(64);
    images.write(2, shifted, {place.key, 0, position}, image);
    seen.insert(image);
  }
  EXPECT_EQ(seen.size(), 7u);
}

}  // namespace
}  // namespace emosweep::data
