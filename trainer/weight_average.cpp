#include "trainer/weight_average.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "base/error.h"
#include "trainer/archive.h"
#include "trainer/optimizer_kernels.h"

namespace emosweep::trainer {
namespace {

void blend(const at::Tensor& average, const at::Tensor& value, double share) {
  if (!value.is_cpu() || !value.is_contiguous()) {
    average.lerp_(value, share);
  } else if (value.scalar_type() == at::kFloat) {
    average_step(average.mutable_data_ptr<float>(), value.const_data_ptr<float>(), value.numel(),
                 static_cast<float>(share));
  } else {
    average_step(average.mutable_data_ptr<double>(), value.const_data_ptr<double>(), value.numel(),
                 share);
  }
}

void exchange(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor kept = a.clone();
  a.copy_(b);
  b.copy_(kept);
}

// The weights of row r, and each of its running values, beside those of trial t.
template <typename Do>
void each(const at::Tensor& flat, const std::vector<models::Leaf>& state, std::int64_t t,
          models::Model& model, std::int64_t r, const Do& act) {
  act(flat.select(0, t), model.flat().select(0, r));
  for (std::size_t i = 0; i < state.size(); ++i)
    act(state[i].value.select(0, t), model.state()[i].value.select(0, r));
}

std::int64_t number(std::size_t n) { return static_cast<std::int64_t>(n); }

}  // namespace

double average_decay(double decay, std::int64_t update) {
  const auto t = static_cast<double>(update);
  return std::min(decay, (1 + t) / (10 + t));
}

WeightAverage::WeightAverage(std::vector<double> decays, models::Model& model)
    : decays_(std::move(decays)) {
  for (const double decay : decays_) {
    if (!(decay >= 0 && decay < 1)) throw InputError("ema_decay: 0 <= ema_decay < 1 is expected");
  }
  if (std::all_of(decays_.begin(), decays_.end(), [](double d) { return d == 0; })) return;
  EMO_CHECK(model.flat().size(0) == number(decays_.size()), "one decay a trial");
  const at::NoGradGuard no_grad;
  flat_ = model.flat().detach().clone();
  state_ = model.state();
  for (models::Leaf& leaf : state_) {
    EMO_CHECK(leaf.value.is_floating_point(), "running values are numbers that have a mean");
    leaf.value = leaf.value.detach().clone();
  }
}

void WeightAverage::step(models::Model& model, std::span<const std::size_t> trials,
                         std::span<const std::uint8_t> active, std::int64_t update) {
  if (!any()) return;
  const at::NoGradGuard no_grad;
  for (std::size_t row = 0; row < trials.size(); ++row) {
    const double decay = decays_[trials[row]];
    if (!active[row] || decay == 0) continue;
    const double share = 1 - average_decay(decay, update);
    each(flat_, state_, number(trials[row]), model, number(row),
         [&](const at::Tensor& average, const at::Tensor& now) { blend(average, now, share); });
  }
}

void WeightAverage::swap(models::Model& model, std::span<const std::size_t> trials) {
  if (!any()) return;
  const at::NoGradGuard no_grad;
  for (std::size_t row = 0; row < trials.size(); ++row) {
    if (decays_[trials[row]] > 0)
      each(flat_, state_, number(trials[row]), model, number(row), exchange);
  }
}

void WeightAverage::put(models::Model& model, std::size_t trial) const {
  if (!any() || decays_[trial] == 0) return;
  const at::NoGradGuard no_grad;
  each(flat_, state_, number(trial), model, number(trial),
       [](const at::Tensor& average, const at::Tensor& now) { now.copy_(average); });
}

void WeightAverage::archive(Archive& a) {
  if (!any()) return;
  a.tensor("average.flat", flat_);
  a.leaves("average.state.", state_);
}

}  // namespace emosweep::trainer
