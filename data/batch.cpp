#include "data/batch.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "data/audio/mixup.h"
#include "data/description_reader.h"

namespace emosweep::data {
namespace {

// A tensor of its own that holds a copy of the values.
template <class T>
at::Tensor tensor_of(const std::vector<T>& values, at::IntArrayRef shape, at::ScalarType dtype) {
  at::Tensor tensor = at::empty(shape, dtype);
  std::copy(values.begin(), values.end(), tensor.data_ptr<T>());
  return tensor;
}

// [K, b, ...]: rows of one column [n, ...] a trial.
at::Tensor select_rows(const std::vector<at::Tensor>& columns, const at::Tensor& sample) {
  const std::int64_t K = sample.size(0), b = sample.size(1);
  std::vector<std::int64_t> shape = columns[0].sizes().vec();
  shape[0] = b;
  shape.insert(shape.begin(), K);
  at::Tensor out = at::empty(shape, columns[0].options());
  for (std::int64_t k = 0; k < K; ++k) {
    const at::Tensor& column = columns[static_cast<std::size_t>(k)];
    if (!column.device().is_cpu() || !column.is_contiguous()) {
      out[k].copy_(column.index_select(0, sample[k]));
      continue;
    }
    // A row is a few hundred bytes: dispatching an operation a trial costs more than the copies.
    const std::size_t bytes = column.nbytes() / static_cast<std::size_t>(column.size(0));
    const auto* from = static_cast<const char*>(column.const_data_ptr());
    auto* to = static_cast<char*>(out.mutable_data_ptr()) + static_cast<std::size_t>(k * b) * bytes;
    const std::int64_t* row = sample.const_data_ptr<std::int64_t>() + k * b;
    for (std::int64_t i = 0; i < b; ++i, to += bytes) {
      EMO_CHECK(row[i] >= 0 && row[i] < column.size(0), "a sample is a row of the dataset");
      std::memcpy(to, from + static_cast<std::size_t>(row[i]) * bytes, bytes);
    }
  }
  return out;
}

at::Tensor presence_of(const std::vector<std::uint8_t>& present) {
  const bool all =
      std::all_of(present.begin(), present.end(), [](std::uint8_t one) { return one != 0; });
  if (all) return {};
  return tensor_of(present, {static_cast<std::int64_t>(present.size())}, at::kByte).to(at::kBool);
}

void set_target(const Dataset& dataset, FoldTensors& fold) {
  const std::int64_t n = dataset.size(), o = target_outputs(dataset.target);
  const TargetKind kind = dataset.target.kind;
  EMO_CHECK(kind == TargetKind::regression ? std::ssize(dataset.value) == n * o
                                           : std::ssize(dataset.label) == n * o,
            "a dataset has the labels of every sample");
  if (kind == TargetKind::regression) {
    fold.value = tensor_of(dataset.value, {n, o}, at::kDouble);
  } else if (kind == TargetKind::multi) {
    fold.value = tensor_of(std::vector<double>(dataset.label.begin(), dataset.label.end()), {n, o},
                           at::kDouble);
  } else {
    fold.label = tensor_of(std::vector<std::int64_t>(dataset.label.begin(), dataset.label.end()),
                           {n, o}, at::kLong);
    if (kind == TargetKind::single) fold.label = fold.label.view({n});
  }
}

// The images of a batch, as they are or augmented. b rows of this rank, of which some are padding.
struct ImageRows {
  const ClipImages& images;
  const std::vector<std::int64_t>& order;  // of the epoch
  std::int64_t begin, end;                 // of the global batch in it
  const Augmented* augmented;              // nullptr: as they are

  void write(std::int64_t position, std::span<float> image) const {
    const std::int64_t row = order[static_cast<std::size_t>(position)];
    if (augmented) {
      images.write(row, augmented->options, {augmented->key, augmented->epoch, position}, image);
    } else {
      images.write(row, images.middle(), image);
    }
  }
  bool present(std::int64_t position) const {
    return images.present(order[static_cast<std::size_t>(position)]);
  }
  Mix mix(std::int64_t position) const {
    const Mix none{position, 1};
    if (!augmented || augmented->options.mixup <= 0) return none;
    const Mix mix =
        draw_mix(augmented->key, augmented->epoch, position, augmented->options.mixup, begin, end);
    return present(position) && present(mix.partner) ? mix : none;
  }
};

// [1, b, bands * frames]; target: [1, b, C] zeros that become shares of classes, or undefined.
at::Tensor image_rows(const ImageRows& rows, const Batch& batch, const at::Tensor& weight,
                      const at::Tensor& label, at::Tensor& target, at::ScalarType dtype) {
  const std::int64_t b = batch.sample.size(1);
  const std::int64_t width = rows.images.bands() * rows.images.frames();
  at::Tensor out = at::zeros({1, b, width}, at::kFloat);
  std::vector<float> other(static_cast<std::size_t>(width));
  const std::int64_t* position = batch.position.const_data_ptr<std::int64_t>();
  const std::int64_t* class_of = target.defined() ? label.const_data_ptr<std::int64_t>() : nullptr;
  for (std::int64_t i = 0; i < b; ++i) {
    if (weight.const_data_ptr<double>()[i] == 0) continue;
    const std::span<float> image(out.mutable_data_ptr<float>() + i * width,
                                 static_cast<std::size_t>(width));
    rows.write(position[i], image);
    const Mix mix = rows.mix(position[i]);
    const auto share = static_cast<float>(mix.share);
    if (mix.partner != position[i]) {
      rows.write(mix.partner, other);
      for (std::size_t j = 0; j < other.size(); ++j)
        image[j] = share * image[j] + (1 - share) * other[j];
    }
    if (!target.defined()) continue;
    double* const shares = target.mutable_data_ptr<double>() + i * target.size(2);
    shares[class_of[rows.order[static_cast<std::size_t>(position[i])]]] += mix.share;
    shares[class_of[rows.order[static_cast<std::size_t>(mix.partner)]]] += 1 - mix.share;
  }
  return out.to(dtype);
}

// Ids [1, b, T] with T the most of these rows, 0 behind a text's end, and their number [1, b]; none
// of rows of weight 0.
Input token_input(const TokenRows& tokens, const at::Tensor& sample, const at::Tensor& weight) {
  const std::int64_t b = sample.size(1);
  Input input;
  input.length = at::zeros({1, b}, at::kLong);
  std::int64_t* const length = input.length.mutable_data_ptr<std::int64_t>();
  const std::int64_t* row = sample.const_data_ptr<std::int64_t>();
  std::int64_t most = 1;
  for (std::int64_t i = 0; i < b; ++i) {
    if (weight.const_data_ptr<double>()[i] == 0) continue;
    length[i] = std::ssize(tokens.row(row[i]));
    most = std::max(most, length[i]);
  }
  input.x = at::zeros({1, b, most}, at::kLong);
  std::int64_t* to = input.x.mutable_data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < b; ++i, to += most)
    std::copy_n(tokens.row(row[i]).begin(), length[i], to);
  return input;
}

}  // namespace

FoldTensors make_fold_images(const Dataset& dataset, std::shared_ptr<const ClipImages> images,
                             at::ScalarType dtype) {
  FoldTensors fold;
  fold.dtype = dtype;
  std::vector<std::uint8_t> present;
  for (std::int64_t row = 0; row < images->rows(); ++row) present.push_back(images->present(row));
  fold.present.push_back(presence_of(present));
  fold.x.emplace_back();
  fold.images.push_back(std::move(images));
  set_target(dataset, fold);
  return fold;
}

FoldTensors make_fold_tokens(const Dataset& dataset, std::shared_ptr<const TokenRows> tokens,
                             at::ScalarType dtype) {
  EMO_CHECK(tokens->rows() == dataset.size(), "one text a sample");
  FoldTensors fold;
  fold.dtype = dtype;
  fold.present.emplace_back();
  fold.x.emplace_back();
  fold.tokens.push_back(std::move(tokens));
  set_target(dataset, fold);
  return fold;
}

FoldTensors make_fold_tensors(const Dataset& dataset, const std::vector<FeatureMatrix>& features,
                              at::ScalarType dtype) {
  EMO_CHECK(dtype == at::kFloat || dtype == at::kDouble, "features are float32 or float64");
  FoldTensors fold;
  fold.dtype = dtype;
  for (std::size_t m = 0; m < features.size(); ++m) {
    const FeatureMatrix& matrix = features[m];
    EMO_CHECK(matrix.rows == dataset.size(), "one row a sample");
    const at::Tensor x =
        tensor_of(matrix.values, {matrix.rows, matrix.width}, at::kDouble).to(dtype);
    if (!at::isfinite(x).all().item<bool>())
      throw InputError("the dataset " + in_quotes(dataset.name) + ": input " +
                       std::to_string(m + 1) +
                       " holds values that are too large for float32; use dtype: float64 or scale "
                       "them (normalise: train)");
    fold.x.push_back(x);
    fold.present.push_back(presence_of(matrix.present));
  }
  set_target(dataset, fold);
  return fold;
}

std::vector<std::int64_t> epoch_order(std::span<const std::int32_t> rows, const StreamKey& key,
                                      std::int64_t epoch) {
  std::vector<std::int64_t> order =
      permutation(static_cast<std::int64_t>(rows.size()), derive(key, "order"),
                  static_cast<std::uint64_t>(epoch));
  for (std::int64_t& row : order) row = rows[static_cast<std::size_t>(row)];
  return order;
}

Batch gather_batch(std::span<const FoldTensors* const> folds,
                   std::span<const std::vector<std::int64_t>> orders, std::int64_t step,
                   std::int64_t batch_size, Shard shard, std::int64_t multiple,
                   const Augmented* augmented) {
  EMO_CHECK(!folds.empty() && folds.size() == orders.size(), "one order a trial of the pack");
  EMO_CHECK(batch_size > 0 && step >= 0, "a batch has at least one row");
  EMO_CHECK(shard.ranks > 0 && shard.rank >= 0 && shard.rank < shard.ranks,
            "a rank of the team reads its part of the batch");
  const std::int64_t part = (batch_size + shard.ranks - 1) / shard.ranks;
  const std::int64_t first = shard.rank * part, b = (part + multiple - 1) / multiple * multiple;
  const auto trials = static_cast<std::int64_t>(folds.size());
  const at::ScalarType dtype = folds[0]->dtype;
  EMO_CHECK(folds[0]->images.empty() || trials == 1, "images are of trials that train alone");
  const bool images = !folds[0]->images.empty();
  at::Tensor mixed;  // targets of mixed images
  if (images && augmented && augmented->options.mixup > 0) {
    EMO_CHECK(augmented->classes > 0, "mixed targets are shares of so many classes");
    mixed = at::zeros({trials, b, augmented->classes}, at::kDouble);
  }
  Batch batch;
  batch.K = trials;
  batch.global_rows = batch_size;
  batch.sample = at::empty({trials, b}, at::kLong);
  batch.position = at::empty({trials, b}, at::kLong);
  at::Tensor weight = at::empty({trials, b}, at::kDouble);
  std::int64_t* const sample = batch.sample.data_ptr<std::int64_t>();
  std::int64_t* const position = batch.position.data_ptr<std::int64_t>();
  double* const weights = weight.data_ptr<double>();
  const std::int64_t begin = step * batch_size;
  for (std::int64_t k = 0; k < trials; ++k) {
    const std::vector<std::int64_t>& order = orders[static_cast<std::size_t>(k)];
    EMO_CHECK(!order.empty(), "a trial without rows");
    const auto rows = std::min(batch_size, static_cast<std::int64_t>(order.size()) - begin);
    const std::int64_t padding = order[static_cast<std::size_t>(rows > 0 ? begin : 0)];
    for (std::int64_t i = 0; i < b; ++i) {
      const std::int64_t cell = k * b + i, row = first + i;
      const bool real = i < part && row < rows;
      sample[cell] = real ? order[static_cast<std::size_t>(begin + row)] : padding;
      position[cell] = begin + row;
      weights[cell] = real ? 1 : 0;
    }
  }
  const at::Device device = folds[0]->target().device();
  batch.sample = batch.sample.to(device);
  batch.position = batch.position.to(device);
  batch.weight = weight.to(device, dtype);
  const auto rows_of = [&](const auto& column) {  // [K, b, ...] of one column of every fold
    std::vector<at::Tensor> columns;
    for (const FoldTensors* fold : folds) columns.push_back(column(*fold));
    return select_rows(columns, batch.sample);
  };
  for (std::size_t m = 0; m < folds[0]->x.size(); ++m) {
    Input input;
    if (!folds[0]->tokens.empty()) {
      EMO_CHECK(trials == 1, "texts are of trials that train alone");
      input = token_input(*folds[0]->tokens[m], batch.sample, weight);
    } else if (images) {
      const auto end = std::min<std::int64_t>(begin + batch_size, std::ssize(orders[0]));
      const ImageRows rows{*folds[0]->images[m], orders[0], begin, end, augmented};
      input.x = image_rows(rows, batch, weight, folds[0]->label, mixed, dtype);
    } else {
      input.x = rows_of([m](const FoldTensors& fold) { return fold.x.at(m); });
    }
    const bool absent = std::any_of(folds.begin(), folds.end(), [m](const FoldTensors* fold) {
      return fold->present.at(m).defined();
    });
    if (absent)
      input.present = rows_of([m, device](const FoldTensors& fold) {
        return fold.present[m].defined()
                   ? fold.present[m]
                   : at::ones({fold.target().size(0)}, at::TensorOptions(at::kBool).device(device));
      });
    batch.inputs.push_back(std::move(input));
  }
  Targets targets;
  if (folds[0]->label.defined())
    targets.index = rows_of([](const FoldTensors& fold) { return fold.label; });
  else
    targets.value = rows_of([](const FoldTensors& fold) { return fold.value; });
  if (mixed.defined()) targets.value = mixed;
  batch.targets.push_back(std::move(targets));
  return batch;
}

void add_views(Batch& batch, const FoldTensors& fold) {
  if (fold.images.empty()) return;
  const ClipImages& images = *fold.images[0];
  const std::int64_t b = batch.sample.size(1), width = images.bands() * images.frames();
  const std::int64_t* const row = batch.sample.const_data_ptr<std::int64_t>();
  for (std::int64_t number = 0; number < images.windows(); ++number) {
    if (number == images.middle()) continue;
    at::Tensor x = at::empty({1, b, width}, at::kFloat);
    float* to = x.mutable_data_ptr<float>();
    for (std::int64_t i = 0; i < b; ++i, to += width)
      images.write(row[i], number, {to, static_cast<std::size_t>(width)});
    Input other = batch.inputs.at(0);
    other.x = x.to(fold.dtype);
    batch.views.push_back({std::move(other)});
  }
}

}  // namespace emosweep::data
