#include "models/fused_model.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "base/error.h"
#include "models/fused_network.h"
#include "models/fusion.h"

namespace emosweep::models {

namespace {
// Rows of one forward pass. A row's logits must not depend on its place in a batch: libxsmm's
// kernels treat blocks of rows alike, but blocks differ with the number of rows and the widths.
// Four rows are one block; the tokens of attention are rows too.
constexpr std::int64_t kMostRows = 4;
std::int64_t piece_of(const ModelOptions& options) {
  return options.fusion == Fusion::cross_attention ? 1 : kMostRows;
}
}  // namespace

struct FusedModel::Networks {
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

// Whether some of the rows [first, end) of trial k are more than padding.
bool any_real(const data::Batch& batch, std::int64_t k, std::int64_t first, std::int64_t end) {
  if (!batch.weight.defined()) return true;
  const at::Tensor& w = batch.weight;
  const auto weighs = [&]<typename N>(const N* of) {
    return std::any_of(of + first, of + end, [](N weight) { return weight != N(0); });
  };
  return w.scalar_type() == at::kFloat ? weighs(w.const_data_ptr<float>() + k * w.size(1))
                                       : weighs(w.const_data_ptr<double>() + k * w.size(1));
}

// Trial k of the batch, piece by piece; a last piece that is not full repeats the last row. Pieces
// of padding are left as they are.
template <typename T>
void forward_trial(FusedNetwork<T>& network, const data::Batch& batch, std::int64_t k,
                   std::int64_t piece, const at::Tensor& flat, Output& output) {
  FusedRows<T> rows;
  std::vector<at::Tensor> held;
  for (const data::Input& input : batch.inputs) {
    held.push_back(input.x.select(0, k).contiguous());
    rows.x.push_back(held.back().const_data_ptr<T>());
    if (input.present.defined()) held.push_back(input.present.select(0, k).contiguous());
    rows.present.push_back(input.present.defined() ? held.back().const_data_ptr<bool>() : nullptr);
  }
  at::Tensor &head = output.heads[0], &embedding = output.embedding;
  const std::int64_t b = head.size(1), C = head.size(2), H = embedding.size(2);
  std::int64_t index[kMostRows];
  rows.row = index;
  for (std::int64_t first = 0; first < b; first += piece) {
    if (!any_real(batch, k, first, std::min(first + piece, b))) continue;
    for (std::int64_t i = 0; i < piece; ++i) index[i] = std::min(first + i, b - 1);
    const T* logits = network.forward(flat.const_data_ptr<T>() + k * flat.size(1), rows);
    const std::int64_t count = std::min(piece, b - first);
    std::copy_n(logits, count * C, head.mutable_data_ptr<T>() + (k * b + first) * C);
    std::copy_n(network.embedding(), count * H,
                embedding.mutable_data_ptr<T>() + (k * b + first) * H);
  }
}

}  // namespace

FusedModel::FusedModel(const ModelOptions& options, std::span<const StreamKey> keys)
    : FusedModel(options, keys[0], FlatParameters(fusion_layout(options), keys, options.dtype)) {}

FusedModel::FusedModel(const ModelOptions& options, const StreamKey& key, FlatParameters parameters)
    : options_(options),
      key_(key),
      parameters_(std::move(parameters)),
      networks_(std::make_unique<Networks>()) {}

FusedModel::~FusedModel() = default;

std::unique_ptr<Model> FusedModel::select(std::span<const std::int64_t> trials) const {
  return std::make_unique<FusedModel>(
      options_, key_, FlatParameters(fusion_layout(options_), parameters_.rows(trials)));
}

Output FusedModel::forward(const data::Batch& batch, const Step& step) {
  EMO_CHECK(!step.train, "a fused model trains through its networks");
  EMO_CHECK(batch.K == parameters_.trials(), "the batch and the model hold packs of equal size");
  EMO_CHECK(batch.inputs.size() == options_.inputs.size(), "the batch has the model's modalities");
  for (std::size_t m = 0; m < batch.inputs.size(); ++m) {
    const at::Tensor& x = batch.inputs[m].x;
    EMO_CHECK(x.dim() == 3 && x.size(0) == batch.K && x.size(1) == batch.inputs[0].x.size(1) &&
                  x.size(2) == options_.widths[m] && x.scalar_type() == options_.dtype,
              "features of " + options_.inputs[m] + " are [K, b, width] of the model's dtype");
    const at::Tensor& present = batch.inputs[m].present;
    EMO_CHECK(!present.defined() ||
                  (present.scalar_type() == at::kBool && present.sizes() == x.sizes().slice(0, 2)),
              "presence of " + options_.inputs[m] + " is [K, b] bool");
  }
  const std::int64_t b = batch.inputs[0].x.size(1);
  const at::TensorOptions dtype(options_.dtype);
  Output output;
  EMO_CHECK(!batch.weight.defined() ||
                (batch.weight.is_contiguous() && batch.weight.numel() == batch.K * b),
            "weights are [K, b]");
  output.heads.push_back(at::zeros({batch.K, b, options_.classes}, dtype));
  output.embedding = at::zeros({batch.K, b, options_.hidden_size}, dtype);
  const std::int64_t piece = piece_of(options_);
  const auto run = [&]<typename T>(T) {
    auto& network = network_of<T>(networks_->single, networks_->twice);
    if (!network) network = make_fused_network<T>(options_, key_, piece);
    for (std::int64_t k = 0; k < batch.K; ++k) {
      forward_trial<T>(*network, batch, k, piece, parameters_.flat(), output);
    }
  };
  options_.dtype == at::kFloat ? run(float()) : run(double());
  return output;
}

}  // namespace emosweep::models
