// What the backward pass of a batch norm needs beside its own tensors. Private to models/.
#pragma once

#include <torch/csrc/autograd/custom_function.h>

#include <utility>

#include "models/batch_moments.h"

namespace emosweep::models {

inline void save(torch::autograd::AutogradContext* context, torch::autograd::variable_list tensors,
                 const Kept& kept, Collective* team) {
  tensors.push_back(tensor_of(kept.mean));
  tensors.push_back(tensor_of(kept.scale));
  context->save_for_backward(std::move(tensors));
  context->saved_data["count"] = kept.count;
  context->saved_data["team"] = reinterpret_cast<std::int64_t>(team);
}

inline Kept saved_kept(torch::autograd::AutogradContext* context,
                       const torch::autograd::variable_list& saved) {
  return {context->saved_data["count"].toDouble(), numbers_of(saved[saved.size() - 2]),
          numbers_of(saved[saved.size() - 1])};
}

inline Collective* saved_team(torch::autograd::AutogradContext* context) {
  return reinterpret_cast<Collective*>(context->saved_data["team"].toInt());
}

}  // namespace emosweep::models
