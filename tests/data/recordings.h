// A dataset of made spectrograms in a clip store, for tests of what is cut and mixed from them.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "data/audio/clip_images.h"
#include "data/audio/clip_store.h"
#include "data/audio/clips.h"
#include "helpers.h"

namespace emosweep::data {

struct Spectrograms {
  std::int64_t bands = 4, clips = 5;
  WindowOptions window{1.5, 200, false};  // 16 frames of .1 s, levelled to the loudest cell only
  std::function<std::int64_t(std::int64_t clip)> frames;
  std::function<float(std::int64_t clip, std::int64_t frame, std::int64_t band)> decibels;
};

// A modality of kind audio called wave; of_row: the clip of every row, -1: none.
inline Modality recordings(const Folder& folder, const Spectrograms& made,
                           const std::vector<std::int64_t>& of_row) {
  Modality modality{"wave", "audio", {}, 0, {}, {}};
  auto clips = std::make_shared<Clips>();
  clips->options.front_end.n_mels = made.bands;
  clips->options.front_end.sr = 1000;
  clips->options.front_end.hop_length = 100;
  clips->options.window = made.window;
  const auto file = folder.path / "clips.mel";
  ClipStore::write(file, sha256("key"), made.bands, made.clips, [&](std::int64_t clip) {
    ClipRows rows;
    rows.info.seconds = 2;
    for (std::int64_t f = 0; f < made.frames(clip); ++f) {
      for (std::int64_t b = 0; b < made.bands; ++b) {
        rows.values.push_back(made.decibels(clip, f, b));
      }
    }
    return rows;
  });
  std::string why;
  clips->store = ClipStore::open(file, sha256("key"), why);
  for (const std::int64_t clip : of_row) {
    modality.present.push_back(clip >= 0);
    clips->clip.push_back(clip);
  }
  modality.clips = std::move(clips);
  return modality;
}

}  // namespace emosweep::data
