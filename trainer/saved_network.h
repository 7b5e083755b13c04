// A saved network in evaluation: what it says of a batch, and what its head read.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/philox.h"
#include "data/batch.h"
#include "models/model.h"
#include "trainer/model_file.h"

namespace emosweep::trainer {

struct Answers {
  std::vector<double> logits;     // [rows, C]
  std::vector<double> embedding;  // [rows, H], what the head reads, without dropout
  std::size_t width = 0;          // H
};

class SavedNetwork {
 public:
  // InputError names `file` where the weights do not fit. EMO_CHECK: model: linear is no network.
  SavedNetwork(const ModelFile& model, const std::string& file);
  // Of the first `rows` rows of a batch of kEvaluationRows: the logits that evaluate() sees, bit
  // for bit, of an equal batch. Not thread-safe.
  Answers operator()(const data::Batch& batch, std::int64_t rows);

 private:
  std::vector<StreamKey> keys_;
  std::unique_ptr<models::Model> network_;
};

}  // namespace emosweep::trainer
