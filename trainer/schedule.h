// The learning rate as a function of the step.
#pragma once

#include <cstdint>
#include <string>

namespace emosweep::trainer {

struct Schedule {
  std::string kind = "constant";  // constant | cosine | linear
  double lr = 0;                  // the peak
  std::int64_t warmup_steps = 0;  // W
  std::int64_t total_steps = 0;   // T: of the whole horizon, also where training stops earlier
};

// With W warm-up steps of T steps in all, the learning rate of step t (from 0) is
//   t < W:     lr * (t + 1) / W                      the W-th step is the first at full lr; none is
//   wasted at 0 constant:  lr cosine:    lr * (1 + cos(pi * u)) / 2            u = (t - W) / (T -
//   W), at most 1 linear:    lr * (1 - u)
// A pure function; InputError for a kind that is none of these.
double learning_rate(const Schedule& schedule, std::int64_t step);

}  // namespace emosweep::trainer
