// summary.h5: all records of a run folder in one table, the same bytes for the same records
// (formats.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "results/run_folder.h"

namespace emosweep::results {

// Sample tables as results/ keeps them: samples/<digest>.json of the run folder.
struct Samples {
  std::string dataset;
  Digest digest;
  std::vector<std::string> id;
  std::vector<std::pair<std::string, std::vector<std::string>>> groups, metadata;
};
void commit_samples(const RunFolder& folder, const Samples& samples);  // no-op if it is there
Samples read_samples(const RunFolder& folder, const Digest& digest);

std::vector<std::uint8_t> build_summary(const RunFolder& folder);
void commit_summary(
    const RunFolder& folder);  // summary.h5 and timing.csv; fault points "summary.*"

// "" or what is wrong with the bytes of a summary: truncated, damaged, another version. InputError
// if it cannot be read.
std::string summary_problem(const std::filesystem::path& file);

// What is wrong with DIR, one line each with the file: damaged records, a summary that does not
// follow from the records, commit lines that are missing or double. Empty = all well.
std::vector<std::string> verify(const RunFolder& folder);

}  // namespace emosweep::results
