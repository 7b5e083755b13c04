// Windows of spectrograms as the images that networks see: cut, scaled and, in training, augmented
// when a batch is made, from the clip store that all ranks map. Immutable after construction,
// thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/audio/audio_options.h"
#include "data/audio/augment.h"
#include "data/audio/warp.h"
#include "data/dataset.h"
#include "data/features.h"

namespace emosweep::data {

// "mel0@3fa9c1", ...: the part behind @ stands for all that the windows follow from, so that a
// model is not given others than it was trained on.
std::vector<std::string> band_names(const AudioOptions& options);

class ClipImages {
 public:
  // `modality` is of kind audio. Scaling is by band, over the cells of the rows' middle windows:
  // train: by the training rows; group: each subject by its own rows (transductive); none: windows
  // as they are. Errors are those of features.h.
  ClipImages(const Dataset& dataset, const Modality& modality, std::span<const std::int32_t> train,
             const PrepareOptions& options);
  // With what an earlier fit learned of the training rows.
  ClipImages(const Dataset& dataset, const Modality& modality, const Scaler& fitted,
             const PrepareOptions& options);

  std::int64_t bands() const { return bands_; }
  std::int64_t frames() const { return window_; }
  std::int64_t windows() const { return windows_; }     // that evaluation looks at
  std::int64_t middle() const { return windows_ / 2; }  // the number of the one in the middle
  std::int64_t rows() const { return static_cast<std::int64_t>(modality_->present.size()); }
  bool present(std::int64_t row) const {
    return modality_->present[static_cast<std::size_t>(row)] != 0;
  }
  // What was learned of the training rows: `columns` are the bands.
  const Scaler& fitted() const { return fitted_; }

  // [bands, frames] of a row: window `number` of windows(); 0 where the row has no recording.
  void write(std::int64_t row, std::int64_t number, std::span<float> image) const;
  // In training. Mixing is the batch's (data/batch.h).
  void write(std::int64_t row, const AugmentOptions& options, const AugmentPlace& place,
             std::span<float> image) const;

 private:
  struct Bands {
    std::vector<float> mean, scale;  // [bands]
  };
  void cut(std::int64_t row, std::int64_t start, std::span<float> image) const;
  void cut_changed(std::int64_t row, std::int64_t start, const Warp& warp,
                   const AugmentOptions& options, const AugmentPlace& place,
                   std::span<float> image) const;
  void scale(std::int64_t row, std::span<float> image) const;
  Bands learn(std::span<const std::int32_t> rows) const;
  void learn_groups(const Dataset& dataset, const std::string& group);
  std::int64_t frames_of_clip(std::int64_t row) const;

  const Modality* modality_;
  std::int64_t bands_ = 0, window_ = 0, windows_ = 1;
  Scaler fitted_;
  std::vector<Bands> scalers_;
  std::vector<std::int32_t> of_row_;  // [n] into scalers_; empty: none
};

}  // namespace emosweep::data
