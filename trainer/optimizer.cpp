#include "trainer/optimizer.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "trainer/archive.h"
#include "trainer/optimizer_kernels.h"

namespace emosweep::trainer {
namespace {

constexpr double kBeta1 = 0.9, kBeta2 = 0.999, kEpsilon = 1e-8;

void check(const OptimizerOptions& o, const OptimizerOptions& first) {
  const auto need = [](bool good, const std::string& message) {
    if (!good) throw InputError(message);
  };
  need(o.optimizer == "adamw" || o.optimizer == "adam" || o.optimizer == "sgd",
       "optimizer: " + o.optimizer + " is unknown (adamw, adam, sgd)");
  need(o.optimizer == first.optimizer, "the trials of a pack share one optimizer");
  need(o.lr >= 0 && std::isfinite(o.lr), "lr: a finite number from 0 is expected");
  need(o.weight_decay >= 0, "weight_decay: a number from 0 is expected");
  need(o.momentum >= 0 && o.momentum < 1, "momentum: 0 <= momentum < 1 is expected");
  need(o.clip_norm >= 0, "clip_norm: a number from 0 is expected (0 = off)");
}

// Ranges that cover the row [0, n): those given, and between them what learns at the rate itself.
std::vector<models::RateRange> whole_row(const std::vector<models::RateRange>& given,
                                         std::int64_t n) {
  std::vector<models::RateRange> all;
  std::int64_t at = 0;
  for (const models::RateRange& range : given) {
    EMO_CHECK(range.begin >= at && range.end <= n, "ranges of learning rates ascend");
    if (range.begin > at) all.push_back({at, range.begin, 1});
    all.push_back(range);
    at = range.end;
  }
  if (at < n) all.push_back({at, n, 1});
  return all;
}

}  // namespace

Optimizer::Optimizer(std::vector<OptimizerOptions> options, const at::Tensor& flat,
                     const at::Tensor& decay_mask, std::vector<models::RateRange> ranges)
    : options_(std::move(options)), ranges_(whole_row(ranges, flat.size(1))) {
  EMO_CHECK(flat.dim() == 2 && flat.is_contiguous(), "flat parameters [K,P] expected");
  EMO_CHECK(flat.size(0) == static_cast<std::int64_t>(options_.size()),
            "one option struct a trial");
  EMO_CHECK(decay_mask.numel() == flat.size(1), "decay mask [P] expected");
  for (const OptimizerOptions& o : options_) check(o, options_[0]);
  adam_ = options_[0].optimizer != "sgd";
  decoupled_ = options_[0].optimizer == "adamw";
  first_ = at::zeros(flat.sizes(), flat.options());
  if (adam_) second_ = at::zeros(flat.sizes(), flat.options());
  mask_ = decay_mask.to(flat.options()).contiguous();
  if (flat.is_cpu()) cut_segments(decay_mask);
  updates_.assign(options_.size(), 0);
  usable_.assign(options_.size(), 1);
}

// A mask in the loops would be one more stream of memory beside the seven of an update.
void Optimizer::cut_segments(const at::Tensor& decay_mask) {
  const at::Tensor mask = decay_mask.to(at::kCPU, at::kDouble).contiguous();
  const double* decays = mask.const_data_ptr<double>();
  for (const models::RateRange& range : ranges_) {
    for (std::int64_t i = range.begin; i < range.end; ++i) {
      const bool decay = decays[i] != 0;
      if (i == range.begin || decay != segments_.back().decays)
        segments_.push_back({i, i, range.scale, decay});
      segments_.back().end = i + 1;
    }
  }
}

Optimizer::Blend Optimizer::blend_of(std::size_t k, double rate, double scale) const {
  const OptimizerOptions& o = options_[k];
  Blend blend{scale, 1, decoupled_ ? 0.0 : o.weight_decay, rate, 1};
  if (!adam_) return blend;
  const auto t = static_cast<double>(updates_[k]);
  if (decoupled_) blend.keep = 1 - rate * o.weight_decay;
  blend.step_size = rate / (1 - std::pow(kBeta1, t));
  blend.root_scale = 1 / std::sqrt(1 - std::pow(kBeta2, t));
  return blend;
}

double Optimizer::clip_scale(std::size_t k, double norm) const {
  const double clip = options_[k].clip_norm;
  return clip > 0 ? std::min(1.0, clip / (norm + 1e-6)) : 1.0;
}

template <typename T>
bool Optimizer::update(T* value, const T* gradient, std::size_t k, double rate, double scale) {
  ++updates_[k];
  bool usable = true;
  const std::int64_t row = static_cast<std::int64_t>(k) * mask_.numel();
  Blend blend;
  double rate_scale = std::numeric_limits<double>::quiet_NaN();  // of the segment before
  for (const Segment& segment : segments_) {
    if (segment.rate_scale != rate_scale) {
      rate_scale = segment.rate_scale;
      blend = blend_of(k, rate * rate_scale, scale);
    }
    usable = update_segment(value + row, gradient + row, k, segment, blend) && usable;
  }
  return usable;
}

// value, gradient: of trial k.
template <typename T>
bool Optimizer::update_segment(T* value, const T* gradient, std::size_t k, const Segment& segment,
                               const Blend& blend) {
  const std::int64_t n = segment.end - segment.begin,
                     row = static_cast<std::int64_t>(k) * mask_.numel() + segment.begin;
  T* first = first_.mutable_data_ptr<T>() + row;
  value += segment.begin, gradient += segment.begin;
  const T penalty = static_cast<T>(segment.decays ? blend.penalty : 0);
  if (!adam_) {
    return sgd_step(
        value, gradient, first, n,
        SgdStep<T>{static_cast<T>(blend.scale), penalty, static_cast<T>(options_[k].momentum),
                   static_cast<T>(blend.step_size)});
  }
  AdamStep<T> s;
  s.scale = static_cast<T>(blend.scale);
  s.keep = static_cast<T>(segment.decays ? blend.keep : 1);
  s.penalty = penalty;
  s.blend1 = static_cast<T>(1 - kBeta1);
  s.beta2 = static_cast<T>(kBeta2);
  s.blend2 = static_cast<T>(1 - kBeta2);
  s.step_size = static_cast<T>(blend.step_size);
  s.root_scale = static_cast<T>(blend.root_scale);
  s.epsilon = static_cast<T>(kEpsilon);
  return adam_step(value, gradient, first, second_.mutable_data_ptr<T>() + row, n, s);
}

// The same rules by ATen's operations, on devices other than the CPU. value, gradient: [P] of trial
// k.
void Optimizer::update_by_aten(const at::Tensor& value, const at::Tensor& gradient, std::size_t k,
                               double rate, double scale) {
  const auto row = static_cast<std::int64_t>(k);
  for (const models::RateRange& range : ranges_) {
    const auto part = [&](const at::Tensor& x) {
      return x.narrow(0, range.begin, range.end - range.begin);
    };
    const at::Tensor p = part(value), mask = part(mask_), first = part(first_[row]);
    const Blend blend = blend_of(k, rate * range.scale, scale);
    at::Tensor g = part(gradient);
    if (blend.scale != 1) g = g * blend.scale;
    if (blend.penalty != 0) g = g.addcmul(p, mask, blend.penalty);
    if (!adam_) {
      first.mul_(options_[k].momentum).add_(g);
      p.sub_(first, blend.step_size);
      continue;
    }
    const at::Tensor second = part(second_[row]);
    first.lerp_(g, 1 - kBeta1);
    second.mul_(kBeta2).addcmul_(g, g, 1 - kBeta2);
    if (blend.keep != 1) p.addcmul_(p, mask, blend.keep - 1);
    p.addcdiv_(first, second.sqrt().mul_(blend.root_scale).add_(kEpsilon), -blend.step_size);
  }
}

void Optimizer::step_by_aten(const at::Tensor& flat, const at::Tensor& gradient,
                             std::span<const double> rates, std::span<const std::uint8_t> active) {
  const at::NoGradGuard no_grad;
  const at::Tensor norms =
      at::linalg_vector_norm(gradient, 2, at::IntArrayRef{1}, false, at::kDouble).to(at::kCPU);
  for (std::size_t k = 0; k < options_.size(); ++k) {
    if (!active.empty() && !active[k]) continue;
    const double norm = norms.const_data_ptr<double>()[k];
    usable_[k] = std::isfinite(norm) ? 1 : 0;
    if (!usable_[k]) continue;
    ++updates_[k];
    const auto row = static_cast<std::int64_t>(k);
    update_by_aten(flat[row], gradient[row], k, rates[k], clip_scale(k, norm));
  }
}

const std::vector<std::uint8_t>& Optimizer::step(const at::Tensor& flat, const at::Tensor& gradient,
                                                 std::span<const double> rates,
                                                 std::span<const std::uint8_t> active) {
  EMO_CHECK(gradient.is_contiguous() && gradient.sizes() == flat.sizes(),
            "gradient [K,P] expected");
  EMO_CHECK(rates.size() == options_.size(), "one learning rate a trial");
  if (!flat.is_cpu()) {
    step_by_aten(flat, gradient, rates, active);
    return usable_;
  }
  const auto run = [&]<typename T>(T* value, const T* g) {
    const std::int64_t n = mask_.numel();
    for (std::size_t k = 0; k < options_.size(); ++k) {
      if (!active.empty() && !active[k]) continue;
      double scale = 1;
      if (options_[k].clip_norm > 0) {
        const double norm = std::sqrt(sum_of_squares(g + static_cast<std::int64_t>(k) * n, n));
        usable_[k] = std::isfinite(norm) ? 1 : 0;
        if (!usable_[k]) continue;
        scale = clip_scale(k, norm);
      }
      usable_[k] = update(value, g, k, rates[k], scale) ? 1 : 0;
    }
  };
  if (flat.scalar_type() == at::kFloat) {
    run(flat.mutable_data_ptr<float>(), gradient.const_data_ptr<float>());
  } else {
    run(flat.mutable_data_ptr<double>(), gradient.const_data_ptr<double>());
  }
  return usable_;
}

void Optimizer::select(std::span<const std::int64_t> trials) {
  std::vector<OptimizerOptions> options;
  std::vector<std::int64_t> updates;
  std::vector<at::Tensor> first, second;
  for (const std::int64_t k : trials) {
    options.push_back(options_.at(static_cast<std::size_t>(k)));
    updates.push_back(updates_[static_cast<std::size_t>(k)]);
    first.push_back(first_[k]);
    if (adam_) second.push_back(second_[k]);
  }
  options_ = std::move(options);
  updates_ = std::move(updates);
  first_ = at::stack(first);
  if (adam_) second_ = at::stack(second);
  usable_.assign(options_.size(), 1);
}

void Optimizer::archive(Archive& a) {
  a.tensor("optimizer.first", first_);
  if (adam_) a.tensor("optimizer.second", second_);
  a.values("optimizer.updates", updates_);
}

}  // namespace emosweep::trainer
