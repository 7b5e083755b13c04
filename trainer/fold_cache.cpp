#include "trainer/fold_cache.h"

#include <ATen/ATen.h>

#include "data/text/wordpiece.h"

namespace emosweep::trainer {
namespace {

std::string key_of(const data::Dataset& dataset, std::span<const std::int32_t> train,
                   const data::PrepareOptions& options, at::ScalarType dtype) {
  Sha256 hash;
  hash.add_sized(dataset.digest.hex());
  hash.add_sized({reinterpret_cast<const char*>(train.data()), train.size_bytes()});
  for (const std::string& name : options.modalities) hash.add_sized(name);
  hash.add_sized(std::to_string(static_cast<int>(options.normalise)));
  hash.add_sized(options.group).add_sized(at::toString(dtype));
  hash.add_sized(options.encoder.string()).add_sized(std::to_string(options.max_length));
  hash.add_sized(std::to_string(options.windows));
  return hash.finish().hex();
}

std::size_t bytes_of(const data::FoldTensors& tensors) {
  std::size_t bytes = tensors.target().nbytes();
  for (const at::Tensor& x : tensors.x) {
    if (x.defined()) bytes += x.nbytes();
  }
  for (const auto& tokens : tensors.tokens) bytes += 4 * tokens->ids.size();
  for (const at::Tensor& present : tensors.present) {
    if (present.defined()) bytes += present.nbytes();
  }
  return bytes;
}

// The modality of recordings (audio) or of texts, which is the only one then; or nullptr.
const data::Modality* only_of(const data::Dataset& dataset, const data::PrepareOptions& options,
                              const char* kind) {
  if (options.modalities.size() != 1) return nullptr;
  const data::Modality* modality = dataset.modality(options.modalities[0]);
  return modality && modality->kind == kind ? modality : nullptr;
}

}  // namespace

// The same for all folds of a dataset.
std::shared_ptr<const data::TokenRows> FoldCache::tokens(const data::Dataset& dataset,
                                                         const data::Modality& texts,
                                                         const data::PrepareOptions& options) {
  const std::string key = dataset.digest.hex() + " " + texts.name + " " + options.encoder.string() +
                          " " + std::to_string(options.max_length);
  std::weak_ptr<const data::TokenRows>& known = tokens_[key];
  std::shared_ptr<const data::TokenRows> rows = known.lock();
  if (!rows) {
    rows = std::make_shared<const data::TokenRows>(
        data::token_rows(data::WordPiece::load(options.encoder), texts.text, options.max_length));
    known = rows;
  }
  return rows;
}

std::shared_ptr<const PreparedFold> FoldCache::get(const data::Dataset& dataset,
                                                   std::span<const std::int32_t> train,
                                                   const data::PrepareOptions& options,
                                                   at::ScalarType dtype) {
  const std::string key = key_of(dataset, train, options, dtype);
  if (const auto found = by_key_.find(key); found != by_key_.end()) {
    ++hits_;
    entries_.splice(entries_.begin(), entries_, found->second);
    return entries_.front().fold;
  }
  auto fold = std::make_shared<PreparedFold>();
  if (const data::Modality* texts = only_of(dataset, options, "text")) {
    fold->fitted.scalers = {{texts->name, {}, {}, {}}};
    fold->tensors = data::make_fold_tokens(dataset, tokens(dataset, *texts, options), dtype);
  } else if (const data::Modality* images = only_of(dataset, options, "audio")) {
    auto made = std::make_shared<data::ClipImages>(dataset, *images, train, options);
    fold->fitted.scalers = {made->fitted()};
    fold->tensors = data::make_fold_images(dataset, std::move(made), dtype);
  } else {
    fold->fitted = data::fit_scalers(dataset, train, options);
    fold->tensors = data::make_fold_tensors(
        dataset, data::apply_scalers(dataset, fold->fitted, options), dtype);
  }
  const std::size_t bytes = bytes_of(fold->tensors);
  entries_.push_front({key, fold, bytes});
  by_key_[key] = entries_.begin();
  bytes_ += bytes;
  while (bytes_ > limit_ && entries_.size() > 1) {
    bytes_ -= entries_.back().bytes;
    by_key_.erase(entries_.back().key);
    entries_.pop_back();
  }
  return fold;
}

}  // namespace emosweep::trainer
