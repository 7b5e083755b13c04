// A forward pass on a GPU and its backward pass, recorded once as CUDA graphs and replayed as a
// whole: a small network spends most of a step there on queueing its operations one by one.
// Private to models/.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <vector>

namespace emosweep::models {

// Of one shape of inputs and one set of parameters, whose memory must stay where it is. One thread.
class RecordedPass {
 public:
  // Operations on the GPU alone: no value is read back, no collective, nothing drawn; what it reads
  // beside its inputs is always in the same memory. Gradients of parameters, not of inputs.
  using Body = std::function<std::vector<at::Tensor>(const std::vector<at::Tensor>& inputs)>;

  RecordedPass();
  ~RecordedPass();

  // body(inputs), with gradient; inputs of the shapes of the first call, any of them undefined. The
  // first calls run the body as it is, which makes libraries ready; then it is recorded, with what
  // a backward pass adds to the preset gradients. The same bits either way. The outputs' memory is
  // overwritten by the next call, and a call is followed by at most one backward pass.
  std::vector<at::Tensor> operator()(const std::vector<at::Tensor>& inputs, const Body& body);

 private:
  struct Recording;
  struct Replay;
  void record(const std::vector<at::Tensor>& inputs, const Body& body);

  int calls_ = 0;
  bool too_large_ = false;  // there is no memory for a recording: calls run the body
  std::unique_ptr<Recording> recording_;
};

}  // namespace emosweep::models
