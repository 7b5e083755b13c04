// AdamW, Adam and SGD over the flat parameters of a pack, one pass per trial and step.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "models/model.h"
#include "trainer/trial.h"

namespace emosweep::trainer {

class Archive;

// PyTorch's update rules, with its defaults beta1 = .9, beta2 = .999, epsilon = 1e-8. At update t
// (from 1) of a trial:
//   adamw  p <- p (1 - lr wd);  m, v from g;  p <- p - lr / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 -
//   beta2^t) + eps) adam   g <- g + wd p;       the same without the first line sgd    g <- g + wd
//   p;       u <- momentum u + g;  p <- p - lr u
// wd acts where the decay mask is 1. With clip_norm c > 0 the whole gradient of a trial is first
// multiplied by min(1, c / (norm + 1e-6)).
class Optimizer {
 public:
  // One option struct a trial, the optimizer's name shared. flat: [K,P] float32 or float64,
  // contiguous, on any device: moments stand beside it; decay_mask: [P]; ranges: where the rates of
  // step() are multiplied, ascending. InputError for an unknown optimizer or a value out of range.
  Optimizer(std::vector<OptimizerOptions> options, const at::Tensor& flat,
            const at::Tensor& decay_mask, std::vector<models::RateRange> ranges = {});

  // Updates `flat` in place. gradient: [K,P], summed over ranks; rates: [K]. A trial whose `active`
  // is 0 is left as it is and does not count the step ({} = all active). Returns whether each
  // active trial's gradient was usable, [K]: its elements, clipped, and their squares are finite,
  // and with clip_norm its norm in float64 is; on devices other than the CPU its norm is. The
  // parameters and moments of a trial whose gradient was not are of no use.
  const std::vector<std::uint8_t>& step(const at::Tensor& flat, const at::Tensor& gradient,
                                        std::span<const double> rates,
                                        std::span<const std::uint8_t> active = {});

  void select(std::span<const std::int64_t> trials);  // goes on with these alone
  void archive(Archive& a);                           // moments and update counts

 private:
  struct Blend {  // numbers of one trial's update, at one rate
    double scale = 1, keep = 1, penalty = 0, step_size = 0, root_scale = 1;
  };
  Blend blend_of(std::size_t k, double rate, double scale) const;
  double clip_scale(std::size_t k, double norm) const;
  void step_by_aten(const at::Tensor& flat, const at::Tensor& gradient,
                    std::span<const double> rates, std::span<const std::uint8_t> active);
  void update_by_aten(const at::Tensor& value, const at::Tensor& gradient, std::size_t k,
                      double rate, double scale);
  // Whether the gradient is usable, as does update_segment.
  template <typename T>
  bool update(T* value, const T* gradient, std::size_t k, double rate, double scale);
  // Neighbours of a row with one rate, all or none of which decay.
  struct Segment {
    std::int64_t begin = 0, end = 0;
    double rate_scale = 1;
    bool decays = false;
  };
  void cut_segments(const at::Tensor& decay_mask);
  template <typename T>
  bool update_segment(T* value, const T* gradient, std::size_t k, const Segment& segment,
                      const Blend& blend);

  std::vector<OptimizerOptions> options_;
  std::vector<models::RateRange> ranges_;  // of all of a row, ascending
  std::vector<Segment> segments_;          // the same, cut where decay begins and ends
  bool adam_ = true, decoupled_ = true;
  at::Tensor first_, second_, mask_;   // [K,P] moments (sgd: first_ is the velocity), [P]
  std::vector<std::int64_t> updates_;  // [K]
  std::vector<std::uint8_t> usable_;   // [K]
};

}  // namespace emosweep::trainer
