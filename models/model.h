// The contract of all models. Shapes: K trials of a pack, b rows, D features, C classes, P
// parameters.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/collective.h"
#include "base/philox.h"
#include "data/batch.h"
#include "models/text_options.h"

namespace emosweep::models {

// A model computes where its parameters stand. On a device other than the CPU a batch's features
// and presence stand there too; its numbers (sample, position, weight, targets), token ids and
// dropout rates are the host's everywhere.
struct Step {
  bool train = false;      // false: no dropout
  std::int64_t epoch = 0;  // from 0
  std::int64_t step =
      0;  // global over epochs, from 0: with the row's position it keys dropout masks
  std::span<const StreamKey> keys;  // [K]
  at::Tensor dropout;               // [K] rate in [0, 1)
  Collective& team;
};

struct Output {
  std::vector<at::Tensor> heads;            // logits, one a target: [K,b,C]
  at::Tensor embedding;                     // [K,b,H], what the head reads
  std::map<std::string, at::Tensor> extra;  // e.g. "gates" [K,b,M]
};

// A named parameter or state. Small models: `value` is a view [K, ...] of one flat storage.
struct Leaf {
  std::string name;  // "audio.0.weight"
  at::Tensor value;
  float lr_scale = 1;
  bool decay = true;  // weight decay applies: not to biases and norms
  bool frozen = false;
};

// A leaf of the autograd graph: one parameter, or several neighbours (named by the first).
struct Variable {
  std::string name;
  at::Tensor value;  // its grad() is preset
};

// Elements [begin, end) of a trial's row learn at so many times the learning rate.
struct RateRange {
  std::int64_t begin = 0, end = 0;
  double scale = 1;
};

// A table at the end of the flat parameters of which a step reads few rows.
struct SparseRows {
  std::int64_t begin = 0;  // element of a trial's row where the table stands
  std::int64_t rows = 0, width = 0;
  at::Tensor touched;  // [U] int64, ascending: rows with a gradient since zero_gradient()
};

class FusedModel;

class Model {
 public:
  virtual ~Model() = default;
  virtual Output forward(const data::Batch& batch, const Step& step) = 0;
  virtual std::vector<Leaf>& leaves() = 0;
  virtual std::vector<Leaf>&
  state() = 0;                        // not parameters, but part of best weights and checkpoints
  virtual bool packable() const = 0;  // a leading trial axis with K > 1 is supported
  // These trials of a packable model as a model of their own, with copies of their values.
  virtual std::unique_ptr<Model> select(std::span<const std::int64_t> trials) const = 0;
  // One flat [K, P] storage and its gradient [K, P], 64-byte aligned rows (P padded to a multiple
  // of 16); every leaf is a view of it and leaf.grad() a view of the gradient. Undefined for large
  // specialists.
  virtual at::Tensor flat() { return {}; }
  virtual at::Tensor flat_grad() { return {}; }
  // [P] 1 where weight decay applies, 0 for biases, norms and padding.
  virtual at::Tensor decay_mask() { return {}; }
  // Of flat parameters, in the order of their places; every gradient is a view of flat_grad(). None
  // where there is no autograd graph.
  virtual std::vector<Variable> variables() { return {}; }
  // Where learning rates differ; {} = nowhere.
  virtual std::vector<RateRange> rate_ranges() { return {}; }
  // Null where all parameters are dense. Of a table no variable is made: its gradient is added to
  // flat_grad() directly.
  virtual SparseRows* sparse_rows() { return nullptr; }
  // Before a step's forward pass: its backward pass then leaves the step's gradient alone in
  // flat_grad(), by adding to zeros or by overwriting. One backward pass a step.
  virtual void zero_gradient();
  // The model as one with fused kernels, null where it has none.
  virtual FusedModel* fused() { return nullptr; }
};

// torch: compositions of torch's operations and autograd, for every model. fused: forward and
// backward of a whole model in one, see fused_network.h.
enum class Kernels { torch, fused };

enum class Fusion { none, concat, gated, cross_attention };

struct ModelOptions {
  // mlp, small_cnn, resnet18, transformer; linear is no Model, see trainer/linear.h
  std::string model = "mlp";
  Fusion fusion = Fusion::none;      // none with one input
  std::vector<std::string> inputs;   // modality names, as in PrepareOptions
  std::vector<std::int64_t> widths;  // features of each input
  std::int64_t hidden_size = 64;     // H
  std::int64_t tokens = 8;           // learned tokens per modality (cross_attention)
  std::int64_t heads = 4;            // attention heads; divides hidden_size
  std::int64_t classes = 2;
  at::ScalarType dtype = at::kFloat;
  // kCUDA: the calling thread's device; of small_cnn, resnet18 and transformer.
  at::Device device = at::kCPU;
  Kernels kernels = Kernels::torch;
  // Of image models: a row of features is one image, [channels, height, width].
  std::int64_t image_channels = 1, image_height = 0, image_width = 0;
  bool local_batch_norm = false;  // batch norm over a rank's rows instead of the team's
  TextModelOptions text;          // of transformer; widths are the most tokens of a text
};

// Whether a row of features is an image to this model (image_network.h).
bool is_image_model(const std::string& model);
// Whether it is a text's tokens (text_network.h).
bool is_text_model(const std::string& model);
// All that is wrong with the options in one InputError (unknown model, no input, widths that do not
// match, heads that do not divide the hidden size, a fusion with one input or none with several).
void check_options(const ModelOptions& options);
// What is allowed but hardly meant, one sentence each; empty where all is well.
std::vector<std::string> model_warnings(const ModelOptions& options);
// Parameter count of one trial, without making the model (for plan's memory and time).
std::int64_t parameter_count(const ModelOptions& options);
// Initial weights are keyed by parameter name: value i of leaf `name` of trial k comes from
// derive(keys[k], "weights/" + name), so they depend neither on the pack nor on other parameters.
std::unique_ptr<Model> make_model(const ModelOptions& options, std::span<const StreamKey> keys);

}  // namespace emosweep::models
