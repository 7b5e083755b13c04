#include "data/audio/clip_images.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "base/hash.h"
#include "data/audio/clips.h"
#include "data/audio/front_end.h"
#include "data/audio/level.h"
#include "data/description_reader.h"

namespace emosweep::data {
namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

}  // namespace

std::vector<std::string> band_names(const AudioOptions& options) {
  AudioOptions window = options;
  window.policy = {};  // which recordings are used is no part of what a window of one holds
  const std::string print = sha256(identity_text(window, false)).hex().substr(0, 6);
  std::vector<std::string> names;
  for (std::int64_t b = 0; b < options.front_end.n_mels; ++b) {
    names.push_back("mel" + std::to_string(b) + "@" + print);
  }
  return names;
}

ClipImages::ClipImages(const Dataset& dataset, const Modality& modality,
                       std::span<const std::int32_t> train, const PrepareOptions& options)
    : ClipImages(dataset, modality, Scaler{}, options) {
  if (options.normalise != Normalise::train) return;
  scalers_ = {learn(train)};
  of_row_.assign(at(rows()), 0);
  fitted_.mean.assign(scalers_[0].mean.begin(), scalers_[0].mean.end());
  fitted_.scale.assign(scalers_[0].scale.begin(), scalers_[0].scale.end());
}

ClipImages::ClipImages(const Dataset& dataset, const Modality& modality, const Scaler& fitted,
                       const PrepareOptions& options)
    : modality_(&modality), windows_(options.windows), fitted_(fitted) {
  EMO_CHECK(windows_ > 0, "evaluation looks at one window at least");
  EMO_CHECK(modality.kind == "audio" && modality.clips, "images are cut from recordings");
  const AudioOptions& audio = modality.clips->options;
  bands_ = audio.front_end.n_mels;
  window_ = window_frames(audio.window, audio.front_end.sr, audio.front_end.hop_length);
  fitted_.modality = modality.name;
  fitted_.columns = band_names(audio);
  if (options.normalise == Normalise::group) learn_groups(dataset, options.group);
  if (options.normalise == Normalise::train && !fitted_.mean.empty()) {
    scalers_ = {
        {{fitted_.mean.begin(), fitted_.mean.end()}, {fitted_.scale.begin(), fitted_.scale.end()}}};
    of_row_.assign(at(rows()), 0);
  }
  if (fitted_.mean.empty()) {
    fitted_.mean.assign(at(bands_), 0);
    fitted_.scale.assign(at(bands_), 1);
  }
}

std::int64_t ClipImages::frames_of_clip(std::int64_t row) const {
  return modality_->clips->store->rows(modality_->clips->clip[at(row)]);
}

void ClipImages::cut(std::int64_t row, std::int64_t start, std::span<float> image) const {
  const Clips& clips = *modality_->clips;
  cut_window(clips.store->values(clips.clip[at(row)]), bands_, start, window_, clips.options.window,
             image);
}

// With another voice, tempo and gain, and with noise, which silence beside the recording gets too.
void ClipImages::cut_changed(std::int64_t row, std::int64_t start, const Warp& warp,
                             const AugmentOptions& options, const AugmentPlace& place,
                             std::span<float> image) const {
  const Clips& clips = *modality_->clips;
  const std::span<const float> all = clips.store->values(clips.clip[at(row)]);
  std::vector<float> window(at(window_ * bands_), kSilentDb);
  const std::int64_t first = std::clamp<std::int64_t>(-start, 0, window_);
  const std::int64_t last = std::clamp<std::int64_t>(frames_of_clip(row) - start, first, window_);
  if (!warp.none()) {
    cut_warped(all, bands_, start, warp.tempo,
               warped_bands(clips.options.front_end, warp.frequency), window);
  } else if (first < last) {
    std::copy_n(all.begin() + (start + first) * bands_, (last - first) * bands_,
                window.begin() + first * bands_);
  }
  change_gain(place.key, place.epoch, place.position, options.gain_db, window);
  add_noise(place.key, place.epoch, place.position, options.noise_db, window);
  cut_window(window, bands_, 0, window_, clips.options.window, image);
}

void ClipImages::scale(std::int64_t row, std::span<float> image) const {
  if (of_row_.empty()) return;
  const Bands& bands = scalers_[at(of_row_[at(row)])];
  for (std::int64_t b = 0; b < bands_; ++b) {
    const float mean = bands.mean[at(b)], scale = bands.scale[at(b)];
    for (float& x : image.subspan(at(b * window_), at(window_))) x = (x - mean) * scale;
  }
}

void ClipImages::write(std::int64_t row, std::int64_t number, std::span<float> image) const {
  if (!present(row)) {
    std::fill(image.begin(), image.end(), 0.0f);
    return;
  }
  cut(row, evaluation_start(frames_of_clip(row), window_, number, windows_), image);
  scale(row, image);
}

void ClipImages::write(std::int64_t row, const AugmentOptions& options, const AugmentPlace& place,
                       std::span<float> image) const {
  if (!present(row)) return write(row, middle(), image);
  const FrontEndOptions& front_end = modality_->clips->options.front_end;
  const auto shift = std::llround(options.time_shift * static_cast<double>(front_end.sr) /
                                  static_cast<double>(front_end.hop_length));
  const Warp warp = draw_warp(options, place);
  const std::int64_t start =
      crop_start(frames_of_clip(row), source_frames(window_, warp.tempo), shift, options, place);
  if (options.gain_db > 0 || options.noise_db > 0 || !warp.none()) {
    cut_changed(row, start, warp, options, place, image);
  } else {
    cut(row, start, image);
  }
  scale(row, image);
  mask_bands_and_frames(image, bands_, window_, options, place);
}

// Mean and 1 / sd of every band over all frames of the rows' middle windows.
ClipImages::Bands ClipImages::learn(std::span<const std::int32_t> rows) const {
  std::vector<double> sum(at(bands_), 0), square(at(bands_), 0);
  std::vector<float> image(at(bands_ * window_));
  double n = 0;
  for (const std::int32_t row : rows) {
    if (!present(row)) continue;
    cut(row, centre_start(frames_of_clip(row), window_), image);
    n += static_cast<double>(window_);
    for (std::int64_t b = 0; b < bands_; ++b) {
      for (const float x : std::span(image).subspan(at(b * window_), at(window_))) {
        sum[at(b)] += x;
        square[at(b)] += static_cast<double>(x) * x;
      }
    }
  }
  Bands bands{std::vector<float>(at(bands_), 0), std::vector<float>(at(bands_), 1)};
  for (std::int64_t b = 0; b < bands_ && n > 0; ++b) {
    const double mean = sum[at(b)] / n;
    const double sd = std::sqrt(std::max(0.0, square[at(b)] / n - mean * mean));
    bands.mean[at(b)] = static_cast<float>(mean);
    // A band that never moves carries nothing: it becomes 0.
    bands.scale[at(b)] = sd > 1e-6 ? static_cast<float>(1 / sd) : 0;
  }
  return bands;
}

void ClipImages::learn_groups(const Dataset& dataset, const std::string& group) {
  const std::vector<std::string>* values = dataset.group(group);
  if (values == nullptr) {
    throw InputError("normalise: group needs a group of the dataset " + in_quotes(dataset.name) +
                     "; it has none called " + in_quotes(group));
  }
  std::map<std::string, std::vector<std::int32_t>> rows;
  for (std::size_t row = 0; row < values->size(); ++row) {
    rows[(*values)[row]].push_back(static_cast<std::int32_t>(row));
  }
  of_row_.assign(values->size(), 0);
  for (const auto& [name, own] : rows) {
    for (const std::int32_t row : own) {
      of_row_[at(row)] = static_cast<std::int32_t>(scalers_.size());
    }
    scalers_.push_back(learn(own));
  }
}

}  // namespace emosweep::data
