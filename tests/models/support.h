// Options, batches and an independent model for the tests of models/.
#pragma once

#include <ATen/ATen.h>

#include <map>
#include <string>
#include <vector>

#include "models/model.h"

namespace emosweep::models::test {

inline std::vector<StreamKey> keys_of(std::int64_t K, std::uint64_t first = 1) {
  std::vector<StreamKey> keys;
  for (std::int64_t k = 0; k < K; ++k) {
    keys.push_back(trial_key(first + static_cast<std::uint64_t>(k), "fold"));
  }
  return keys;
}

ModelOptions options_of(Fusion fusion, std::int64_t modalities, at::ScalarType dtype = at::kDouble);

// n numbers in [-1, 1), as uniform() of scripts/make_image_fixture.py has them; float64.
at::Tensor uniform(std::int64_t n, std::int64_t salt);

struct BatchOptions {
  std::int64_t K = 1, rows = 7;
  std::int64_t first_position = 5;
  bool absent = true;  // some modalities are missing; every row keeps at least one
  std::uint64_t seed = 3;
};
// Every trial of the pack has other features and another pattern of missing modalities.
data::Batch batch_of(const ModelOptions& options, const BatchOptions& shape = {});
// Trial k of a batch as a batch of one trial.
data::Batch alone(const data::Batch& batch, std::int64_t k);

struct StepParts {
  std::vector<StreamKey> keys;
  at::Tensor dropout;
  Alone team;
};
Step step_of(StepParts& parts, bool train, std::int64_t step = 4);

// One trial, one row at a time, from plain ATen operations: at::linear, at::layer_norm with
// weights, explicit loops over modalities, heads and masks drawn word by word. Shares no code with
// the models. Differentiable in `weights`.
struct Reference {
  const ModelOptions& options;
  std::map<std::string, at::Tensor> weights;
  StreamKey key;
  std::int64_t step = 0;
  double rate = 0;  // 0 = evaluation
  std::map<std::string, at::Tensor> extra = {};

  at::Tensor logits(const data::Batch& one_trial);  // [b,C]

 private:
  at::Tensor block(const std::string& name, const at::Tensor& x, std::int64_t position);
  at::Tensor linear(const std::string& name, const at::Tensor& x);
  at::Tensor norm(const std::string& name, const at::Tensor& x);
  at::Tensor row(const data::Batch& batch, std::int64_t i);
  at::Tensor cross(const std::vector<at::Tensor>& z, const std::vector<bool>& present);
};

}  // namespace emosweep::models::test
