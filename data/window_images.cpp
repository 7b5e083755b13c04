#include "data/window_images.h"

#include <ATen/ATen.h>

#include <map>

#include "base/error.h"
#include "data/description_reader.h"

namespace emosweep::data {
namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

std::map<std::string, std::vector<std::int32_t>> rows_by_group(const Dataset& dataset,
                                                               const std::string& group) {
  const std::vector<std::string>* const values = dataset.group(group);
  if (values == nullptr) {
    throw InputError("normalise: group needs a group of the dataset " + in_quotes(dataset.name) +
                     "; it has none called " + in_quotes(group));
  }
  std::map<std::string, std::vector<std::int32_t>> rows;
  for (std::size_t row = 0; row < values->size(); ++row)
    rows[(*values)[row]].push_back(static_cast<std::int32_t>(row));
  return rows;
}

}  // namespace

WindowImages::WindowImages(const Dataset& dataset, const Modality& modality, const Scaler& fitted,
                           const PrepareOptions& options)
    : clips_(modality.clips.get()) {
  EMO_CHECK(modality.kind == "audio" && clips_ != nullptr, "windows are cut from recordings");
  const AudioOptions& audio = clips_->options;
  bands_ = audio.front_end.n_mels;
  frames_ = window_frames(audio.window, audio.front_end.sr, audio.front_end.hop_length);
  if (options.normalise == Normalise::none) return;
  of_row_.assign(modality.present.size(), 0);
  if (options.normalise == Normalise::train) {
    scalers_ = {fitted};
    return;
  }
  // A subject's own bands are what training on its rows alone would learn.
  const PrepareOptions alone{options.modalities, Normalise::train, ""};
  for (const auto& [name, rows] : rows_by_group(dataset, options.group)) {
    for (const std::int32_t row : rows)
      of_row_[at(row)] = static_cast<std::int32_t>(scalers_.size());
    scalers_.push_back(ClipImages(dataset, modality, rows, alone).fitted());
  }
}

void WindowImages::write(const ClipWindow& window, std::span<float> image) const {
  cut_window(clips_->store->values(clips_->clip[at(window.row)]), bands_, window.frame, frames_,
             clips_->options.window, image);
  if (of_row_.empty()) return;
  const Scaler& bands = scalers_[at(of_row_[at(window.row)])];
  for (std::int64_t b = 0; b < bands_; ++b) {
    const auto mean = static_cast<float>(bands.mean[at(b)]),
               scale = static_cast<float>(bands.scale[at(b)]);
    for (float& x : image.subspan(at(b * frames_), at(frames_))) x = (x - mean) * scale;
  }
}

Batch WindowImages::batch(std::span<const ClipWindow> windows, std::int64_t rows,
                          at::ScalarType dtype) const {
  const auto n = static_cast<std::int64_t>(windows.size());
  EMO_CHECK(n <= rows, "the windows fit into the batch");
  at::Tensor x = at::zeros({1, rows, width()}, at::kFloat);
  Batch batch;
  batch.global_rows = rows;
  batch.sample = at::zeros({1, rows}, at::kLong);
  for (std::int64_t i = 0; i < n; ++i) {
    batch.sample.mutable_data_ptr<std::int64_t>()[i] = windows[at(i)].row;
    write(windows[at(i)], {x.mutable_data_ptr<float>() + i * width(), at(width())});
  }
  batch.position = at::arange(rows, at::kLong).unsqueeze(0);
  batch.weight = at::zeros({1, rows}, at::kDouble);
  batch.weight.narrow(1, 0, n).fill_(1);
  batch.inputs.push_back({x.to(dtype), {}, {}});
  return batch;
}

}  // namespace emosweep::data
