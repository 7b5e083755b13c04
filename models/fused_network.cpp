#include "models/fused_network.h"

#include <algorithm>

#include "base/error.h"
#include "models/fused_attention.h"
#include "models/fused_layers.h"

namespace emosweep::models {
namespace {

// What stands between the encoders' z [rows, M * H] and the embedding [rows, H].
template <typename T>
class FusedPart {
 public:
  virtual ~FusedPart() = default;
  virtual const T* forward(const T* parameters, const T* z, const FusedRows<T>& rows,
                           const bool* present) = 0;
  // d: the gradient of the embedding, may be overwritten. dz [rows, M * H] is overwritten.
  virtual void backward(const T* parameters, const T* z, T* d, T* gradient, T* dz) = 0;
};

// The most that an input gradient needs.
template <typename T>
std::int64_t scratch_size(const Parts& parts, std::int64_t rows) {
  std::int64_t most = Dense<T>::scratch_size(parts.head, rows);
  for (const LinearAt& at : parts.fusion) most = std::max(most, Dense<T>::scratch_size(at, rows));
  return most;
}

// Linear, layer norm, ReLU, dropout.
template <typename T>
class Block {
 public:
  Block(const Parts& parts, std::size_t i, const StreamKey& key, std::int64_t rows)
      : dense_(parts.fusion[i], rows, parts.fusion[i].in, parts.fusion[i].out),
        norm_(parts.fusion_norm[i].gamma, parts.fusion_norm[i].beta, rows, parts.fusion[i].out,
              parts.fusion[i].out, true),
        drop_(key, fusion_layer(i), rows, parts.fusion[i].out),
        y_(rows * parts.fusion[i].out) {}

  const T* forward(const T* parameters, const T* x, const FusedRows<T>& rows) {
    dense_.forward(parameters, x, y_.get());
    norm_.forward(parameters, y_.get(), y_.get(),
                  drop_.draw(rows.dropout, rows.step, rows.first_position));
    return y_.get();
  }
  void backward(const T* parameters, const T* x, T* d, T* gradient, T* dx, T* scratch) {
    norm_.backward(parameters, y_.get(), d, gradient);
    dense_.weight_gradient(x, d, gradient);
    dense_.input_gradient(parameters, d, dx, scratch);
  }

 private:
  Dense<T> dense_;
  Norm<T> norm_;
  DropLayer drop_;
  Buffer<T> y_;
};

template <typename T>
class ConcatPart final : public FusedPart<T> {
 public:
  ConcatPart(const Parts& parts, const StreamKey& key, std::int64_t rows)
      : first_(parts, 0, key, rows),
        second_(parts, 1, key, rows),
        d_(rows * parts.fusion[1].in),
        scratch_(scratch_size<T>(parts, rows)) {}

  const T* forward(const T* parameters, const T* z, const FusedRows<T>& rows,
                   const bool*) override {
    hidden_ = first_.forward(parameters, z, rows);
    return second_.forward(parameters, hidden_, rows);
  }
  void backward(const T* parameters, const T* z, T* d, T* gradient, T* dz) override {
    second_.backward(parameters, hidden_, d, gradient, d_.get(), scratch_.get());
    first_.backward(parameters, z, d_.get(), gradient, dz, scratch_.get());
  }

 private:
  Block<T> first_, second_;
  const T* hidden_ = nullptr;
  Buffer<T> d_, scratch_;
};

template <typename T>
class GatedPart final : public FusedPart<T> {
 public:
  GatedPart(const ModelOptions& options, const Parts& parts, std::int64_t rows)
      : M_(static_cast<std::int64_t>(options.inputs.size())),
        H_(options.hidden_size),
        rows_(rows),
        hidden_layer_(parts.fusion[0], rows, M_ * H_, H_),
        logit_layer_(parts.fusion[1], rows, H_, M_),
        norm_(parts.fusion_norm[0].gamma, parts.fusion_norm[0].beta, rows, H_, H_, false),
        hidden_(rows * H_),
        d_hidden_(rows * H_),
        gates_(rows * M_),
        d_logits_(rows * M_),
        sum_(rows * H_),
        scratch_(scratch_size<T>(parts, rows)),
        logit_at_(parts.fusion[1]),
        thin_{rows, H_, M_},
        thin_scratch_(H_ * M_) {}

  const T* forward(const T* parameters, const T* z, const FusedRows<T>&,
                   const bool* present) override {
    gate_ = {rows_, M_, H_, present, z};
    hidden_layer_.forward(parameters, z, hidden_.get());
    relu_forward(hidden_.get(), rows_ * H_);
    thin_forward(thin_, hidden_.get(), parameters + logit_at_.weight, parameters + logit_at_.bias,
                 gates_.get(), thin_scratch_.get());
    gate_forward(gate_, gates_.get(), sum_.get());
    norm_.forward(parameters, sum_.get(), sum_.get());
    return sum_.get();
  }
  void backward(const T* parameters, const T* z, T* d, T* gradient, T* dz) override {
    norm_.backward(parameters, nullptr, d, gradient);
    gate_logits_backward(gate_, gates_.get(), d, d_logits_.get());
    thin_weight_gradient(thin_, hidden_.get(), d_logits_.get(), gradient + logit_at_.weight,
                         thin_scratch_.get());
    sum_rows(d_logits_.get(), rows_, M_, M_, gradient + logit_at_.bias);
    logit_layer_.input_gradient(parameters, d_logits_.get(), d_hidden_.get(), scratch_.get());
    relu_backward(hidden_.get(), d_hidden_.get(), rows_ * H_);
    hidden_layer_.weight_gradient(z, d_hidden_.get(), gradient);
    hidden_layer_.input_gradient(parameters, d_hidden_.get(), dz, scratch_.get());
    gate_values_backward(gate_, gates_.get(), d, true, dz);
  }

 private:
  std::int64_t M_, H_, rows_;
  Dense<T> hidden_layer_, logit_layer_;
  Norm<T> norm_;
  Buffer<T> hidden_, d_hidden_, gates_, d_logits_, sum_, scratch_;
  LinearAt logit_at_;
  ThinShape thin_;
  Buffer<T> thin_scratch_;
  GateRows<T> gate_;
};

template <typename T>
class CrossPart final : public FusedPart<T> {
 public:
  CrossPart(const ModelOptions& options, const Parts& parts, const StreamKey& key,
            std::int64_t rows)
      : attention_(options, parts.attention, rows),
        block_(parts, 0, key, rows),
        d_(rows * parts.fusion[0].in),
        scratch_(scratch_size<T>(parts, rows)) {}

  const T* forward(const T* parameters, const T* z, const FusedRows<T>& rows,
                   const bool* present) override {
    pooled_ = attention_.forward(parameters, z, present);
    return block_.forward(parameters, pooled_, rows);
  }
  void backward(const T* parameters, const T* z, T* d, T* gradient, T* dz) override {
    block_.backward(parameters, pooled_, d, gradient, d_.get(), scratch_.get());
    attention_.backward(parameters, z, d_.get(), gradient, dz);
  }

 private:
  FusedAttention<T> attention_;
  Block<T> block_;
  const T* pooled_ = nullptr;
  Buffer<T> d_, scratch_;
};

template <typename T>
std::unique_ptr<FusedPart<T>> make_part(const ModelOptions& options, const Parts& parts,
                                        const StreamKey& key, std::int64_t rows) {
  switch (options.fusion) {
    case Fusion::none:
      return nullptr;
    case Fusion::concat:
      return std::make_unique<ConcatPart<T>>(parts, key, rows);
    case Fusion::gated:
      return std::make_unique<GatedPart<T>>(options, parts, rows);
    case Fusion::cross_attention:
      return std::make_unique<CrossPart<T>>(options, parts, key, rows);
  }
  EMO_CHECK(false, "every fusion has its part");
}

template <typename T>
class Network final : public FusedNetwork<T> {
 public:
  Network(const ModelOptions& options, const StreamKey& key, std::int64_t rows)
      : parts_(parts_of(options)),
        M_(static_cast<std::int64_t>(options.inputs.size())),
        H_(options.hidden_size),
        rows_(rows),
        z_(rows * M_ * H_),
        dz_(rows * M_ * H_),
        all_present_(rows * M_),
        part_(make_part<T>(options, parts_, key, rows)),
        head_(parts_.head, rows, H_, parts_.head.out),
        logits_(rows * parts_.head.out),
        d_embedding_(rows * H_),
        scratch_(scratch_size<T>(parts_, rows)) {
    const std::vector<std::string> layers = encoder_layers(options);
    for (std::size_t m = 0; m < options.inputs.size(); ++m) {
      const LinearAt& at = parts_.encoders[m];
      const std::int64_t shift = static_cast<std::int64_t>(m) * H_;
      x_.emplace_back(rows * at.in);
      encoders_.emplace_back(at, rows, at.in, M_ * H_);
      norms_.emplace_back(parts_.encoder_norm.gamma + shift, parts_.encoder_norm.beta + shift, rows,
                          H_, M_ * H_, true);
      drops_.emplace_back(key, layers[m], rows, H_);
      present_.emplace_back(rows);
    }
  }

  const T* forward(const T* parameters, const FusedRows<T>& rows) override {
    const bool some = gather(rows);
    for (std::size_t m = 0; m < encoders_.size(); ++m) {
      T* z = z_.get() + static_cast<std::int64_t>(m) * H_;
      encoders_[m].forward(parameters, x_[m].get(), z);
      norms_[m].forward(parameters, z, z,
                        drops_[m].draw(rows.dropout, rows.step, rows.first_position),
                        some ? present_[m].get() : nullptr);
    }
    embedding_ = z_.get();
    if (part_) {
      embedding_ = part_->forward(parameters, z_.get(), rows, some ? all_present_.get() : nullptr);
    }
    head_.forward(parameters, embedding_, logits_.get());
    return logits_.get();
  }

  void backward(const T* parameters, const T* d_logits, T* gradient) override {
    head_.weight_gradient(embedding_, d_logits, gradient);
    T* d = part_ ? d_embedding_.get() : dz_.get();
    head_.input_gradient(parameters, d_logits, d, scratch_.get());
    if (part_) part_->backward(parameters, z_.get(), d, gradient, dz_.get());
    for (std::size_t m = 0; m < encoders_.size(); ++m) {
      const std::int64_t shift = static_cast<std::int64_t>(m) * H_;
      norms_[m].backward(parameters, z_.get() + shift, dz_.get() + shift, gradient);
      encoders_[m].weight_gradient(x_[m].get(), dz_.get() + shift, gradient);
    }
  }

  const T* embedding() const override { return embedding_; }

 private:
  // Whatever stands in the features of an absent modality must not reach a gradient. Returns
  // whether any modality may be absent.
  bool gather(const FusedRows<T>& rows) {
    bool some = false;
    for (std::size_t m = 0; m < x_.size(); ++m) {
      const std::int64_t width = parts_.encoders[m].in;
      const bool* present = rows.present[m];
      some = some || present != nullptr;
      for (std::int64_t i = 0; i < rows_; ++i) {
        const std::int64_t r = rows.row ? rows.row[i] : i;
        const bool here = !present || present[r];
        T* to = x_[m].get() + i * width;
        if (here) {
          std::copy_n(rows.x[m] + r * width, width, to);
        } else {
          std::fill_n(to, width, T(0));
        }
        present_[m][i] = here;
        all_present_[i * M_ + static_cast<std::int64_t>(m)] = here;
      }
    }
    return some;
  }

  Parts parts_;
  std::int64_t M_, H_, rows_;
  std::vector<Buffer<T>> x_;
  Buffer<T> z_, dz_;
  std::vector<Dense<T>> encoders_;
  std::vector<Norm<T>> norms_;
  std::vector<DropLayer> drops_;
  std::vector<Buffer<bool>> present_;
  Buffer<bool> all_present_;
  std::unique_ptr<FusedPart<T>> part_;
  Dense<T> head_;
  Buffer<T> logits_, d_embedding_, scratch_;
  const T* embedding_ = nullptr;
};

}  // namespace

std::string why_not_fused(const ModelOptions& options, std::int64_t rows) {
  if (is_image_model(options.model)) return options.model + " has no fused kernels";
  constexpr std::int64_t kWidest = 512, kMostRows = 512;
  if (options.hidden_size > kWidest) {
    return "hidden_size is above " + std::to_string(kWidest);
  }
  if (rows > kMostRows) return "a batch has more than " + std::to_string(kMostRows) + " rows";
  for (std::size_t m = 0; m < options.widths.size(); ++m) {
    constexpr std::int64_t kMostFeatures = 4096;
    if (options.widths[m] > kMostFeatures) {
      return options.inputs[m] + " has more than " + std::to_string(kMostFeatures) + " features";
    }
  }
  constexpr std::int64_t kLargest = std::int64_t{1} << 20;  // elements of a matrix, of attention
  const auto M = static_cast<std::int64_t>(options.inputs.size());
  if (options.fusion == Fusion::cross_attention) {
    const std::int64_t T = options.tokens, H = options.hidden_size;
    if (H * T * H > kLargest || rows * M * options.heads * T * (M - 1) * T > 4 * kLargest) {
      return "attention over " + std::to_string(T) + " tokens of each modality is large";
    }
  }
  return "";
}

template <typename T>
std::unique_ptr<FusedNetwork<T>> make_fused_network(const ModelOptions& options,
                                                    const StreamKey& key, std::int64_t rows) {
  return std::make_unique<Network<T>>(options, key, rows);
}
template std::unique_ptr<FusedNetwork<float>> make_fused_network(const ModelOptions&,
                                                                 const StreamKey&, std::int64_t);
template std::unique_ptr<FusedNetwork<double>> make_fused_network(const ModelOptions&,
                                                                  const StreamKey&, std::int64_t);

}  // namespace emosweep::models
