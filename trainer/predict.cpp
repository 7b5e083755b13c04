#include "trainer/predict.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <ostream>
#include <unordered_map>

#include "base/error.h"
#include "data/audio/clips.h"

namespace emosweep::trainer {
namespace {

// The model's modalities with the model's columns, taken from the dataset's by name.
data::Dataset with_columns(const ModelFile& model, const data::Dataset& dataset) {
  Mistakes mistakes;
  data::Dataset result;
  result.name = dataset.name;
  result.target = {model.target, TargetKind::single, {}, model.classes};
  result.row = dataset.row;
  result.id = dataset.id;
  result.label.assign(dataset.id.size(), 0);  // unused, and perhaps of other classes
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

LinearModel linear_of(const ModelFile& model, const std::string& file) {
  LinearModel linear;
  for (const auto& [name, tensor] : model.weights.tensors) {
    if (name == "weight") linear.weight = tensor;
    if (name == "bias") linear.bias = tensor;
  }
  const std::int64_t C = model.model.classes;
  const std::int64_t D =
      std::accumulate(model.model.widths.begin(), model.model.widths.end(), std::int64_t{0});
  const auto fits = [](const at::Tensor& t, at::IntArrayRef sizes) {
    return t.defined() && t.scalar_type() == at::kDouble && t.sizes() == sizes;
  };
  if (!fits(linear.weight, {C, D}) || !fits(linear.bias, {C})) {
    throw InputError(file + ": weight [" + std::to_string(C) + ", " + std::to_string(D) +
                     "] and bias [" + std::to_string(C) + "] of float64 are expected");
  }
  return linear;
}

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::string shortest(float value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value);
  return {text, end.ptr};
}

std::vector<std::int32_t> rows_of(const data::Dataset& dataset,
                                  const std::vector<std::string>& ids) {
  std::vector<std::int32_t> rows(ids.empty() ? dataset.id.size() : ids.size());
  std::iota(rows.begin(), rows.end(), 0);
  if (ids.empty()) return rows;
  std::unordered_map<std::string, std::int32_t> place;
  for (std::size_t r = 0; r < dataset.id.size(); ++r)
    place[dataset.id[r]] = static_cast<std::int32_t>(r);
  Mistakes mistakes;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto found = place.find(ids[i]);
    if (found == place.end()) {
      mistakes.add(dataset.description.string() + ": no sample has the id " + ids[i]);
    } else {
      rows[i] = found->second;
    }
  }
  mistakes.throw_if_any();
  return rows;
}

}  // namespace

Evaluation evaluate_linear(const LinearModel& model, const data::FoldTensors& fold,
                           std::span<const std::int32_t> rows) {
  const std::int64_t C = model.bias.numel();
  const std::vector<double> logits = linear_logits(model, side_by_side(fold, rows));
  Evaluation result;
  result.confusion = results::Confusion(C);
  result.probability.resize(logits.size());
  const std::int64_t* label = fold.label.const_data_ptr<std::int64_t>();
  double loss = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::span<const double> z(logits.data() + i * static_cast<std::size_t>(C),
                                    static_cast<std::size_t>(C));
    const auto predicted =
        static_cast<std::int32_t>(std::max_element(z.begin(), z.end()) - z.begin());
    const std::int64_t truth = label[rows[i]];
    result.predicted.push_back(predicted);
    result.confusion.add(truth, predicted);
    softmax_row(z, 1, result.probability.data() + i * static_cast<std::size_t>(C));
    double sum = 0;
    const double top = z[static_cast<std::size_t>(predicted)];
    for (double v : z) sum += std::exp(v - top);
    loss += std::log(sum) - (z[static_cast<std::size_t>(truth)] - top);
  }
  result.loss = loss / static_cast<double>(rows.size());  // nan without rows
  return result;
}

Predictions predict(const ModelFile& model, const data::Dataset& dataset,
                    std::span<const std::int32_t> rows, const std::string& file) {
  const data::Dataset fitting = with_columns(model, dataset);
  const bool linear = model.model.model == "linear";
  const data::FoldTensors fold =
      models::is_image_model(model.model.model)
          ? data::make_fold_images(
                fitting,
                std::make_shared<data::ClipImages>(fitting, fitting.modalities[0], model.scalers[0],
                                                   model.prepare),
                model.model.dtype)
          : data::make_fold_tensors(
                fitting, data::apply_scalers(fitting, {model.scalers, {}}, model.prepare),
                linear ? at::kDouble : model.model.dtype);
  if (linear) {
    Evaluation result = evaluate_linear(linear_of(model, file), fold, rows);
    return {std::move(result.predicted), std::move(result.probability)};
  }
  const std::vector<StreamKey> keys(1);
  const std::unique_ptr<models::Model> network = models::make_model(model.model, keys);
  models::load_weights(*network, 0, model.weights, file);
  const auto objective =
      make_objective({ObjectiveOptions{}}, at::ones({1, model.model.classes}), model.model.dtype);
  const data::FoldTensors* folds[] = {&fold};
  const std::vector<std::int64_t> order[] = {{rows.begin(), rows.end()}};
  const double temperature[] = {model.temperature};
  Alone alone;
  Evaluation result =
      evaluate(*network, *objective, evaluation_rows(folds, order), keys, alone, temperature)[0];
  return {std::move(result.predicted), std::move(result.probability)};
}

void predict_table(const std::filesystem::path& model_file,
                   const std::filesystem::path& dataset_yaml, const std::vector<std::string>& ids,
                   std::ostream& csv) {
  const ModelFile model = read_model(model_file);
  const data::Loaded loaded =
      data::load_dataset(dataset_yaml, {}, nullptr, {}, data::Labels::ignored);
  const std::vector<std::int32_t> rows = rows_of(loaded.dataset, ids);
  const Predictions done = predict(model, loaded.dataset, rows, model_file.string());
  csv << "id,predicted";
  for (const std::string& name : model.classes) csv << ',' << csv_cell("probability_" + name);
  csv << '\n';
  const std::size_t C = model.classes.size();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    csv << csv_cell(loaded.dataset.id[static_cast<std::size_t>(rows[i])]) << ','
        << csv_cell(model.classes[static_cast<std::size_t>(done.predicted[i])]);
    for (std::size_t c = 0; c < C; ++c) csv << ',' << shortest(done.probability[i * C + c]);
    csv << '\n';
  }
}

}  // namespace emosweep::trainer
