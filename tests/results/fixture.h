// Records, plans and folders for the tests of results/. Values come from a small generator, not
// from a model.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/hash.h"
#include "results/metrics.h"
#include "results/record.h"
#include "results/run_folder.h"
#include "results/summary.h"

namespace emosweep::results {

class Numbers {  // SplitMix64
 public:
  explicit Numbers(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }

 private:
  std::uint64_t state_;
};

struct Sizes {
  std::int64_t rows = 24, classes = 8, epochs = 50;
};

inline std::vector<std::string> class_names(std::int64_t n) {
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < n; ++i) names.push_back("class " + std::to_string(i));
  return names;
}

// Confusion, metrics and predictions agree with each other; `first_sample` is the row of the first
// test row.
inline TrialRecord make_record(const std::string& name, const Sizes& sizes = {},
                               std::int64_t first_sample = 0) {
  TrialRecord record;
  record.canonical = "model=mlp\nname=" + name + "\n";
  record.id = sha256(record.canonical);
  record.instructions = "avx2";
  Numbers numbers(record.id.bytes[0] * 65536u + record.id.bytes[1] * 256u + record.id.bytes[2]);
  const auto c = static_cast<std::size_t>(sizes.classes);
  TargetResult target;
  target.spec = {"emotion", TargetKind::single, {}, class_names(sizes.classes)};
  Confusion confusion(sizes.classes);
  for (std::int64_t i = 0; i < sizes.rows; ++i) {
    std::vector<float> row(c);
    float sum = 0;
    for (auto& p : row) sum += p = static_cast<float>(numbers.unit()) + 0.01f;
    for (auto& p : row) p /= sum;
    const auto best = std::max_element(row.begin(), row.end()) - row.begin();
    const auto truth = static_cast<std::int32_t>(i % sizes.classes);
    target.sample.push_back(first_sample + i);
    target.truth.push_back(truth);
    target.predicted.push_back(static_cast<std::int32_t>(best));
    target.probability.insert(target.probability.end(), row.begin(), row.end());
    confusion.add(truth, best);
  }
  target.confusion = confusion.counts;
  for (std::size_t k = 0; k < c; ++k) target.train_counts.push_back(100 + static_cast<int>(k));
  Outcome& result = record.result;
  for (const char* curve : {"train_loss", "train_cross_entropy", "validation_loss",
                            "validation_accuracy", "validation_macro_f1", "lr"}) {
    result.curves.push_back({curve, {}});
    for (std::int64_t e = 0; e < sizes.epochs; ++e) {
      result.curves.back().values.push_back(numbers.unit());
    }
  }
  result.epochs = sizes.epochs;
  result.best_epoch = sizes.epochs / 2;
  result.train_rows = 800;
  result.validation_rows = 80;
  result.test_rows = sizes.rows;
  result.validation = {{"loss", numbers.unit()}, {"macro_f1", numbers.unit()}};
  result.test = named_scores(confusion);
  result.test.emplace_back("loss", numbers.unit());
  result.targets.push_back(std::move(target));
  record.cost = {
      1.7e9 + numbers.unit(),      1.5, 1.25, 1300, 1 << 20, 0, "host-1", "cpu", "abc123",
      "torch 2.11.0; hdf5 1.10.8", 1,   2};
  return record;
}

class TemporaryFolder {
 public:
  TemporaryFolder() {
    // In memory where that exists: these files need no disk, and every commit waits for it.
    const std::filesystem::path memory = "/dev/shm";
    const auto parent =
        std::filesystem::exists(memory) ? memory : std::filesystem::temp_directory_path();
    std::string pattern = (parent / "emosweep-test-XXXXXX").string();
    if (!mkdtemp(pattern.data())) throw std::runtime_error("no temporary folder");
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline void write_file(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

}  // namespace emosweep::results
