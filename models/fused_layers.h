// The layers of a fused network: parameters by their place in the flat row, activations in buffers
// of the network. Private to models/.
#pragma once

#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "base/philox.h"
#include "models/fused_kernels.h"
#include "models/fusion_parts.h"
#include "models/norm_kernels.h"
#include "models/small_product.h"

namespace emosweep::models {

// Zeros, aligned for the widest vectors.
template <typename T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::int64_t count)
      : data_(new (std::align_val_t{64}) T[static_cast<std::size_t>(count)]()) {}
  T* get() const { return data_.get(); }
  T& operator[](std::int64_t i) const { return data_.get()[i]; }

 private:
  struct Free {
    void operator()(T* p) const { ::operator delete[](p, std::align_val_t{64}); }
  };
  std::unique_ptr<T[], Free> data_;
};

// y [rows, out] = x [rows, in] W + b. Bias may be absent (bias < 0).
template <typename T>
class Dense {
 public:
  Dense() = default;
  // ldx, ldy: of x and y, and of their gradients
  Dense(const LinearAt& at, std::int64_t rows, std::int64_t ldx, std::int64_t ldy)
      : at_(at),
        rows_(rows),
        ldy_(ldy),
        forward_({rows, at.out, at.in, ldx, at.out, ldy, false, true}),
        weight_({at.in, at.out, rows, ldx, ldy, at.out, true, false}),
        input_(input_shape(at, rows, ldx, ldy)) {}

  void forward(const T* parameters, const T* x, T* y) const {
    fill_rows(parameters + at_.bias, rows_, at_.out, y, ldy_);
    forward_(x, parameters + at_.weight, y);
  }
  void weight_gradient(const T* x, const T* dy, T* gradient) const {
    weight_(x, dy, gradient + at_.weight);
    sum_rows(dy, rows_, at_.out, ldy_, gradient + at_.bias);
  }
  // dx = dy W'. scratch: as many elements as scratch_size() says
  void input_gradient(const T* parameters, const T* dy, T* dx, T* scratch) const {
    input_(dy, parameters + at_.weight, dx, scratch);
  }
  static std::int64_t scratch_size(const LinearAt& at, std::int64_t rows) {
    return TurnedProduct<T>::scratch(input_shape(at, rows, at.in, at.out));
  }

 private:
  static TurnedShape input_shape(const LinearAt& at, std::int64_t rows, std::int64_t ldx,
                                 std::int64_t ldy) {
    return {rows, at.in, at.out, ldy, at.out, ldx, false};
  }

  LinearAt at_;
  std::int64_t rows_ = 0, ldy_ = 0;
  Product<T> forward_, weight_;
  TurnedProduct<T> input_;
};

// Words of one dropout layer for rows at consecutive positions.
class DropLayer {
 public:
  DropLayer() = default;
  DropLayer(const StreamKey& trial, const std::string& layer, std::int64_t rows,
            std::int64_t width);
  // Nothing is dropped where rate is 0.
  Drop draw(double rate, std::int64_t step, std::int64_t first_position);

 private:
  StreamKey key_;
  std::int64_t blocks_ = 0;
  std::vector<std::uint32_t> words_;
};

// Norm, ReLU, dropout; or the norm alone.
template <typename T>
class Norm {
 public:
  Norm() = default;
  Norm(std::int64_t gamma, std::int64_t beta, std::int64_t rows, std::int64_t width,
       std::int64_t ld, bool relu)
      : gamma_(gamma), beta_(beta), normal_(rows * width), scale_(rows) {
    rows_.rows = rows;
    rows_.width = width;
    rows_.ld = ld;
    rows_.normal = normal_.get();
    rows_.scale = scale_.get();
    rows_.relu = relu;
  }

  void forward(const T* parameters, const T* x, T* y, const Drop& drop = {},
               const bool* present = nullptr) {
    rows_.gamma = parameters + gamma_;
    rows_.beta = parameters + beta_;
    rows_.present = present;
    keep_ = drop.words ? drop.keep : 1;
    norm_forward(rows_, drop, x, y);
  }
  // d: the gradient of y, becomes that of x
  void backward(const T* parameters, const T* y, T* d, T* gradient) {
    rows_.gamma = parameters + gamma_;
    norm_backward(rows_, keep_, y, d, gradient + gamma_, gradient + beta_);
  }

 private:
  std::int64_t gamma_ = 0, beta_ = 0;
  NormRows<T> rows_;
  double keep_ = 1;
  Buffer<T> normal_, scale_;
};

}  // namespace emosweep::models
