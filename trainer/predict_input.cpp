#include "trainer/predict_input.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "base/error.h"
#include "data/audio/clips.h"
#include "data/text/wordpiece.h"

namespace emosweep::trainer {
namespace {

// The model's modalities with the model's columns, taken from the dataset's by name.
data::Dataset with_columns(const ModelFile& model, const data::Dataset& dataset) {
  Mistakes mistakes;
  data::Dataset result;
  result.name = dataset.name;
  result.target = model.target_spec();
  result.row = dataset.row;
  result.id = dataset.id;
  // Unused, and perhaps of other classes.
  const std::size_t cells =
      dataset.id.size() * static_cast<std::size_t>(target_outputs(result.target));
  if (model.kind == TargetKind::regression)
    result.value.assign(cells, 0);
  else
    result.label.assign(cells, 0);
  result.groups = dataset.groups;
  if (model.prepare.normalise == data::Normalise::group && !dataset.group(model.prepare.group)) {
    mistakes.add("the model normalises by the group " + model.prepare.group +
                 ", which the dataset does not have");
  }
  for (const data::Scaler& scaler : model.scalers) {
    const data::Modality* source = dataset.modality(scaler.modality);
    if (!source) {
      mistakes.add("the dataset has no modality " + scaler.modality);
      continue;
    }
    if (models::is_image_model(model.model.model)) {
      if (source->kind != "audio" || data::band_names(source->clips->options) != scaler.columns) {
        mistakes.add("modality " + scaler.modality +
                     " is cut into other spectrograms than the model was trained on (kind audio "
                     "and the keys beside it)");
      }
      result.modalities.push_back(*source);
      continue;
    }
    if (models::is_text_model(model.model.model)) {
      if (source->kind != "text")
        mistakes.add("modality " + scaler.modality + " is of kind " + source->kind +
                     ", the model reads one of kind text");
      result.modalities.push_back(*source);
      continue;
    }
    std::unordered_map<std::string, std::int64_t> place;
    for (std::size_t c = 0; c < source->columns.size(); ++c) {
      place[source->columns[c]] = static_cast<std::int64_t>(c);
    }
    std::vector<std::int64_t> taken;
    for (const std::string& column : scaler.columns) {
      const auto found = place.find(column);
      if (found == place.end()) {
        mistakes.add("modality " + scaler.modality + " of the dataset has no column " + column);
      } else {
        taken.push_back(found->second);
      }
    }
    data::Modality m{scaler.modality,
                     source->kind,
                     scaler.columns,
                     static_cast<std::int64_t>(taken.size()),
                     {},
                     {}};
    for (std::int64_t r = 0; r < dataset.size(); ++r) {
      bool present = false;
      for (std::int64_t c : taken) {
        m.values.push_back(source->values[static_cast<std::size_t>(r * source->width + c)]);
        present = present || !std::isnan(m.values.back());
      }
      m.present.push_back(present);
    }
    result.modalities.push_back(std::move(m));
  }
  if (!mistakes.empty()) {
    std::string text = dataset.description.string() + ": it does not fit the model:";
    for (const std::string& line : mistakes.lines()) text += "\n  " + line;
    throw InputError(text);
  }
  return result;
}

}  // namespace

PredictInput::PredictInput(const ModelFile& model, const data::Dataset& dataset)
    : dataset_(with_columns(model, dataset)),
      fitted_(model.scalers.at(0)),
      prepare_(model.prepare) {
  if (models::is_image_model(model.model.model)) {
    fold_ = data::make_fold_images(
        dataset_,
        std::make_shared<data::ClipImages>(dataset_, dataset_.modalities[0], fitted_, prepare_),
        model.model.dtype);
    return;
  }
  if (models::is_text_model(model.model.model)) {
    fold_ = data::make_fold_tokens(
        dataset_,
        std::make_shared<const data::TokenRows>(
            data::token_rows(data::WordPiece::from_json(model.tokenizer, "the model's tokenizer"),
                             dataset_.modalities[0].text, prepare_.max_length)),
        model.model.dtype);
    return;
  }
  fold_ = data::make_fold_tensors(dataset_,
                                  data::apply_scalers(dataset_, {model.scalers, {}}, model.prepare),
                                  model.model.model == "linear" ? at::kDouble : model.model.dtype);
}

data::WindowImages PredictInput::windows() const {
  return data::WindowImages(dataset_, dataset_.modalities[0], fitted_, prepare_);
}

bool PredictInput::present(std::int64_t row) const {
  return std::any_of(
      dataset_.modalities.begin(), dataset_.modalities.end(),
      [row](const data::Modality& m) { return m.present[static_cast<std::size_t>(row)] != 0; });
}

}  // namespace emosweep::trainer
