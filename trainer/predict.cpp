#include "trainer/predict.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "trainer/predict_input.h"

namespace emosweep::trainer {
namespace {

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
  result.scores = results::named_scores(result.confusion);
  return result;
}

Predictions predict(const ModelFile& model, const data::Dataset& dataset,
                    std::span<const std::int32_t> rows, const std::string& file) {
  const PredictInput input(model, dataset);
  const data::FoldTensors& fold = input.fold();
  if (model.model.model == "linear") {
    Evaluation result = evaluate_linear(linear_of(model, file), fold, rows);
    return {std::move(result.predicted), std::move(result.probability), {}};
  }
  const std::vector<StreamKey> keys(1);
  const std::unique_ptr<models::Model> network = models::make_model(model.model, keys);
  models::load_weights(*network, 0, model.weights, file);
  const TargetSpec target = model.target_spec();
  ObjectiveOptions options;  // of which evaluation reads the temperature; the loss means nothing
  options.loss_temperature = model.temperature;
  if (model.kind == TargetKind::regression) options.loss = "mse";
  const auto objective = make_objective(
      target, {options}, at::ones({1, target_blocks(target) * block_classes(target)}),
      model.model.dtype);
  const data::FoldTensors* folds[] = {&fold};
  const std::vector<std::int64_t> order[] = {{rows.begin(), rows.end()}};
  const std::vector<double> thresholds[] = {model.thresholds};
  Alone alone;
  EvaluationOptions asked;
  asked.probabilities = true;
  asked.thresholds = thresholds;
  Evaluation result =
      evaluate(*network, *objective, evaluation_rows(folds, order), keys, alone, asked)[0];
  return {std::move(result.predicted), std::move(result.probability), std::move(result.value)};
}

}  // namespace emosweep::trainer
