#include "trainer/saved_network.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "base/error.h"
#include "trainer/device.h"

namespace emosweep::trainer {
namespace {

// [rows, width] of the one trial's [1, b, width].
std::vector<double> rows_of(const at::Tensor& x, std::int64_t rows) {
  const at::Tensor first = x[0].narrow(0, 0, rows).to(at::kDouble).contiguous();
  const double* const values = first.const_data_ptr<double>();
  return {values, values + first.numel()};
}

}  // namespace

SavedNetwork::SavedNetwork(const ModelFile& model, const std::string& file) : keys_(1) {
  EMO_CHECK(model.model.model != "linear", "a linear model is no network");
  network_ = models::make_model(model.model, keys_);
  models::load_weights(*network_, 0, model.weights, file);
}

Answers SavedNetwork::operator()(const data::Batch& batch, std::int64_t rows) {
  const at::NoGradGuard no_grad;
  Alone alone;
  const models::Step step{false, 0, 0, keys_, at::zeros({1}), alone};
  const models::Output output = forward_on_device(*network_, batch, step);
  return {rows_of(output.heads.at(0), rows), rows_of(output.embedding, rows),
          static_cast<std::size_t>(output.embedding.size(2))};
}

}  // namespace emosweep::trainer
