#include "models/image_network.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "models/batch_norm.h"
#include "models/blocks.h"
#include "models/channels_last.h"
#include "models/first_block.h"
#include "models/image_parts.h"
#include "models/norm_pool.h"
#include "models/recorded_pass.h"

namespace emosweep::models {
namespace {

// Parameters have a leading trial axis of 1, which convolutions do not know.
struct Convolution {
  at::Tensor weight, gamma, beta, running_mean, running_var;
  std::int64_t stride = 1, padding = 1;

  BatchNormAt norm() const {
    return {gamma.squeeze(0), beta.squeeze(0), running_mean.squeeze(0), running_var.squeeze(0)};
  }
  at::Tensor convolved(const at::Tensor& x) const {
    return at::conv2d(x, channels_last(weight.squeeze(0)), {}, stride, padding);
  }
  // relu(norm(convolution) + residual)
  at::Tensor operator()(const at::Tensor& x, const at::Tensor& residual, bool relu,
                        const Step& step, bool local) const {
    return step.train ? batch_norm_train(convolved(x), norm(), residual, relu, team(step, local))
                      : batch_norm_evaluate(convolved(x), norm(), residual, relu);
  }
  // max_pool2d(relu(norm(convolution)), 2)
  at::Tensor then_max(const at::Tensor& x, const Step& step, bool local) const {
    if (x.size(1) == 1) {
      const at::Tensor w = weight.squeeze(0);
      return step.train ? first_block_train(x, w, norm(), team(step, local))
                        : first_block_evaluate(x, w, norm());
    }
    return step.train ? norm_max_train(convolved(x), norm(), team(step, local))
                      : norm_max_evaluate(convolved(x), norm());
  }
  // mean(relu(norm(convolution)), {2, 3})
  at::Tensor then_mean(const at::Tensor& x, const Step& step, bool local) const {
    return step.train ? norm_mean_train(convolved(x), norm(), team(step, local))
                      : norm_mean_evaluate(convolved(x), norm());
  }
  static Collective* team(const Step& step, bool local) { return local ? nullptr : &step.team; }
};

struct Block {
  Convolution first, second;
  std::vector<Convolution> shortcut;
};

class ImageNetwork final : public Model {
 public:
  ImageNetwork(const ModelOptions& options, FlatParameters parameters)
      : options_(options), parts_(image_parts(options)), parameters_(std::move(parameters)) {
    EMO_CHECK(parameters_.trials() == 1, "an image network trains alone");
    for (const ConvolutionAt& at : parts_.plain) plain_.push_back(convolution(at));
    for (const BlockAt& at : parts_.blocks) {
      Block& block = blocks_.emplace_back(Block{convolution(at.first), convolution(at.second), {}});
      for (const ConvolutionAt& shortcut : at.shortcut) {
        block.shortcut.push_back(convolution(shortcut));
      }
    }
    const HeadAt& head = parts_.head;
    head_weight_ = parameters_.variable(head.weight, {head.out, head.in});
    head_bias_ = parameters_.variable(head.bias, {head.out});
    dropout_ = Dropout({"head"}, head.in);
  }

  Output forward(const data::Batch& batch, const Step& step) override;
  std::vector<Leaf>& leaves() override { return parameters_.leaves(); }
  std::vector<Leaf>& state() override { return state_; }
  bool packable() const override { return false; }
  std::unique_ptr<Model> select(std::span<const std::int64_t> trials) const override;
  at::Tensor flat() override { return parameters_.flat(); }
  at::Tensor flat_grad() override { return parameters_.flat_grad(); }
  at::Tensor decay_mask() override { return parameters_.decay_mask(); }
  std::vector<Variable> variables() override { return parameters_.variables(); }

 private:
  Convolution convolution(const ConvolutionAt& at);
  at::Tensor running(const std::string& name, std::int64_t channels, double value);
  at::Tensor pooled(const at::Tensor& x, const Step& step) const;
  at::Tensor evaluated(const at::Tensor& x, const Step& step) const;
  std::vector<at::Tensor> outputs_of(const at::Tensor& mean, const at::Tensor& mask,
                                     std::int64_t rows) const;

  ModelOptions options_;
  ImageParts parts_;
  FlatParameters parameters_;
  std::vector<Leaf> state_;
  std::vector<Convolution> plain_;
  std::vector<Block> blocks_;
  at::Tensor head_weight_, head_bias_;
  Dropout dropout_;
  // On a GPU, by the rows of a batch and whether something is dropped.
  std::map<std::pair<std::int64_t, bool>, RecordedPass> recorded_;
};

at::Tensor ImageNetwork::running(const std::string& name, std::int64_t channels, double value) {
  Leaf leaf;
  leaf.name = name;
  leaf.value = at::full({1, channels}, value,
                        at::TensorOptions().dtype(options_.dtype).device(options_.device));
  leaf.decay = false;
  leaf.frozen = true;
  state_.push_back(leaf);
  return leaf.value;
}

Convolution ImageNetwork::convolution(const ConvolutionAt& at) {
  return {parameters_.variable(at.weight, {at.out, at.in, at.size, at.size}),
          parameters_.variable(at.gamma, {at.out}),
          parameters_.variable(at.beta, {at.out}),
          running(at.norm + ".running_mean", at.out, 0),
          running(at.norm + ".running_var", at.out, 1),
          at.stride,
          at.size / 2};
}

// Of the layer with the most of them that evaluation keeps at once: more would not stay in cache,
// and beyond 32 MB malloc asks the system for every tensor anew.
constexpr std::int64_t kEvaluationValues = 4 << 20;

// pooled(x), where nothing is shared between images: a few at a time.
at::Tensor ImageNetwork::evaluated(const at::Tensor& x, const Step& step) const {
  const std::int64_t places = (x.size(2) / 2) * (x.size(3) / 2);
  const std::int64_t values = std::max<std::int64_t>(1, parts_.plain.back().in * places);
  const std::int64_t most = std::max<std::int64_t>(1, kEvaluationValues / values);
  if (!blocks_.empty() || x.size(0) <= most || !x.is_cpu()) return pooled(x, step);
  std::vector<at::Tensor> parts;
  for (const at::Tensor& part : x.split(most)) parts.push_back(pooled(part, step));
  return at::cat(parts);
}

// Pooling windows overlap here. On a GPU the gradients of such places are added in any order where
// channels are innermost, and in one order where they are outermost: only this trains to the same
// bits again.
at::Tensor max_by_three(const at::Tensor& x) {
  if (x.is_cpu()) return at::max_pool2d(x, 3, 2, 1);
  return at::max_pool2d(x.contiguous(), 3, 2, 1).contiguous(at::MemoryFormat::ChannelsLast);
}

// Recordings keep their memory: of full batches and a last one, with dropout and without. A
// curriculum has other last batches in every epoch.
constexpr std::size_t kRecordings = 4;

// Images [n, channels, H, W] -> the mean over places of the last layer: [n, C].
at::Tensor ImageNetwork::pooled(const at::Tensor& x, const Step& step) const {
  const bool local = options_.local_batch_norm;
  at::Tensor y = x;
  if (blocks_.empty()) {
    for (std::size_t i = 0; i + 1 < plain_.size(); ++i) y = plain_[i].then_max(y, step, local);
    return plain_.back().then_mean(y, step, local);
  }
  for (const Convolution& at : plain_) y = max_by_three(at(y, {}, true, step, local));
  for (const Block& block : blocks_) {
    const at::Tensor by = block.shortcut.empty() ? y : block.shortcut[0](y, {}, false, step, local);
    y = block.second(block.first(y, {}, true, step, local), by, true, step, local);
  }
  return y.mean({2, 3});
}

Output ImageNetwork::forward(const data::Batch& batch, const Step& step) {
  EMO_CHECK(batch.K == 1 && batch.inputs.size() == 1, "an image network takes one trial's images");
  const at::Tensor& rows = batch.inputs[0].x;
  EMO_CHECK(
      rows.dim() == 3 && rows.size(2) == options_.widths[0] && rows.scalar_type() == options_.dtype,
      "images are [1, b, channels * height * width] of the model's dtype");
  const std::int64_t b = rows.size(1);
  const std::int64_t real = (batch.weight > 0).sum().item<std::int64_t>();
  at::Tensor x =
      rows[0]
          .narrow(0, 0, real)
          .view({real, options_.image_channels, options_.image_height, options_.image_width});
  if (batch.inputs[0].present.defined()) {
    const at::Tensor absent = batch.inputs[0].present[0].narrow(0, 0, real).logical_not();
    x = x.masked_fill(absent.view({real, 1, 1, 1}), 0);
  }
  x = x.contiguous(at::MemoryFormat::ChannelsLast);
  at::Tensor mask = dropout_.mask(batch, step, {}, options_.dtype);
  if (mask.defined()) mask = mask.squeeze(2).to(x.device());
  std::vector<at::Tensor> outputs;
  // A team's ranks meet within a pass, which no recording can hold.
  const std::pair<std::int64_t, bool> kind{real, mask.defined()};
  const bool recordable = recorded_.contains(kind) || recorded_.size() < kRecordings;
  if (step.train && !x.is_cpu() && step.team.size == 1 && real > 0 && recordable) {
    RecordedPass& pass = recorded_[kind];
    outputs = pass({x, mask}, [&](const std::vector<at::Tensor>& in) {
      return outputs_of(pooled(in[0], step), in[1], b);
    });
  } else {
    outputs = outputs_of(step.train ? pooled(x, step) : evaluated(x, step), mask, b);
  }
  Output output;
  output.embedding = outputs[0];
  output.heads.push_back(outputs[1]);
  return output;
}

// mean [n, C] -> embedding [1, rows, C] and logits; rows behind the n real ones are padding.
std::vector<at::Tensor> ImageNetwork::outputs_of(const at::Tensor& mean, const at::Tensor& mask,
                                                 std::int64_t rows) const {
  const at::Tensor whole = at::constant_pad_nd(mean, {0, 0, 0, rows - mean.size(0)}).unsqueeze(0);
  const at::Tensor embedding = masked(whole, mask);
  return {embedding, at::linear(embedding, head_weight_.squeeze(0), head_bias_.squeeze(0))};
}

std::unique_ptr<Model> ImageNetwork::select(std::span<const std::int64_t> trials) const {
  auto copy = std::make_unique<ImageNetwork>(
      options_, FlatParameters(parts_.layout, parameters_.rows(trials)));
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < state_.size(); ++i) copy->state_[i].value.copy_(state_[i].value);
  return copy;
}

}  // namespace

bool is_image_model(const std::string& model) {
  return model == "small_cnn" || model == "resnet18";
}

Layout image_layout(const ModelOptions& options) { return image_parts(options).layout; }

ImageWork image_work(const ModelOptions& o) {
  const ImageParts parts = image_parts(o);
  ImageWork work;
  double height = static_cast<double>(o.image_height), width = static_cast<double>(o.image_width);
  work.values += static_cast<double>(o.image_channels) * height * width;
  const auto shrink = [&](double by) {
    height = std::max(1.0, std::floor(height / by));
    width = std::max(1.0, std::floor(width / by));
  };
  const auto add = [&](const ConvolutionAt& at) {
    const double places = height * width, out = static_cast<double>(at.out);
    work.forward += 2 * static_cast<double>(at.in * at.size * at.size) * out * places;
    work.values += 2 * out * places;  // before and behind its norm
  };
  for (const ConvolutionAt& at : parts.plain) {
    if (at.stride > 1) shrink(2);
    add(at);
    if (at.stride > 1 || &at != &parts.plain.back()) shrink(2);
  }
  for (const BlockAt& block : parts.blocks) {
    if (block.first.stride > 1) shrink(2);
    add(block.first);
    add(block.second);
    for (const ConvolutionAt& at : block.shortcut) add(at);
  }
  return work;
}

std::unique_ptr<Model> make_image_network(const ModelOptions& options,
                                          std::span<const StreamKey> keys) {
  return std::make_unique<ImageNetwork>(
      options, FlatParameters(image_layout(options), keys, options.dtype, options.device));
}

}  // namespace emosweep::models
