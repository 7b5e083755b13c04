// What a step of training sees. Shapes: K trials of a pack, b rows of the global batch on this
// rank.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/philox.h"
#include "data/audio/clip_images.h"
#include "data/features.h"
#include "data/splits.h"
#include "data/text/token_rows.h"

namespace emosweep::data {

struct Targets {
  at::Tensor index;  // single [K,b] int64; aspects [K,b,A], -1 where unknown
  at::Tensor value;  // float64: multi [K,b,L]; soft targets [K,b,C]; regression [K,b,D]
  at::Tensor known;  // bool [K,b] of single labels; undefined = all known
};

struct Input {
  at::Tensor x;        // [K,b,D] | [K,b,T,D] | tokens [K,b,T] | image [K,b,C,H,W]
  at::Tensor length;   // [K,b] where T is unequal; undefined otherwise
  at::Tensor present;  // [K,b] bool: a missing modality is false; undefined = all present
};

struct Batch {
  std::int64_t K = 1;
  std::int64_t global_rows = 0;  // of the full batch shape, padding included
  std::vector<Input> inputs;
  std::vector<Targets> targets;
  at::Tensor sample;    // [K,b] int64 row of the dataset
  at::Tensor position;  // [K,b] int64 position in the epoch's global order: keys randomness
  at::Tensor weight;    // [K,b] 1, or 0 for padding
  // Of an evaluation that looks at several windows of recordings: the inputs of the others.
  std::vector<std::vector<Input>> views;
};

// All rows of one fold's features as tensors (dtype float32 or float64), made once per (dataset,
// fold, options) and shared by its trials. Immutable, thread-safe.
struct FoldTensors {
  std::vector<at::Tensor> x;  // per modality [n, D]; undefined where there are images
  // Per modality, or empty: rows that are made when a batch is gathered, [bands, frames] as D.
  std::vector<std::shared_ptr<const ClipImages>> images;
  std::vector<std::shared_ptr<const TokenRows>> tokens;  // of the one modality of texts, or empty
  at::ScalarType dtype = at::kFloat;
  std::vector<at::Tensor> present;  // per modality [n] bool; undefined where every row has it
  at::Tensor label;                 // [n] int64 of single; [n, A] of aspects, -1 unknown
  at::Tensor value;                 // [n, o] float64 of multi (0, 1) and regression
  const at::Tensor& target() const { return label.defined() ? label : value; }
};
FoldTensors make_fold_tensors(const Dataset& dataset, const std::vector<FeatureMatrix>& features,
                              at::ScalarType dtype);
// The same of one modality of recordings.
FoldTensors make_fold_images(const Dataset& dataset, std::shared_ptr<const ClipImages> images,
                             at::ScalarType dtype);

// The same of one modality of texts.
FoldTensors make_fold_tokens(const Dataset& dataset, std::shared_ptr<const TokenRows> tokens,
                             at::ScalarType dtype);

// The order of an epoch: a permutation of the rows keyed by derive(key, "order"), step = epoch
// (from 0).
std::vector<std::int64_t> epoch_order(std::span<const std::int32_t> rows, const StreamKey& key,
                                      std::int64_t epoch);
// Which part of every batch a rank of a team sees: rows [rank * b, (rank + 1) * b) of the batch
// with b = ceil(batch_size / ranks). The parts have one shape: what stands behind the batch's end
// is padding.
struct Shard {
  int rank = 0, ranks = 1;
};
// How a batch's images are augmented; without one they are those of evaluation.
struct Augmented {
  AugmentOptions options;
  StreamKey key;  // derive(trial's key, "augment")
  std::int64_t epoch = 0;
  std::int64_t classes = 0;  // of the targets of mixed images
};

// With so many rows, or a multiple, every trial's part of a [K, b, ...] tensor begins on a 64-byte
// boundary whatever its width: MKL's products round differently on other boundaries, and a trial
// would then depend on its place in the pack.
inline constexpr std::int64_t kAlignedRows = 16;
// Batch number `step` of an order: rows [step * batch_size, ...), padded to batch_size with its
// first row at weight 0. One fold per trial of the pack: spans of length K. A rank whose shard
// holds no row of the batch gets padding only. The number of rows b is padded to a multiple of
// `multiple` in the same way. Images are of one trial (K = 1); those of padding are 0. With mixup
// targets are shares of classes (Targets.value); a row without a recording is not mixed.
Batch gather_batch(std::span<const FoldTensors* const> folds,
                   std::span<const std::vector<std::int64_t>> orders, std::int64_t step,
                   std::int64_t batch_size, Shard shard = {}, std::int64_t multiple = 1,
                   const Augmented* augmented = nullptr);

// Gives a batch of `fold`'s recordings, gathered without augmentation, which has the window in the
// middle, the other windows of an evaluation (PrepareOptions.windows). Nothing for other inputs.
void add_views(Batch& batch, const FoldTensors& fold);

}  // namespace emosweep::data
