#include "models/fusion.h"

#include <ATen/ATen.h>

#include <cmath>
#include <optional>

#include "base/error.h"
#include "models/attention.h"
#include "models/blocks.h"
#include "models/fusion_parts.h"
#include "models/linear_block.h"
#include "models/norm_block.h"
#include "models/pool_block.h"

namespace emosweep::models {
namespace {

LinearParameters linear_at(FlatParameters& p, const LinearAt& at) {
  return {p.parameter(at.weight, {at.in, at.out}), p.parameter(at.bias, {1, at.out})};
}

at::Tensor apply(const LinearParameters& layer, const at::Tensor& x, bool relu = false) {
  return linear_block(x, layer.weight, layer.bias, relu);
}

struct NormParameters {
  Parameter gamma, beta;
  NormParameters(FlatParameters& p, const NormAt& at, const std::vector<std::int64_t>& shape)
      : gamma(p.parameter(at.gamma, shape)), beta(p.parameter(at.beta, shape)) {}
  at::Tensor operator()(const at::Tensor& x) const { return norm_block(x, gamma, beta, {}, false); }
  at::Tensor relu_masked(const at::Tensor& x, const at::Tensor& mask) const {
    return norm_block(x, gamma, beta, mask, true);
  }
};

// Of all modalities: [K,M,...].
struct AttentionParameters {
  Parameter expand, embedding, kqv, qv_bias, out;
  NormParameters norm;
  AttentionParameters(FlatParameters& p, const AttentionAt& at, const ModelOptions& o,
                      std::int64_t M)
      : expand(p.parameter(at.expand, {M, o.hidden_size, o.tokens * o.hidden_size})),
        embedding(p.parameter(at.embedding, {M, 1, o.tokens * o.hidden_size})),
        kqv(p.parameter(at.kqv, {M, o.hidden_size, 3 * o.hidden_size})),
        qv_bias(p.parameter(at.bias, {M, 1, 2 * o.hidden_size})),
        out(p.parameter(at.out, {M, o.hidden_size, o.hidden_size})),
        norm(p, at.norm, {M, 1, o.hidden_size}) {}
};

class FusionModel final : public Model {
 public:
  FusionModel(const ModelOptions& options, const Parts& parts, FlatParameters parameters)
      : options_(options),
        parameters_(std::move(parameters)),
        encoder_norm_(parameters_, parts.encoder_norm,
                      {1, static_cast<std::int64_t>(options.inputs.size()), options.hidden_size}),
        encoder_dropout_(encoder_layers(options), options.hidden_size),
        head_(linear_at(parameters_, parts.head)) {
    for (const LinearAt& at : parts.encoders) encoders_.push_back(linear_at(parameters_, at));
    for (const LinearAt& at : parts.fusion) fusion_.push_back(linear_at(parameters_, at));
    for (std::size_t i = 0; i < parts.fusion_norm.size(); ++i) {
      const NormAt& at = parts.fusion_norm[i];
      fusion_norm_.emplace_back(parameters_, at, std::vector<std::int64_t>{1, at.width});
      fusion_dropout_.emplace_back(std::vector<std::string>{fusion_layer(i)}, at.width);
    }
    if (options.fusion == Fusion::cross_attention)
      attention_.emplace(parameters_, parts.attention, options, modalities());
  }

  Output forward(const data::Batch& batch, const Step& step) override;
  std::vector<Leaf>& leaves() override { return parameters_.leaves(); }
  std::vector<Leaf>& state() override { return state_; }
  bool packable() const override { return true; }
  std::unique_ptr<Model> select(std::span<const std::int64_t> trials) const override;
  at::Tensor flat() override { return parameters_.flat(); }
  at::Tensor flat_grad() override { return parameters_.flat_grad(); }
  at::Tensor decay_mask() override { return parameters_.decay_mask(); }
  std::vector<Variable> variables() override { return parameters_.variables(); }
  // Blocks overwrite all: nothing here is taken by FlatParameters::variable.
  void zero_gradient() override {}

 private:
  void check(const data::Batch& batch) const;
  at::Tensor encode(const data::Batch& batch, const Step& step, const at::Tensor& present);
  at::Tensor block(std::size_t i, const at::Tensor& x, const data::Batch& batch, const Step& step);
  at::Tensor gated(const at::Tensor& z, const at::Tensor& present, Output& output);
  at::Tensor cross(const at::Tensor& z, const at::Tensor& present);
  std::int64_t modalities() const { return static_cast<std::int64_t>(options_.inputs.size()); }

  ModelOptions options_;
  FlatParameters parameters_;
  std::vector<LinearParameters> encoders_, fusion_;
  NormParameters encoder_norm_;
  Dropout encoder_dropout_;
  std::vector<NormParameters> fusion_norm_;
  std::vector<Dropout> fusion_dropout_;
  std::optional<AttentionParameters> attention_;
  LinearParameters head_;
  std::vector<Leaf> state_;
};

void FusionModel::check(const data::Batch& batch) const {
  EMO_CHECK(batch.K == parameters_.trials(), "the batch and the model hold packs of equal size");
  EMO_CHECK(batch.inputs.size() == encoders_.size(), "the batch has the model's modalities");
  for (std::size_t m = 0; m < batch.inputs.size(); ++m) {
    const at::Tensor& x = batch.inputs[m].x;
    EMO_CHECK(x.dim() == 3 && x.size(0) == batch.K && x.size(2) == options_.widths[m],
              "features of " + options_.inputs[m] + " are [K, b, width]");
    EMO_CHECK(x.scalar_type() == options_.dtype, "features have the model's dtype");
  }
}

// -> z [K,b,M,H]. Modalities stand side by side after their own linear layers, so that everything
// after is one operation for all of them, and [K,b,M*H] is a view.
at::Tensor FusionModel::encode(const data::Batch& batch, const Step& step,
                               const at::Tensor& present) {
  std::vector<at::Tensor> inputs;
  for (std::size_t m = 0; m < encoders_.size(); ++m) {
    at::Tensor x = batch.inputs[m].x;
    if (batch.inputs[m].present.defined()) {  // whatever stands there must not reach a gradient
      x = x.masked_fill(batch.inputs[m].present.logical_not().unsqueeze(-1), 0);
    }
    inputs.push_back(x);
  }
  at::Tensor y = linear_side_by_side(inputs, encoders_);
  y = y.view({y.size(0), y.size(1), modalities(), options_.hidden_size});
  return encoder_norm_.relu_masked(y, encoder_dropout_.mask(batch, step, present, options_.dtype));
}

// Linear, layer norm, ReLU, dropout.
at::Tensor FusionModel::block(std::size_t i, const at::Tensor& x, const data::Batch& batch,
                              const Step& step) {
  const at::Tensor mask = fusion_dropout_[i].mask(batch, step, {}, options_.dtype);
  return fusion_norm_[i].relu_masked(apply(fusion_[i], x), mask.defined() ? mask.squeeze(2) : mask);
}

at::Tensor FusionModel::gated(const at::Tensor& z, const at::Tensor& present, Output& output) {
  const at::Tensor hidden = apply(fusion_[0], z.flatten(2), true);
  const Gated gated = gate_block(z, apply(fusion_[1], hidden), present);
  output.extra["gates"] = gated.gates;
  return fusion_norm_[0](gated.value);
}

// -> [K,b,M*H]. Per modality m: its z becomes `tokens` tokens; they ask the tokens of the other
// modalities; residual, layer norm, mean over tokens; 0 where the modality is absent. Keys have no
// bias (its gradient is zero: a constant added to every score of a softmax), the tokens' linear and
// the output none either: their embedding and the values' bias are the same constants. The norm's
// affine part is taken after the mean, which it commutes with.
at::Tensor FusionModel::cross(const at::Tensor& z, const at::Tensor& present) {
  const std::int64_t M = modalities(), H = options_.hidden_size, T = options_.tokens;
  const std::int64_t K = z.size(0), b = z.size(1);
  const AttentionParameters& a = *attention_;
  at::Tensor tokens = linear_block(z.transpose(1, 2), a.expand, a.embedding, false);
  tokens = tokens.view({K, M, b * T, H});
  const at::Tensor kqv = linear_block(tokens, a.kqv, a.qv_bias, false);
  const at::Tensor context = attend(kqv, present, {K, M, b, T, options_.heads, H});
  const at::Tensor y = linear_block(context, a.out, Parameter(tokens), false);
  return pool_block(y.view({K, M, b, T * H}), a.norm.gamma, a.norm.beta, present, T);
}

std::unique_ptr<Model> FusionModel::select(std::span<const std::int64_t> trials) const {
  const Parts parts = parts_of(options_);
  return std::make_unique<FusionModel>(options_, parts,
                                       FlatParameters(parts.layout, parameters_.rows(trials)));
}

Output FusionModel::forward(const data::Batch& batch, const Step& step) {
  check(batch);
  Output output;
  const at::Tensor present = presence(batch);
  const at::Tensor z = encode(batch, step, present);
  switch (options_.fusion) {
    case Fusion::none:
      output.embedding = z.squeeze(2);
      break;
    case Fusion::concat:
      output.embedding = block(1, block(0, z.flatten(2), batch, step), batch, step);
      break;
    case Fusion::gated:
      output.embedding = gated(z, present, output);
      break;
    case Fusion::cross_attention:
      output.embedding = block(0, cross(z, present), batch, step);
      break;
  }
  output.heads.push_back(apply(head_, output.embedding));
  return output;
}

}  // namespace

Layout fusion_layout(const ModelOptions& options) { return parts_of(options).layout; }

bool fusion_by_trial(const ModelOptions& options, std::int64_t rows) {
  const Parts parts = parts_of(options);
  bool all = products_by_trial(parts.head.in, parts.head.out, rows);
  for (const std::vector<LinearAt>& layers : {parts.encoders, parts.fusion}) {
    for (const LinearAt& at : layers) all = all && products_by_trial(at.in, at.out, rows);
  }
  if (options.fusion != Fusion::cross_attention) return all;
  const std::int64_t H = options.hidden_size, T = options.tokens;
  return all && products_by_trial(H, T * H, rows) && products_by_trial(H, 3 * H, rows * T) &&
         attends_by_row(T, rows);
}

std::unique_ptr<Model> make_fusion_model(const ModelOptions& options,
                                         std::span<const StreamKey> keys) {
  const Parts parts = parts_of(options);
  return std::make_unique<FusionModel>(options, parts,
                                       FlatParameters(parts.layout, keys, options.dtype));
}

}  // namespace emosweep::models
