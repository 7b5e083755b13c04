#include "models/text_network.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <deque>

#include "base/error.h"
#include "models/blocks.h"
#include "models/encoder_tensors.h"
#include "models/padded_text.h"
#include "models/parameters.h"
#include "models/text_attention.h"
#include "models/text_parts.h"

namespace emosweep::models {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// base [N, H] + the words' rows. Their gradient is added to d_words [V, H] in place (undefined: not
// wanted), which outlives the backward pass: a dense gradient of its own would be larger than all
// else of a step, and autograd must not watch what it never computes with.
struct AddWords : torch::autograd::Function<AddWords> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& base,
                            const at::Tensor& words, at::Tensor* d_words, const at::Tensor& ids) {
    context->save_for_backward({ids});
    context->saved_data["d_words"] = reinterpret_cast<std::int64_t>(d_words);
    return base + at::index_select(words, 0, ids);
  }
  static variable_list backward(AutogradContext* context, variable_list outers) {
    const at::Tensor ids = context->get_saved_variables()[0];
    auto* d_words = reinterpret_cast<at::Tensor*>(context->saved_data["d_words"].toInt());
    if (d_words->defined() && ids.numel() > 0) {
      // A GPU adds rows of one word in any order, unless they are sorted first.
      ids.is_cpu() ? d_words->index_add_(0, ids, outers[0])
                   : d_words->index_put_({ids}, outers[0], true);
    }
    return {outers[0], at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

// [query, key, value] biases as they are. A query sees all keys moved by the key's bias alike, so
// that its true gradient is 0: what rounding leaves of it is not learned.
struct WithoutKeyGradient : torch::autograd::Function<WithoutKeyGradient> {
  static at::Tensor forward(AutogradContext*, const at::Tensor& bias) {
    return bias.view(bias.sizes());
  }
  static variable_list backward(AutogradContext*, variable_list outers) {
    at::Tensor d = outers[0].clone();
    const std::int64_t H = d.size(0) / 3;
    d.narrow(0, H, H).zero_();
    return {d};
  }
};

struct Linear {
  at::Tensor weight, bias;
  at::Tensor operator()(const at::Tensor& x) const { return at::linear(x, weight, bias); }
};
struct Norm {
  at::Tensor weight, bias;
};
struct Layer {
  Linear query_key_value, out, up, down;
  Norm attention_norm, output_norm;
};

// The tokens of a step, and where they are.
struct Tokens {
  TextRows rows;
  at::Tensor ids, places;  // [N] int64; place within its text
};

class TextNetwork final : public Model {
 public:
  TextNetwork(const ModelOptions& options, FlatParameters trained, FlatParameters frozen);

  Output forward(const data::Batch& batch, const Step& step) override;
  std::vector<Leaf>& leaves() override { return leaves_; }
  std::vector<Leaf>& state() override { return state_; }
  bool packable() const override { return false; }
  std::unique_ptr<Model> select(std::span<const std::int64_t> trials) const override {
    return std::make_unique<TextNetwork>(options_,
                                         FlatParameters(parts_.trained, trained_.rows(trials)),
                                         FlatParameters(parts_.frozen, frozen_.rows(trials)));
  }
  at::Tensor flat() override { return trained_.flat(); }
  at::Tensor flat_grad() override { return trained_.flat_grad(); }
  at::Tensor decay_mask() override { return trained_.decay_mask(); }
  std::vector<Variable> variables() override { return trained_.variables(); }
  std::vector<RateRange> rate_ranges() override { return parts_.rates; }
  SparseRows* sparse_rows() override { return parts_.words.frozen ? nullptr : &sparse_; }
  void zero_gradient() override;

 private:
  at::Tensor variable(const TextAt& at, std::vector<std::int64_t> shape);
  Linear linear(const TextLinearAt& at);
  Norm norm(const TextNormAt& at);
  at::Tensor normalised(const at::Tensor& x, const Norm& norm) const {
    return at::layer_norm(x, {options_.text.encoder.hidden_size}, norm.weight, norm.bias,
                          options_.text.encoder.epsilon);
  }
  at::Tensor activated(const at::Tensor& x) const;
  TextDrop drop(std::size_t place, const Step& step);
  at::Tensor encoded(const Tokens& tokens, const Step& step);
  at::Tensor pooled(const at::Tensor& x, const TextRows& rows) const;
  void touch(const at::Tensor& ids);
  at::Tensor none_touched() const {
    return at::empty({0}, at::TensorOptions().dtype(at::kLong).device(options_.device));
  }

  ModelOptions options_;
  TextParts parts_;
  FlatParameters trained_, frozen_;
  std::vector<Leaf> leaves_, state_;
  SparseRows sparse_;
  at::Tensor words_, d_words_, positions_, types_;
  Norm embedding_norm_;
  std::vector<Layer> layers_;
  Linear head_;
  Dropout dropout_;
  // Of the last step's graph.
  Tokens tokens_;
  std::deque<TextAttention> attention_;
  std::vector<StreamKey> drop_of_, drop_keys_;
};

TextNetwork::TextNetwork(const ModelOptions& options, FlatParameters trained, FlatParameters frozen)
    : options_(options),
      parts_(text_parts(options.text, options.classes)),
      trained_(std::move(trained)),
      frozen_(std::move(frozen)) {
  EMO_CHECK(trained_.trials() == 1, "a text network trains alone");
  const TextEncoderOptions& o = options_.text.encoder;
  leaves_ = trained_.leaves();
  for (Leaf leaf : frozen_.leaves()) {
    leaf.value = leaf.value.detach();
    leaf.frozen = true;
    leaves_.push_back(std::move(leaf));
  }
  const std::int64_t H = o.hidden_size;
  for (Leaf& leaf : leaves_) {
    if (leaf.name != "embeddings.word_embeddings.weight") continue;
    words_ = leaf.value.detach().squeeze(0);
    if (!leaf.frozen) d_words_ = leaf.value.grad().squeeze(0);
  }
  sparse_ = {parts_.words.offset, o.vocabulary, H, none_touched()};
  positions_ = variable(parts_.positions, {o.positions, H});
  if (o.types > 0) types_ = variable(parts_.types, {o.types, H});
  embedding_norm_ = norm(parts_.norm);
  for (const TextLayerAt& at : parts_.layers) {
    layers_.push_back({linear(at.query_key_value), linear(at.out), linear(at.up), linear(at.down),
                       norm(at.attention_norm), norm(at.output_norm)});
  }
  head_ = linear(parts_.head);
  dropout_ = Dropout({"head"}, H);
}

at::Tensor TextNetwork::variable(const TextAt& at, std::vector<std::int64_t> shape) {
  if (!at.frozen) return trained_.variable(at.offset, std::move(shape)).squeeze(0);
  return frozen_.variable(at.offset, std::move(shape)).detach().squeeze(0);
}
Linear TextNetwork::linear(const TextLinearAt& at) {
  return {variable(at.weight, {at.out, at.in}), variable(at.bias, {at.out})};
}
Norm TextNetwork::norm(const TextNormAt& at) {
  const std::int64_t H = options_.text.encoder.hidden_size;
  return {variable(at.weight, {H}), variable(at.bias, {H})};
}

void TextNetwork::zero_gradient() {
  if (parts_.words.frozen) return Model::zero_gradient();
  const at::NoGradGuard no_grad;
  flat_grad().narrow(1, 0, sparse_.begin).zero_();
  d_words_.index_fill_(0, sparse_.touched, 0);
  sparse_.touched = none_touched();
}

void TextNetwork::touch(const at::Tensor& ids) {
  if (parts_.words.frozen) return;
  sparse_.touched = std::get<0>(at::_unique(at::cat({sparse_.touched, ids}), true));
}

at::Tensor TextNetwork::activated(const at::Tensor& x) const {
  const std::string& kind = options_.text.encoder.activation;
  return kind == "relu" ? at::relu(x) : at::gelu(x, kind == "gelu" ? "none" : "tanh");
}

// Place 0: behind the embeddings; then of every layer attention's weights and both residuals.
TextDrop TextNetwork::drop(std::size_t place, const Step& step) {
  if (!step.train || options_.text.dropout <= 0) return {};
  if (drop_of_.empty() || !(drop_of_[0] == step.keys[0])) {
    drop_of_.assign(1, step.keys[0]);
    drop_keys_.clear();
    for (std::size_t i = 0; i < 1 + 3 * layers_.size(); ++i)
      drop_keys_.push_back(derive(step.keys[0], "dropout/encoder." + std::to_string(i)));
  }
  return {options_.text.dropout, drop_keys_[place], static_cast<std::uint64_t>(step.step)};
}

at::Tensor TextNetwork::encoded(const Tokens& tokens, const Step& step) {
  const std::int64_t longest = options_.text.encoder.positions, heads = options_.text.encoder.heads;
  at::Tensor x = at::embedding(positions_, tokens.places);
  if (types_.defined()) x = x + types_[0];
  x = AddWords::apply(x, words_, &d_words_, tokens.ids);
  x = normalised(x, embedding_norm_);
  x = add_dropped({}, x, tokens.rows, drop(0, step), longest);
  attention_.clear();
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const Layer& layer = layers_[l];
    const TextAttention& how =
        attention_.emplace_back(tokens.rows, heads, longest, drop(3 * l + 1, step));
    const at::Tensor qkv = at::linear(x, layer.query_key_value.weight,
                                      WithoutKeyGradient::apply(layer.query_key_value.bias));
    const at::Tensor context = layer.out(text_attention(qkv, how));
    x = normalised(add_dropped(x, context, tokens.rows, drop(3 * l + 2, step), longest),
                   layer.attention_norm);
    const at::Tensor up = layer.down(activated(layer.up(x)));
    x = normalised(add_dropped(x, up, tokens.rows, drop(3 * l + 3, step), longest),
                   layer.output_norm);
  }
  return x;
}

// [b, H]
at::Tensor TextNetwork::pooled(const at::Tensor& x, const TextRows& rows) const {
  if (!x.is_cpu()) return padded_pooling(x, rows, options_.text.pooling);
  std::vector<at::Tensor> of;
  for (std::size_t i = 0; i + 1 < rows.begin.size(); ++i) {
    const at::Tensor text = x.narrow(0, rows.begin[i], rows.begin[i + 1] - rows.begin[i]);
    of.push_back(options_.text.pooling == "cls" ? text[0] : text.mean(0));
  }
  return of.empty() ? x.narrow(0, 0, 0) : at::stack(of);
}

// Texts [from, to) of the batch; padded too where the network is not on the CPU.
Tokens tokens_of(const data::Batch& batch, std::int64_t from, std::int64_t to,
                 const ModelOptions& options) {
  const at::Device device = options.device;
  Tokens tokens;
  tokens.rows.begin.push_back(0);
  const data::Input& input = batch.inputs[0];
  const std::int64_t T = input.x.size(2);
  const std::int64_t* length = input.length.const_data_ptr<std::int64_t>();
  for (std::int64_t i = from; i < to; ++i) {
    tokens.rows.begin.push_back(tokens.rows.begin.back() + length[i]);
    tokens.rows.position.push_back(batch.position.const_data_ptr<std::int64_t>()[i]);
  }
  const std::int64_t N = tokens.rows.begin.back();
  tokens.ids = at::empty({N}, at::kLong);
  tokens.places = at::empty({N}, at::kLong);
  std::int64_t *id = tokens.ids.mutable_data_ptr<std::int64_t>(),
               *place = tokens.places.mutable_data_ptr<std::int64_t>();
  for (std::int64_t i = from; i < to; ++i) {
    id = std::copy_n(input.x.const_data_ptr<std::int64_t>() + i * T, length[i], id);
    for (std::int64_t t = 0; t < length[i]; ++t) *place++ = t;
  }
  if (device.is_cpu()) return tokens;
  tokens.ids = tokens.ids.to(device);
  tokens.places = tokens.places.to(device);
  const TextEncoderOptions& encoder = options.text.encoder;
  tokens.rows.padded = padded_texts(tokens.rows, encoder.heads, encoder.positions, device);
  return tokens;
}

Output TextNetwork::forward(const data::Batch& batch, const Step& step) {
  EMO_CHECK(batch.K == 1 && batch.inputs.size() == 1 && batch.inputs[0].length.defined() &&
                batch.inputs[0].x.scalar_type() == at::kLong,
            "a text network takes one trial's token ids and their number");
  const std::int64_t b = batch.inputs[0].x.size(1);
  const std::int64_t real = (batch.weight > 0).sum().item<std::int64_t>();
  at::Tensor mean;
  // Elsewhere than on the CPU a text is evaluated with the others of its batch, which is the same
  // for every number of ranks.
  const bool whole_batch = step.train || !options_.device.is_cpu();
  if (whole_batch) {
    tokens_ = tokens_of(batch, 0, real, options_);
    if (step.train) touch(tokens_.ids);
    mean = pooled(encoded(tokens_, step), tokens_.rows);
  } else {
    std::vector<at::Tensor> each{at::empty({0, options_.text.encoder.hidden_size}, options_.dtype)};
    for (std::int64_t i = 0; i < real; ++i) {
      const Tokens one = tokens_of(batch, i, i + 1, options_);
      each.push_back(pooled(encoded(one, step), one.rows));
    }
    mean = at::cat(each);
  }
  const at::Tensor whole = at::constant_pad_nd(mean, {0, 0, 0, b - real}).unsqueeze(0);
  const at::Tensor mask = dropout_.mask(batch, step, {}, options_.dtype);
  Output output;
  output.embedding = masked(whole, mask.defined() ? mask.squeeze(2) : mask);
  if (whole_batch) {
    output.heads.push_back(head_(output.embedding));
  } else {  // row by row, since a product of other rows rounds otherwise
    std::vector<at::Tensor> logits;
    for (const at::Tensor& row : output.embedding.split(1, 1)) logits.push_back(head_(row));
    output.heads.push_back(at::cat(logits, 1));
  }
  return output;
}

}  // namespace

bool is_text_model(const std::string& model) { return model == "transformer"; }

std::unique_ptr<Model> make_text_network(const ModelOptions& options,
                                         std::span<const StreamKey> keys) {
  const TextParts parts = text_parts(options.text, options.classes);
  return std::make_unique<TextNetwork>(
      options, FlatParameters(parts.trained, keys, options.dtype, options.device),
      FlatParameters(parts.frozen, keys, options.dtype, options.device));
}

std::int64_t text_parameter_count(const ModelOptions& options) {
  const TextParts parts = text_parts(options.text, options.classes);
  return parts.trained.count() + parts.frozen.count();
}

TextWork text_work(const ModelOptions& options, double tokens) {
  const TextEncoderOptions& o = options.text.encoder;
  const auto H = static_cast<double>(o.hidden_size), I = static_cast<double>(o.intermediate_size);
  TextWork work;
  for (std::int64_t l = 0; l < o.layers; ++l) {
    const double once = 2 * tokens * (4 * H * H + 2 * H * I) + 4 * tokens * tokens * H;
    work.forward += once;
    const bool frozen = options.text.frozen > l + 1;
    work.step += (frozen ? 1 : 3) * once;
    if (frozen) continue;
    work.values += tokens * (10 * H + 2 * I) + tokens * tokens * static_cast<double>(o.heads);
  }
  return work;
}

void load_encoder(Model& network, const NamedTensors& weights, const std::string& file) {
  const at::NoGradGuard no_grad;
  EncoderTensors tensors(weights, file);
  for (Leaf& leaf : network.leaves()) {
    if (leaf.name.starts_with("head.")) continue;
    at::Tensor to = leaf.value.detach().select(0, 0);
    const at::Tensor from = tensors.take(leaf.name, to.sizes());
    if (from.defined()) to.copy_(from);
  }
  tensors.throw_if_any();
}

}  // namespace emosweep::models
