// The exponential moving average of a trial's weights, which is what is validated, tested and
// saved.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "models/model.h"

namespace emosweep::trainer {

class Archive;

// d_t of an average's decay d after update t, from 1: min(d, (1 + t) / (10 + t)).
double average_decay(double decay, std::int64_t update);

// After update t (from 1) with the decay d of a trial:
//   a <- a + (1 - d_t) (w - a)
// from the initial weights on (Polyak and Juditsky, 1992; the growing decay of TensorFlow's
// ExponentialMovingAverage, by which the first weights are soon forgotten: d_t reaches .99 at step
// 890, .999 at step 8,990). Running values of batch
// norm are averaged likewise. The optimizer goes on from w. A trial whose decay is 0 has no
// average: its weights stand for it. Every rank of a team keeps the same.
class WeightAverage {
 public:
  // decays: [K] in [0, 1), of the trials of `model`, whose weights are the initial ones.
  WeightAverage(std::vector<double> decays, models::Model& model);
  bool any() const { return flat_.defined(); }

  // `model`: of all K trials or of some of them, which `trials` names by their place among the K.
  // Those whose `active` is 0 are left as they are. update: t.
  void step(models::Model& model, std::span<const std::size_t> trials,
            std::span<const std::uint8_t> active, std::int64_t update);

  // Puts the averages into `model` and keeps its weights meanwhile; the second call puts them back.
  // What throws in between ends the training of these trials: there is nothing to put back then.
  void swap(models::Model& model, std::span<const std::size_t> trials);

  // The average of one trial to the model of all K, for good.
  void put(models::Model& model, std::size_t trial) const;
  void archive(Archive& a);

 private:
  std::vector<double> decays_;       // [K]
  at::Tensor flat_;                  // [K,P]; undefined where no trial has an average
  std::vector<models::Leaf> state_;  // as the model's
};

}  // namespace emosweep::trainer
