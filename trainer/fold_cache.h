// Prepared feature tensors of folds, kept between the trials of one rank.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "data/batch.h"
#include "data/features.h"
#include "trainer/trial.h"

namespace emosweep::trainer {

struct PreparedFold {
  data::FoldTensors tensors;  // all rows of the dataset
  data::Fitted fitted;        // on the rows that train
};

// Least recently used entries go when the tensors exceed `bytes`; what a trial still holds stays
// alive. Not thread-safe: one per rank. Two datasets of equal `digest` are taken to hold equal
// rows.
class FoldCache {
 public:
  explicit FoldCache(std::size_t bytes = 256u << 20) : limit_(bytes) {}

  // Scalers fitted on `train`, all rows through them. Errors are those of data/features.h.
  std::shared_ptr<const PreparedFold> get(const data::Dataset& dataset,
                                          std::span<const std::int32_t> train,
                                          const data::PrepareOptions& options,
                                          at::ScalarType dtype);
  std::size_t bytes() const { return bytes_; }
  std::int64_t hits() const { return hits_; }

 private:
  struct Entry {
    std::string key;
    std::shared_ptr<const PreparedFold> fold;
    std::size_t bytes = 0;
  };
  std::shared_ptr<const data::TokenRows> tokens(const data::Dataset& dataset,
                                                const data::Modality& texts,
                                                const data::PrepareOptions& options);
  std::size_t limit_, bytes_ = 0;
  std::int64_t hits_ = 0;
  std::list<Entry> entries_;  // the most recently used first
  std::map<std::string, std::list<Entry>::iterator> by_key_;
  std::map<std::string, std::weak_ptr<const data::TokenRows>> tokens_;
};

}  // namespace emosweep::trainer
