// One trial of a fusion model without autograd: forward and backward as plain loops and small
// products over buffers that are made once, so that a step allocates nothing and stays in the
// processor's second-level cache. What it computes, models/fusion.h says; the torch composition
// there is its reference.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/philox.h"
#include "models/model.h"

namespace emosweep::models {

// The rows that one call sees, of a trial whose features stand dense in memory.
template <typename T>
struct FusedRows {
  std::vector<const T*> x;            // per modality [n, D]
  std::vector<const bool*> present;   // per modality [n]; null: every row has it
  const std::int64_t* row = nullptr;  // [rows] which of the n; null: 0, 1, 2, ...
  // Dropout, as blocks.h defines the masks; a rate of 0 drops nothing.
  double dropout = 0;
  std::int64_t step = 0;            // over all epochs
  std::int64_t first_position = 0;  // row i stands at first_position + i of the epoch's order
};

template <typename T>
class FusedNetwork {
 public:
  virtual ~FusedNetwork() = default;
  // logits [rows, C], valid until the next call. `parameters` is the trial's row of the flat
  // storage.
  virtual const T* forward(const T* parameters, const FusedRows<T>& rows) = 0;
  // Of the last forward(): overwrites the gradient of every parameter in `gradient` [P]; gaps of
  // the layout are left as they are. d_logits [rows, C].
  virtual void backward(const T* parameters, const T* d_logits, T* gradient) = 0;
  virtual const T* embedding() const = 0;  // [rows, H] of the last forward()
};

// "" where such a network exists for the options and batches of `rows` rows, else why not: products
// far beyond the second-level cache are faster as torch computes them.
std::string why_not_fused(const ModelOptions& options, std::int64_t rows);
// T is float or double.
template <typename T>
std::unique_ptr<FusedNetwork<T>> make_fused_network(const ModelOptions& options,
                                                    const StreamKey& key, std::int64_t rows);

}  // namespace emosweep::models
