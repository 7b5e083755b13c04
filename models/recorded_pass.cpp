#include "models/recorded_pass.h"

#include <ATen/ATen.h>

#ifdef USE_C10D_NCCL
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/util/Exception.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#endif

namespace emosweep::models {

#ifdef USE_C10D_NCCL

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int kWarmUp = 2;  // calls before the one that is recorded

// A capture that an exception leaves must end, or the stream stays unusable.
class Capture {
 public:
  Capture(at::cuda::CUDAGraph& graph, c10::MempoolId_t pool) : graph_(graph) {
    graph_.capture_begin(pool);
  }
  void end() {
    open_ = false;
    graph_.capture_end();
  }
  ~Capture() {
    if (!open_) return;
    try {
      graph_.capture_end();
    } catch (...) {  // the first error is the one to tell
    }
  }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

 private:
  at::cuda::CUDAGraph& graph_;
  bool open_ = true;
};

}  // namespace

struct RecordedPass::Recording {
  at::cuda::CUDAGraph forward, backward;
  // In the memory that the graphs read and write.
  std::vector<at::Tensor> inputs, outputs, outers;
  at::Tensor anchor;  // an input with gradient, so that there is a backward pass
};

struct RecordedPass::Replay : torch::autograd::Function<RecordedPass::Replay> {
  static variable_list forward(AutogradContext* context, const at::Tensor& anchor,
                               Recording* recording) {
    (void)anchor;
    context->saved_data["recording"] = reinterpret_cast<std::int64_t>(recording);
    recording->forward.replay();
    variable_list outputs;
    for (const at::Tensor& output : recording->outputs) outputs.push_back(output.detach());
    return outputs;
  }
  static variable_list backward(AutogradContext* context, variable_list outers) {
    auto* recording = reinterpret_cast<Recording*>(context->saved_data["recording"].toInt());
    for (std::size_t i = 0; i < outers.size(); ++i) recording->outers[i].copy_(outers[i]);
    recording->backward.replay();
    return {at::Tensor(), at::Tensor()};
  }
};

void RecordedPass::record(const std::vector<at::Tensor>& inputs, const Body& body) {
  auto made = std::make_unique<Recording>();
  for (const at::Tensor& input : inputs)
    made->inputs.push_back(input.defined() ? input.clone() : input);
  c10::cuda::device_synchronize();
  // The calls before left a step's memory cached, which a recording cannot use.
  c10::cuda::CUDACachingAllocator::emptyCache();
  {
    const c10::cuda::CUDAStreamGuard side(c10::cuda::getStreamFromPool());
    const c10::MempoolId_t pool = at::cuda::graph_pool_handle();
    Capture forward(made->forward, pool);
    const std::vector<at::Tensor> outputs = body(made->inputs);
    forward.end();
    for (const at::Tensor& output : outputs) {
      made->outputs.push_back(output.detach());
      made->outers.push_back(at::zeros_like(made->outputs.back()));
    }
    c10::cuda::device_synchronize();
    Capture backward(made->backward, pool);
    torch::autograd::backward(outputs, made->outers);
    backward.end();
  }
  c10::cuda::device_synchronize();
  made->anchor = at::zeros({}, made->outputs.at(0).options()).set_requires_grad(true);
  recording_ = std::move(made);
}

std::vector<at::Tensor> RecordedPass::operator()(const std::vector<at::Tensor>& inputs,
                                                 const Body& body) {
  if (!recording_) {
    if (calls_++ < kWarmUp || too_large_) return body(inputs);
    try {
      record(inputs, body);
    } catch (const c10::OutOfMemoryError&) {  // nothing of it was computed
      too_large_ = true;
      c10::cuda::CUDACachingAllocator::emptyCache();
      return body(inputs);
    }
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].defined()) recording_->inputs[i].copy_(inputs[i]);
  }
  return Replay::apply(recording_->anchor, recording_.get());
}

#else  // without CUDA there is no GPU to record on

struct RecordedPass::Recording {};

std::vector<at::Tensor> RecordedPass::operator()(const std::vector<at::Tensor>& inputs,
                                                 const Body& body) {
  return body(inputs);
}

#endif

RecordedPass::RecordedPass() = default;
RecordedPass::~RecordedPass() = default;

}  // namespace emosweep::models
