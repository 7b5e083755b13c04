#include "models/blocks.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "models/fused_kernels.h"

namespace emosweep::models {
namespace {

constexpr double kEpsilon = 1e-5;

// [K] rates as doubles; empty where nothing is dropped at all.
std::vector<double> rates_of(const Step& step, std::int64_t K) {
  if (!step.train || !step.dropout.defined()) return {};
  EMO_CHECK(step.dropout.dim() == 1 && step.dropout.size(0) == K,
            "dropout rates are one a trial of the pack");
  const at::Tensor rates = step.dropout.to(at::kCPU, at::kDouble).contiguous();
  const double* p = rates.data_ptr<double>();
  std::vector<double> out(p, p + K);
  bool any = false;
  for (double rate : out) {
    EMO_CHECK(rate >= 0 && rate < 1, "a dropout rate lies in [0, 1)");
    any = any || rate > 0;
  }
  return any ? out : std::vector<double>();
}

// Words of `rows` rows at positions [positions, positions + rows), `blocks` blocks each: one call
// per run of consecutive positions, which is the whole batch in the usual case.
void fill_rows(std::span<std::uint32_t> words, const std::int64_t* positions, std::int64_t rows,
               std::int64_t blocks, const StreamKey& key, std::uint64_t step) {
  for (std::int64_t i = 0; i < rows;) {
    std::int64_t run = 1;
    while (i + run < rows && positions[i + run] == positions[i] + run) ++run;
    fill_words(words.subspan(static_cast<std::size_t>(i * blocks * 4),
                             static_cast<std::size_t>(run * blocks * 4)),
               key, step, static_cast<std::uint64_t>(positions[i] * blocks));
    i += run;
  }
}

}  // namespace

at::Tensor normalise(const at::Tensor& x) {
  return std::get<0>(at::native_layer_norm(x, {x.size(-1)}, {}, {}, kEpsilon));
}

at::Tensor presence(const data::Batch& batch) {
  bool all = true;
  for (const data::Input& input : batch.inputs) all = all && !input.present.defined();
  if (all) return {};
  std::vector<at::Tensor> columns;
  for (const data::Input& input : batch.inputs) {
    columns.push_back(
        input.present.defined()
            ? input.present
            : at::ones({input.x.size(0), input.x.size(1)},
                       at::TensorOptions().dtype(at::kBool).device(input.x.device())));
  }
  return at::stack(columns, 2);
}

at::Tensor masked(const at::Tensor& x, const at::Tensor& mask) {
  return mask.defined() ? at::mul(x, mask.to(x.device())) : x;
}

std::uint32_t drop_threshold(double rate) {
  return static_cast<std::uint32_t>(std::min(std::nearbyint(rate * 4294967296.0), 4294967295.0));
}

void Dropout::derive_keys(std::span<const StreamKey> keys) {
  if (std::equal(keys.begin(), keys.end(), of_.begin(), of_.end())) return;
  of_.assign(keys.begin(), keys.end());
  derived_.clear();
  for (const StreamKey& key : keys) {
    for (const std::string& layer : layers_) derived_.push_back(derive(key, "dropout/" + layer));
  }
}

at::Tensor Dropout::mask(const data::Batch& batch, const Step& step, const at::Tensor& present,
                         at::ScalarType dtype) {
  const std::vector<double> rates = rates_of(step, batch.K);
  if (rates.empty()) return present.defined() ? present.unsqueeze(-1).to(dtype) : at::Tensor();
  EMO_CHECK(static_cast<std::int64_t>(step.keys.size()) == batch.K,
            "stream keys are one a trial of the pack");
  EMO_CHECK(batch.position.defined() && batch.position.scalar_type() == at::kLong &&
                batch.position.dim() == 2 && batch.position.size(0) == batch.K,
            "dropout is keyed by the rows' positions, [K,b] int64");
  derive_keys(step.keys);
  const auto M = static_cast<std::int64_t>(layers_.size());
  at::Tensor out = at::empty({batch.K, batch.position.size(1), M, width_}, dtype);
  if (dtype == at::kDouble) {
    fill<double>(out, batch, step, rates);
  } else {
    fill<float>(out, batch, step, rates);
  }
  if (present.defined()) out.mul_(present.unsqueeze(-1));
  return out;
}

template <typename T>
void Dropout::fill(at::Tensor& mask, const data::Batch& batch, const Step& step,
                   const std::vector<double>& rates) {
  const at::Tensor position = batch.position.to(at::kCPU).contiguous();
  const std::int64_t* positions = position.data_ptr<std::int64_t>();
  T* out = mask.data_ptr<T>();
  const auto M = static_cast<std::int64_t>(layers_.size());
  const std::int64_t rows = position.size(1), blocks = (width_ + 3) / 4;
  words_.resize(static_cast<std::size_t>(rows * blocks * 4));
  for (std::int64_t k = 0; k < batch.K; ++k) {
    const double rate = rates[static_cast<std::size_t>(k)];
    const T scale = static_cast<T>(1 / (1 - rate));
    const std::uint32_t threshold = drop_threshold(rate);
    for (std::int64_t m = 0; m < M; ++m) {
      if (rate > 0) {  // words are not drawn otherwise
        fill_rows(words_, positions + k * rows, rows, blocks,
                  derived_[static_cast<std::size_t>(k * M + m)],
                  static_cast<std::uint64_t>(step.step));
      }
      for (std::int64_t i = 0; i < rows; ++i) {
        T* to = out + ((k * rows + i) * M + m) * width_;
        const std::uint32_t* word = words_.data() + i * blocks * 4;
        if (rate == 0) {
          std::fill(to, to + width_, T(1));
        } else {
          keep_mask(word, threshold, scale, width_, to);
        }
      }
    }
  }
}

}  // namespace emosweep::models
