#include "trainer/device.h"

#include <ATen/ATen.h>

namespace emosweep::trainer {

namespace {

models::Output forward_once(models::Model& model, const data::Batch& batch,
                            const models::Step& step) {
  const at::Device device = model.flat().device();
  if (device.is_cpu()) return model.forward(batch, step);
  data::Batch moved = batch;
  for (data::Input& input : moved.inputs) {
    if (input.length.defined()) continue;  // token ids are the host's
    input.x = input.x.to(device);
    if (input.present.defined()) input.present = input.present.to(device);
  }
  models::Output output = model.forward(moved, step);
  for (at::Tensor& head : output.heads) head = head.to(at::kCPU);
  output.embedding = output.embedding.to(at::kCPU);
  return output;
}

}  // namespace

models::Output forward_on_device(models::Model& model, const data::Batch& batch,
                                 const models::Step& step) {
  models::Output mean = forward_once(model, batch, step);
  if (batch.views.empty()) return mean;
  // Running means, which equal windows of a short recording leave as they are.
  data::Batch other = batch;
  double count = 1;
  const auto take = [&count](at::Tensor& so_far, const at::Tensor& next) {
    so_far = so_far + (next - so_far) / count;
  };
  for (const std::vector<data::Input>& view : batch.views) {
    other.inputs = view;
    const models::Output output = forward_once(model, other, step);
    ++count;
    for (std::size_t h = 0; h < mean.heads.size(); ++h) take(mean.heads[h], output.heads[h]);
    take(mean.embedding, output.embedding);
  }
  return mean;
}

}  // namespace emosweep::trainer
