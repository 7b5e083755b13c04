// What `emosweep predict` writes: labels and probabilities, or embeddings, of rows or of windows of
// their recordings, as CSV.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "trainer/predict_ensemble.h"

namespace emosweep::trainer {

struct PredictOptions {
  std::vector<std::string> ids = {};  // only these rows, in this order; empty: all
  std::optional<double> windows =
      {};                   // seconds from one window to the next; none: the middle window
  bool embeddings = false;  // what the network's head reads instead of labels; of one model
  MemberWeights weights = {};
};

// A line a row: id,predicted,probability_<class>...; of several labels and of aspects
// id,predicted_<output>...,probability_<label>... (0 or 1) or probability_<aspect>_<class>...; of
// values id,predicted_<output>...; with `embeddings` id,embedding_0,... (empty
// cells where the row has none of the model's modalities); with `windows` a line a window:
// id,start,end,... in seconds (data/audio/clip_windows.h), and none for rows without a recording.
// Several models answer together (predict_ensemble.h), each from its own modalities of the dataset.
// Shortest round-trip numbers. The description needs no label; its warnings are logged. InputError
// names unknown ids, what the dataset lacks and options that the model cannot serve. Of windows and
// embeddings only one batch is in memory at a time, beside the text.
void predict_table(std::span<const std::filesystem::path> model_files,
                   const std::filesystem::path& dataset_yaml, const PredictOptions& options,
                   std::ostream& csv);

}  // namespace emosweep::trainer
