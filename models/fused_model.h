// A fusion model whose forward pass is a fused network (fused_network.h): parameters, names and
// initial values are those of the torch composition, there is no autograd graph.
#pragma once

#include <memory>
#include <span>

#include "models/model.h"
#include "models/parameters.h"

namespace emosweep::models {

class FusedModel final : public Model {
 public:
  // `options` have passed check_options.
  FusedModel(const ModelOptions& options, std::span<const StreamKey> keys);
  FusedModel(const ModelOptions& options, const StreamKey& key, FlatParameters parameters);
  ~FusedModel() override;

  // Without dropout: step.train is false, and without extra["gates"]. A row's logits do not depend
  // on the others; where padding (weight 0) fills pieces of their own, they may be 0. Training
  // drives the networks themselves. Not thread-safe.
  Output forward(const data::Batch& batch, const Step& step) override;
  std::vector<Leaf>& leaves() override { return parameters_.leaves(); }
  std::vector<Leaf>& state() override { return state_; }
  bool packable() const override { return true; }
  std::unique_ptr<Model> select(std::span<const std::int64_t> trials) const override;
  at::Tensor flat() override { return parameters_.flat(); }
  at::Tensor flat_grad() override { return parameters_.flat_grad(); }
  at::Tensor decay_mask() override { return parameters_.decay_mask(); }
  FusedModel* fused() override { return this; }

  const ModelOptions& options() const { return options_; }

 private:
  struct Networks;

  ModelOptions options_;
  StreamKey key_;
  FlatParameters parameters_;
  std::vector<Leaf> state_;
  std::unique_ptr<Networks> networks_;  // made by the first forward()
};

}  // namespace emosweep::models
