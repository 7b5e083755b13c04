// The parts of summary.h5 that follow from the filled table. Private to results/.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "results/h5.h"
#include "results/statistics.h"
#include "results/table.h"

namespace emosweep::results {

// One column a field, one row a planned cell.
void write_trials(const h5::Node& node, const Table& table);
// Attributes, conditions and confusion of one experiment; the rows are table.rows[first, first +
// rows).
void write_experiment(const h5::Node& node, const Table& table, const PlannedExperiment& experiment,
                      std::size_t first, std::size_t rows);
void write_samples(const h5::Node& node, const RunFolder& folder, const Table& table);
void write_statistics(const h5::Node& node, const ExperimentStatistics& statistics);
// One row a pair. The family has pairs.
void write_comparisons(const h5::Node& node, const ComparisonFamily& family);

// Where the samples of an experiment stand under /samples: the dataset's name, with "_2", "_3"
// behind it for further tables of one name in the order of their digests.
std::map<Digest, std::string> sample_groups(const Table& table);
// SHA-256 over names and resolved texts of the experiments, by name.
Digest resolved_digest(const Table& table);
// One line a trial that is done: where and how long it ran.
std::string timing_csv(const Table& table);
// What timing_csv wrote. InputError: not that.
std::map<Digest, Provenance> read_timing(const std::filesystem::path& file);

inline constexpr std::string_view kSummaryLine = "emosweep-summary 1\n";

}  // namespace emosweep::results
