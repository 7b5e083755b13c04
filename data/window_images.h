// Windows anywhere in recordings as the images that networks see, for prediction.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/audio/clip_windows.h"
#include "data/batch.h"

namespace emosweep::data {

// Immutable after construction, thread-safe. What evaluation makes of a recording's middle window
// (data/audio/clip_images.h) this makes of any, with the same bits.
class WindowImages {
 public:
  // `modality` is of kind audio and outlives the object; `fitted`: what training learned. train:
  // its bands scale all windows; group: each subject's are learned of the middle windows of its own
  // rows here; none: windows as they are. Errors are those of ClipImages.
  WindowImages(const Dataset& dataset, const Modality& modality, const Scaler& fitted,
               const PrepareOptions& options);

  std::int64_t width() const { return bands_ * frames_; }  // of a row: [bands, frames]
  void write(const ClipWindow& window, std::span<float> image) const;
  // At most `rows` windows as a batch of one trial with that many rows, the rest padding of weight
  // 0, without targets.
  Batch batch(std::span<const ClipWindow> windows, std::int64_t rows, at::ScalarType dtype) const;

 private:
  const Clips* clips_;
  std::int64_t bands_, frames_;
  std::vector<Scaler> scalers_;
  std::vector<std::int32_t> of_row_;  // [n] into scalers_; empty: none
};

}  // namespace emosweep::data
