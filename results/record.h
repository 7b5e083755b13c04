// The committed result of one trial: trials/<id>.h5. Committed or absent (design.md rule 4). No
// LibTorch, no MPI.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/target.h"

namespace emosweep::results {

// Of the layout and meaning of /result; stands in records and in the summary.
inline constexpr int kResultVersion = 1;

using NamedValues = std::vector<std::pair<std::string, double>>;

struct Curve {
  std::string name;            // "train_loss", "train_cross_entropy", "validation_loss",
                               // "validation_macro_f1", "lr", ...
  std::vector<double> values;  // one an epoch
};

// Predictions of the test rows, in ascending order of sample. o = target_outputs(spec), w =
// target_width(spec), g = target_blocks(spec), c = block_classes(spec) (base/target.h).
struct TargetResult {
  TargetSpec spec;
  std::vector<std::int64_t> sample;     // [n] row of the sample table
  std::vector<std::int32_t> truth;      // [n, o]; empty for regression
  std::vector<std::int32_t> predicted;  // [n, o] argmax, the first of equals; multi: probability >=
                                        // threshold; also where the truth is unknown
  // [n, w] row-major: softmax over the classes (of each aspect), multi: sigmoid of each label.
  // Empty under predictions: labels or none.
  std::vector<float> probability;
  std::vector<double> true_value, predicted_value;  // [n, o] of regression
  std::vector<double> thresholds;                   // [o] of multi, chosen on validation rows
  std::vector<std::int64_t> confusion;              // [g, c, c] test
  std::vector<std::int64_t> train_counts;  // [g, c] rows of each class that the weights were
                                           // trained on (majority baseline)
  // [o] of regression: the mean of the rows that the weights were trained on (the constant
  // baseline); empty in records of before it was kept.
  std::vector<double> train_mean;
  // The same of the validation rows, by the selected weights before any refit: what ensembles are
  // weighted by. Empty unless validation_predictions asks for them.
  struct Validation {
    std::vector<std::int64_t> sample;  // [v] ascending
    std::vector<std::int32_t> truth;   // [v, o]
    std::vector<float> probability;    // [v, w]
  } validation;
};

struct Outcome {
  std::int64_t best_epoch = -1;  // from 0; -1 where there are no epochs (linear)
  std::int64_t epochs = 0;       // epochs run
  std::int64_t train_rows = 0, validation_rows = 0, test_rows = 0;
  std::vector<Curve> curves;
  NamedValues validation, test;  // metrics of the selected epoch, names of metrics.h plus "loss"
  std::vector<TargetResult> targets;
  std::vector<std::string> warnings;
};

// Everything that differs between two runs of the same trial.
struct Provenance {
  double start_unix = 0, wall_seconds = 0, cpu_seconds = 0;
  std::int64_t steps = 0, peak_memory_bytes = 0, restarts = 0;
  std::string host, device, source_revision, libraries;  // libraries: "torch 2.11.0; hdf5 1.10.8"
  std::int32_t rank = 0, ranks = 1;
  // Trials that were trained together with it, itself among them; 0: the record is older than this
  // number.
  std::int32_t pack = 1;
};

struct TrialRecord {
  Digest id;
  std::string canonical;  // the text whose SHA-256 is id
  // Instruction-set level that computed it, "avx512", and of a network also the kind of its small
  // products: "avx2+products:hsw", "avx512+products:plain". Part of /result, since the bits of a
  // result depend on it.
  std::string instructions;
  std::string
      weights_sha256;  // of the best weights as safetensors, "" for none kept: part of /result
  Outcome result;
  Provenance cost;
};

std::string hdf5_version();  // of the library that runs, "1.10.8"

// HDF5 "latest" format, chunked, Fletcher32, fixed-length UTF-8 strings, no object times, made in
// memory (Core driver). A 512-byte user block holds "emosweep-record 1\n" and the SHA-256 of the
// whole file with the digest field zeroed. The bytes of /result are the same for the same trial;
// /provenance differs.
std::vector<std::uint8_t> encode_record(const TrialRecord& record);
// InputError names the file and what is wrong: truncated, digest mismatch, not a record, other
// version.
TrialRecord read_record(const std::filesystem::path& file);
// The same for bytes; `name` stands in messages.
TrialRecord decode_record(std::span<const std::uint8_t> bytes, const std::string& name);
// SHA-256 over the canonical serialisation of result, instructions and weights_sha256 (not of
// provenance).
Digest result_digest(const TrialRecord& record);

}  // namespace emosweep::results
