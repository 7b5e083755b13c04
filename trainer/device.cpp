#include "trainer/device.h"

#include <ATen/ATen.h>

namespace emosweep::trainer {

models::Output forward_on_device(models::Model& model, const data::Batch& batch,
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

}  // namespace emosweep::trainer
