// A dataset with known effects, made from nothing: for the first run of a new user and for the
// tests.
#pragma once

#include <cstdint>
#include <filesystem>

namespace emosweep::data {

// Every feature is: class effect * a pattern of its class + subject effect * an offset of its
// subject + noise (standard deviation 1). The patterns are independent between modalities, so that
// both together tell more than each.
struct SyntheticOptions {
  std::int64_t subjects = 8;  // 3 to 10,000
  // The number of classes to 100,000; classes are balanced within each subject.
  std::int64_t samples_per_subject = 24;
  std::int64_t classes = 4;       // 2 to 26
  std::int64_t audio_width = 16;  // 1 to 10,000, as visual_width
  std::int64_t visual_width = 12;
  double audio_effect = .35;  // standard deviation of the class patterns; 0 = no information
  double visual_effect = .50;
  double subject_effect = 1.0;  // of the offset that all samples of a subject share
  double missing_cells = .02;   // fraction of cells that are empty
  // Fraction of samples without audio, and as many without visual; never both.
  double missing_modality = .03;
  std::uint64_t seed = 1;
};

// Writes dataset.yaml, samples.csv and README.txt (which states the effects) into `folder`, made if
// need be. The same options give the same bytes on every machine: integers from Philox, sums and
// products, no libm. A folder that this function wrote is written again; InputError for a folder
// that holds anything else, or options out of their range.
void write_synthetic(const SyntheticOptions& options, const std::filesystem::path& folder);

}  // namespace emosweep::data
