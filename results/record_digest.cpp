#include <bit>
#include <cmath>
#include <string>

#include "results/record.h"

namespace emosweep::results {
namespace {

// Numbers as little-endian bytes, texts and lists with their length first, NaN as one pattern.
class Serial {
 public:
  void integer(std::int64_t value) { word(static_cast<std::uint64_t>(value)); }
  void real(double value) {
    word(std::isnan(value) ? 0x7ff8000000000000u : std::bit_cast<std::uint64_t>(value));
  }
  void text(const std::string& value) {
    word(value.size());
    bytes_ += value;
  }
  void texts(const std::vector<std::string>& values) {
    word(values.size());
    for (const auto& value : values) text(value);
  }
  template <class T>
  void integers(const std::vector<T>& values) {
    word(values.size());
    for (const auto value : values) integer(value);
  }
  template <class T>
  void reals(const std::vector<T>& values) {
    word(values.size());
    for (const auto value : values) real(value);
  }
  void named(const NamedValues& pairs) {
    word(pairs.size());
    for (const auto& [name, value] : pairs) {
      text(name);
      real(value);
    }
  }
  const std::string& bytes() const { return bytes_; }

 private:
  void word(std::uint64_t value) {
    for (int shift = 0; shift < 64; shift += 8) bytes_ += static_cast<char>(value >> shift & 0xff);
  }
  std::string bytes_;
};

}  // namespace

Digest result_digest(const TrialRecord& record) {
  const Outcome& result = record.result;
  Serial serial;
  serial.text("emosweep-result");
  serial.integer(kResultVersion);
  serial.text(record.id.hex());
  serial.text(record.canonical);
  serial.text(record.instructions);
  serial.text(record.weights_sha256);
  for (const auto value : {result.best_epoch, result.epochs, result.train_rows,
                           result.validation_rows, result.test_rows}) {
    serial.integer(value);
  }
  serial.texts(result.warnings);
  serial.integer(static_cast<std::int64_t>(result.curves.size()));
  for (const auto& curve : result.curves) {
    serial.text(curve.name);
    serial.reals(curve.values);
  }
  serial.named(result.validation);
  serial.named(result.test);
  serial.integer(static_cast<std::int64_t>(result.targets.size()));
  for (const auto& target : result.targets) {
    serial.text(target.spec.name);
    serial.text(target_kind_name(target.spec.kind));
    serial.texts(target.spec.outputs);
    serial.texts(target.spec.classes);
    serial.integers(target.sample);
    serial.integers(target.truth);
    serial.integers(target.predicted);
    serial.reals(target.probability);
    if (!target.validation.sample.empty()) {
      serial.integers(target.validation.sample);
      serial.integers(target.validation.truth);
      serial.reals(target.validation.probability);
    }
    if (target.spec.kind == TargetKind::regression) {
      serial.reals(target.true_value);
      serial.reals(target.predicted_value);
      if (!target.train_mean.empty()) serial.reals(target.train_mean);
    }
    if (target.spec.kind == TargetKind::multi) serial.reals(target.thresholds);
    serial.integers(target.confusion);
    serial.integers(target.train_counts);
  }
  return sha256(serial.bytes());
}

}  // namespace emosweep::results
