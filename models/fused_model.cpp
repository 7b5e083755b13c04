#include "models/fused_model.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "base/error.h"
#include "models/fused_network.h"
#include "models/fusion.h"

namespace emosweep::models {

struct FusedModel::Networks {
  std::int64_t rows = 0;
  std::unique_ptr<FusedNetwork<float>> single;
  std::unique_ptr<FusedNetwork<double>> twice;
};

namespace {

template <typename T>
std::unique_ptr<FusedNetwork<T>>& network_of(std::unique_ptr<FusedNetwork<float>>& single,
                                             std::unique_ptr<FusedNetwork<double>>& twice) {
  if constexpr (std::is_same_v<T, float>) {
    return single;
  } else {
    return twice;
  }
}

// Trial k of the batch.
template <typename T>
void forward_trial(FusedNetwork<T>& network, const data::Batch& batch, std::int64_t k,
                   const at::Tensor& flat, Output& output) {
  FusedRows<T> rows;
  std::vector<at::Tensor> held;
  for (const data::Input& input : batch.inputs) {
    held.push_back(input.x.select(0, k).contiguous());
    rows.x.push_back(held.back().const_data_ptr<T>());
    if (input.present.defined()) held.push_back(input.present.select(0, k).contiguous());
    rows.present.push_back(input.present.defined() ? held.back().const_data_ptr<bool>() : nullptr);
  }
  const T* logits = network.forward(flat.const_data_ptr<T>() + k * flat.size(1), rows);
  at::Tensor& head = output.heads[0];
  const std::int64_t count = head.numel() / head.size(0);
  std::copy_n(logits, count, head.mutable_data_ptr<T>() + k * count);
  const std::int64_t width = output.embedding.numel() / head.size(0);
  std::copy_n(network.embedding(), width, output.embedding.mutable_data_ptr<T>() + k * width);
}

}  // namespace

FusedModel::FusedModel(const ModelOptions& options, std::span<const StreamKey> keys)
    : options_(options),
      key_(keys[0]),
      parameters_(fusion_layout(options), keys, options.dtype),
      networks_(std::make_unique<Networks>()) {}

FusedModel::~FusedModel() = default;

Output FusedModel::forward(const data::Batch& batch, const Step& step) {
  EMO_CHECK(!step.train, "a fused model trains through its networks");
  EMO_CHECK(batch.K == parameters_.trials(), "the batch and the model hold packs of equal size");
  EMO_CHECK(batch.inputs.size() == options_.inputs.size(), "the batch has the model's modalities");
  for (std::size_t m = 0; m < batch.inputs.size(); ++m) {
    const at::Tensor& x = batch.inputs[m].x;
    EMO_CHECK(x.dim() == 3 && x.size(0) == batch.K && x.size(2) == options_.widths[m] &&
                  x.scalar_type() == options_.dtype,
              "features of " + options_.inputs[m] + " are [K, b, width] of the model's dtype");
  }
  const std::int64_t b = batch.inputs[0].x.size(1);
  const at::TensorOptions dtype(options_.dtype);
  Output output;
  output.heads.push_back(at::empty({batch.K, b, options_.classes}, dtype));
  output.embedding = at::empty({batch.K, b, options_.hidden_size}, dtype);
  const auto run = [&]<typename T>(T) {
    auto& network = network_of<T>(networks_->single, networks_->twice);
    if (networks_->rows != b) network = make_fused_network<T>(options_, key_, b);
    networks_->rows = b;
    for (std::int64_t k = 0; k < batch.K; ++k) {
      forward_trial<T>(*network, batch, k, parameters_.flat(), output);
    }
  };
  options_.dtype == at::kFloat ? run(float()) : run(double());
  return output;
}

}  // namespace emosweep::models
