#include "models/first_block.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "base/wide.h"
#include "models/norm_node.h"
#include "models/norm_pool.h"
#include "models/pool_lanes.h"

namespace emosweep::models {
namespace {

constexpr std::int64_t kTaps = 9;

// A row of a padded image is W + 2 pixels.
struct Shape {
  std::int64_t n, H, W, C;
  std::int64_t line() const { return W + 2; }
  std::int64_t padded() const { return (H + 2) * line(); }
};

// weight [9, C] and shift [C]: the batch norm is in them.
template <typename T>
EMO_BODY void forward_body(const T* padded, Shape s, const T* weight, const T* shift, T* out,
                           Place<T>* places) {
  using L = Lanes<T>;
  constexpr int kRegisters = 2;
  for (std::int64_t h = 0; h < s.H / 2; ++h) {
    for (std::int64_t w = 0; w < s.W / 2; ++w, out += s.C) {
      const T* x = padded + 2 * h * s.line() + 2 * w;
      for (std::int64_t c = 0; c < s.C; c += kRegisters * L::count) {
        typename L::Vector sum[kRegisters][4];
        for (int r = 0; r < kRegisters; ++r) {
          for (auto& to : sum[r]) L::load(shift + c + r * L::count, to);
        }
#pragma GCC unroll 9
        for (std::int64_t t = 0; t < kTaps; ++t) {
          typename L::Vector by[kRegisters];
          for (int r = 0; r < kRegisters; ++r) L::load(weight + t * s.C + c + r * L::count, by[r]);

#pragma GCC unroll 4
          for (int k = 0; k < 4; ++k) {
            const T pixel = x[(t / 3 + k / 2) * s.line() + t % 3 + k % 2];
            for (int r = 0; r < kRegisters; ++r) sum[r][k] += pixel * by[r];
          }
        }
        for (int r = 0; r < kRegisters; ++r) {
          typename L::Vector best;
          typename L::Mask place;
          relu_max<T>(sum[r], best, place);
          L::store(best, out + c + r * L::count);
          if (places) L::store(place, places + c + r * L::count);
        }
      }
      if (places) places += s.C;
    }
  }
}

// Adds to sums [10, C] what the gradient g behind the norm has with every tap's pixel, and g.
template <typename T>
EMO_BODY void backward_body(const T* outer, const Place<T>* places, const T* padded, Shape s,
                            double* sums) {
  using L = Lanes<T>;
  for (std::int64_t h = 0; h < s.H / 2; ++h) {
    const std::int64_t row = h * (s.W / 2) * s.C;
    for (std::int64_t c = 0; c < s.C; c += L::count) {
      typename L::Vector sum[kTaps] = {}, whole{};
      const T* x = padded + 2 * h * s.line();
      for (std::int64_t w = 0; w < s.W / 2; ++w, x += 2) {
        typename L::Vector g;
        typename L::Mask place;
        L::load(outer + row + w * s.C + c, g), L::load(places + row + w * s.C + c, place);
        whole += place == kNoPlace ? typename L::Vector{} : g;

#pragma GCC unroll 4
        for (int k = 0; k < 4; ++k) {
          const typename L::Vector here = place == k ? g : typename L::Vector{};
#pragma GCC unroll 9
          for (std::int64_t t = 0; t < kTaps; ++t) {
            sum[t] += x[(t / 3 + k / 2) * s.line() + t % 3 + k % 2] * here;
          }
        }
      }
      for (std::int64_t j = 0; j < L::count; ++j) {
        for (std::int64_t t = 0; t < kTaps; ++t) {
          sums[t * s.C + c + j] += static_cast<double>(sum[t][j]);
        }
        sums[kTaps * s.C + c + j] += static_cast<double>(whole[j]);
      }
    }
  }
}

// Adds the products of tap I's pixels with those of the taps behind it to products [9, 9], and
// their sum to sums [9].
template <int I>
EMO_BODY void tap_body(const double* line, std::int64_t stride, std::int64_t W, double* sums,
                       double* products) {
  using L = Lanes<double>;
  constexpr int kBehind = kTaps - I;
  const double* at[kBehind];
  for (int j = 0; j < kBehind; ++j) at[j] = line + (I + j) / 3 * stride + (I + j) % 3;
  L::Vector sum{}, product[kBehind] = {};
  std::int64_t w = 0;
  for (; w + L::count <= W; w += L::count) {
    L::Vector a, b;
    L::load(at[0] + w, a);
    sum += a;
#pragma GCC unroll 9
    for (int j = 0; j < kBehind; ++j) {
      L::load(at[j] + w, b);
      product[j] += a * b;
    }
  }
  for (; w < W; ++w) {
    sum[0] += at[0][w];
    for (int j = 0; j < kBehind; ++j) product[j][0] += at[0][w] * at[j][w];
  }
  for (std::int64_t l = 0; l < L::count; ++l) {
    sums[I] += sum[l];
    for (int j = 0; j < kBehind; ++j) products[I * kTaps + I + j] += product[j][l];
  }
}

// T is double: the image's own precision comes in at the conversion.
template <typename T>
EMO_BODY void pixels_body(const T* padded, Shape s, double* sums, double* products) {
  for (std::int64_t h = 0; h < s.H; ++h) {
    const double* line = padded + h * s.line();
    tap_body<0>(line, s.line(), s.W, sums, products);
    tap_body<1>(line, s.line(), s.W, sums, products);
    tap_body<2>(line, s.line(), s.W, sums, products);
    tap_body<3>(line, s.line(), s.W, sums, products);
    tap_body<4>(line, s.line(), s.W, sums, products);
    tap_body<5>(line, s.line(), s.W, sums, products);
    tap_body<6>(line, s.line(), s.W, sums, products);
    tap_body<7>(line, s.line(), s.W, sums, products);
    tap_body<8>(line, s.line(), s.W, sums, products);
  }
}

EMO_BOTH(forward)
EMO_BOTH(backward)
EMO_BOTH(pixels)

Shape shape_of(const at::Tensor& images, std::int64_t channels) {
  return {images.size(0), images.size(2), images.size(3), channels};
}

// Less `centre`, to rows with a pixel of 0 on either side, between two rows of 0.
template <typename From, typename To>
void pad(const From* image, Shape s, To centre, std::vector<To>& to) {
  to.assign(static_cast<std::size_t>(s.padded()), -centre);
  for (std::int64_t h = 0; h < s.H; ++h) {
    To* line = to.data() + (h + 1) * s.line() + 1;
    for (std::int64_t w = 0; w < s.W; ++w) line[w] = static_cast<To>(image[h * s.W + w]) - centre;
  }
}

// An image's own mean: decibels are far from 0, and their differences would lose digits beside it.
template <typename T>
T centre_of(const T* image, Shape s) {
  double sum = 0;
  for (std::int64_t i = 0; i < s.H * s.W; ++i) sum += static_cast<double>(image[i]);
  return static_cast<T>(sum / static_cast<double>(std::max<std::int64_t>(1, s.H * s.W)));
}

// Of the nine pixels around every place of this rank's images.
struct Pixels {
  double count = 0;
  double sum[kTaps] = {}, product[kTaps * kTaps] = {};

  double mean(std::size_t t) const { return count > 0 ? sum[t] / count : 0; }
  double around_mean(std::size_t t, std::size_t u) const {
    return product[t * kTaps + u] - mean(t) * sum[u];
  }
};

template <typename T>
Pixels pixels_of(const at::Tensor& images) {
  const Shape s = shape_of(images, 0);
  Pixels all;
  all.count = static_cast<double>(s.n * s.H * s.W);
  std::vector<double> padded;
  for (std::int64_t i = 0; i < s.n; ++i) {
    pad(images.const_data_ptr<T>() + i * s.H * s.W, s, 0.0, padded);
    pixels<double>(padded.data(), s, all.sum, all.product);
  }
  for (std::size_t t = 0; t < kTaps; ++t) {
    for (std::size_t u = 0; u < t; ++u) all.product[t * kTaps + u] = all.product[u * kTaps + t];
  }
  return all;
}

// [C][9]
Numbers taps_of(const at::Tensor& weight) {
  return numbers_of(weight.to(at::kDouble).contiguous());
}

Moments moments_of(const Pixels& pixels, const Numbers& taps) {
  const std::size_t C = taps.size() / kTaps;
  Moments own{pixels.count, Numbers(C, 0), Numbers(C, 0)};
  for (std::size_t c = 0; c < C; ++c) {
    const double* w = taps.data() + c * kTaps;
    for (std::size_t t = 0; t < kTaps; ++t) {
      own.mean[c] += w[t] * pixels.mean(t);
      for (std::size_t u = 0; u < kTaps; ++u) own.m2[c] += w[t] * w[u] * pixels.around_mean(t, u);
    }
    own.m2[c] = std::max(0.0, own.m2[c]);
  }
  return own;
}

// places: null where no backward pass follows.
template <typename T>
at::Tensor run_forward(const at::Tensor& images, const Numbers& taps, const Affine& affine,
                       at::Tensor* places) {
  const std::size_t C = affine.scale.size();
  const Shape s = shape_of(images, static_cast<std::int64_t>(C));
  const auto format = at::MemoryFormat::ChannelsLast;
  at::Tensor y = at::empty({s.n, s.C, s.H / 2, s.W / 2}, images.options(), format);
  if (places) *places = at::empty({y.numel()}, kPlaceType<T>);
  std::vector<T> weight(kTaps * C), shift(C), padded;
  Numbers whole(C, 0);  // of a channel's weights
  for (std::size_t i = 0; i < weight.size(); ++i) {
    const double w = taps[i % C * kTaps + i / C] * affine.scale[i % C];
    weight[i] = static_cast<T>(w);
    whole[i % C] += w;
  }
  const std::int64_t size = s.C * (s.H / 2) * (s.W / 2);
  for (std::int64_t i = 0; i < s.n; ++i) {
    const T* image = images.const_data_ptr<T>() + i * s.H * s.W;
    const T centre = centre_of(image, s);
    pad(image, s, centre, padded);
    for (std::size_t c = 0; c < C; ++c) {
      shift[c] = static_cast<T>(affine.shift[c] + whole[c] * static_cast<double>(centre));
    }
    forward<T>(
        padded.data(), s, weight.data(), shift.data(), y.mutable_data_ptr<T>() + i * size,
        places ? places->mutable_data_ptr<Place<T>>() + i * size : static_cast<Place<T>*>(nullptr));
  }
  return y;
}

// [10, C]
template <typename T>
Numbers run_backward(const at::Tensor& outer, const at::Tensor& images, const at::Tensor& places) {
  const Shape s = shape_of(images, outer.size(1));
  Numbers sums(static_cast<std::size_t>((kTaps + 1) * s.C), 0);
  const std::size_t last = static_cast<std::size_t>(kTaps * s.C);
  std::vector<T> padded;
  const std::int64_t size = s.C * (s.H / 2) * (s.W / 2);
  for (std::int64_t i = 0; i < s.n; ++i) {
    const T* image = images.const_data_ptr<T>() + i * s.H * s.W;
    const T centre = centre_of(image, s);
    pad(image, s, centre, padded);
    Numbers own(sums.size(), 0);
    backward<T>(outer.const_data_ptr<T>() + i * size, places.const_data_ptr<Place<T>>() + i * size,
                padded.data(), s, own.data());
    for (std::size_t j = 0; j < own.size(); ++j) {
      sums[j] += own[j];
      if (j < last) {
        sums[j] += own[last + j % static_cast<std::size_t>(s.C)] * static_cast<double>(centre);
      }
    }
  }
  return sums;
}

// Sum over places of the convolution's gradient g * by_gradient - (y - mean) * by_value - constant
// times every tap's pixel: [C, 9]. `sums` as backward_body has them.
Numbers weight_gradient(const Pixels& pixels, const Numbers& taps, const Numbers& sums,
                        const Numbers& mean, const InputGradient& by) {
  const std::size_t C = mean.size();
  Numbers d(kTaps * C);
  for (std::size_t c = 0; c < C; ++c) {
    const double* w = taps.data() + c * kTaps;
    double own_mean = 0;
    for (std::size_t t = 0; t < kTaps; ++t) own_mean += w[t] * pixels.mean(t);
    for (std::size_t u = 0; u < kTaps; ++u) {
      double along = (own_mean - mean[c]) * pixels.sum[u];  // sum of (y - mean) * pixel
      for (std::size_t t = 0; t < kTaps; ++t) along += w[t] * pixels.around_mean(t, u);
      d[c * kTaps + u] = by.by_gradient[c] * sums[u * C + c] - by.by_value[c] * along -
                         by.constant[c] * pixels.sum[u];
    }
  }
  return d;
}

Pixels pixels_in(const at::Tensor& images) {
  return images.scalar_type() == at::kFloat ? pixels_of<float>(images) : pixels_of<double>(images);
}

struct FirstNode : torch::autograd::Function<FirstNode> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& images,
                            const at::Tensor& weight, const at::Tensor& gamma,
                            const at::Tensor& beta, const BatchNormAt& at, Collective* team) {
    const Pixels pixels = pixels_in(images);
    const Numbers taps = taps_of(weight);
    const Moments all = combined(moments_of(pixels, taps), team);
    move_running(at, all);
    const Kept kept = kept_of(all);
    const auto run = images.scalar_type() == at::kFloat ? run_forward<float> : run_forward<double>;
    at::Tensor places;
    at::Tensor y = run(images, taps, affine_of(kept, {gamma, beta, {}, {}}), &places);
    save(context, {images, weight, gamma, places}, kept, team);
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list outers) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &images = saved[0], &weight = saved[1], &gamma = saved[2];
    const Kept kept = saved_kept(context, saved);
    const at::Tensor outer = outers[0].contiguous(at::MemoryFormat::ChannelsLast);
    const auto run = outer.scalar_type() == at::kFloat ? run_backward<float> : run_backward<double>;
    const Numbers sums = run(outer, images, saved[3]), taps = taps_of(weight);
    const std::size_t C = kept.mean.size();
    const Numbers whole(sums.begin() + static_cast<long>(kTaps * C), sums.end());
    Numbers products(C);  // of g and y - mean
    for (std::size_t c = 0; c < C; ++c) {
      products[c] = -kept.mean[c] * whole[c];
      for (std::size_t t = 0; t < kTaps; ++t) products[c] += taps[c * kTaps + t] * sums[t * C + c];
    }
    at::Tensor d_gamma, d_beta;
    const InputGradient by =
        input_gradient_of(kept, gamma, whole, products, saved_team(context), d_gamma, d_beta);
    const Numbers d = weight_gradient(pixels_in(images), taps, sums, kept.mean, by);
    return {at::Tensor(), tensor_of(d).view(weight.sizes()).to(weight.scalar_type()),
            d_gamma,      d_beta,
            at::Tensor(), at::Tensor()};
  }
};

void check(const at::Tensor& images, const at::Tensor& weight, const BatchNormAt& at) {
  EMO_CHECK(images.dim() == 4 && images.size(1) == 1 && images.is_contiguous() &&
                images.device().is_cpu() &&
                (images.scalar_type() == at::kFloat || images.scalar_type() == at::kDouble),
            "images are [n, 1, H, W], float32 or float64 on the CPU");
  EMO_CHECK(weight.numel() == at.gamma.numel() * kTaps && at.gamma.numel() % 16 == 0,
            "the first layer's weights are [C, 1, 3, 3], C a multiple of 16");
}

}  // namespace

at::Tensor first_block_train(const at::Tensor& images, const at::Tensor& weight,
                             const BatchNormAt& at, Collective* team) {
  if (!images.is_cpu()) return norm_max_train(at::conv2d(images, weight, {}, 1, 1), at, team);
  check(images, weight, at);
  return FirstNode::apply(images, weight, at.gamma, at.beta, at, team);
}

at::Tensor first_block_evaluate(const at::Tensor& images, const at::Tensor& weight,
                                const BatchNormAt& at) {
  if (!images.is_cpu()) return norm_max_evaluate(at::conv2d(images, weight, {}, 1, 1), at);
  check(images, weight, at);
  const auto run = images.scalar_type() == at::kFloat ? run_forward<float> : run_forward<double>;
  return run(images, taps_of(weight), affine_of_running(at), nullptr);
}

}  // namespace emosweep::models
