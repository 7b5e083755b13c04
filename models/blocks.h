// What every small model is made of, over a leading trial axis: K trials, b rows, D and O features.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "data/batch.h"
#include "models/model.h"

namespace emosweep::models {

// Layer norm over the last axis (epsilon 1e-5), without its affine part: gamma and beta differ
// between trials, and ATen's layer norm takes one pair only.
at::Tensor normalise(const at::Tensor& x);

// Which modality each row has: [K,b,M] bool; undefined where every row has all of them.
at::Tensor presence(const data::Batch& batch);

// A word below this is dropped.
std::uint32_t drop_threshold(double rate);

// The dropout masks of one layer, or of M layers of equal width that stand side by side in one
// tensor [K,b,M,width].
//
// Feature j of the row at position p of the epoch's global order, at step s, of trial key k: word j
// % 4 of block p * ceil(width / 4) + j / 4 of philox(derive(k, "dropout/" + layer), s). It is
// dropped where that word is below rate * 2^32. So a mask depends neither on the pack, nor on the
// number of ranks, nor on the rest of the batch. Not thread-safe: derived keys and a buffer of
// words are kept between calls.
class Dropout {
 public:
  Dropout() = default;
  Dropout(std::vector<std::string> layers, std::int64_t width)
      : layers_(std::move(layers)), width_(width) {}

  // What the layer's output is multiplied by: 1 / (1 - rate) where kept, 0 where dropped and in all
  // features of absent modalities (`present` [K,b,M] or undefined). Undefined where there is
  // nothing to mask. A fresh tensor of the host's every time: the graph keeps it for the backward
  // pass.
  at::Tensor mask(const data::Batch& batch, const Step& step, const at::Tensor& present,
                  at::ScalarType dtype);

 private:
  template <typename T>
  void fill(at::Tensor& mask, const data::Batch& batch, const Step& step,
            const std::vector<double>& rates);
  void derive_keys(std::span<const StreamKey> keys);

  std::vector<std::string> layers_;
  std::int64_t width_ = 0;
  std::vector<StreamKey> of_, derived_;  // derived_[k * M + m] belongs to of_[k]
  std::vector<std::uint32_t> words_;
};

// x * mask, which may stand elsewhere, or x where mask is undefined.
at::Tensor masked(const at::Tensor& x, const at::Tensor& mask);

}  // namespace emosweep::models
