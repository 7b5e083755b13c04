// Several run folders (or other sources) as one table. Private to results/.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "results/table.h"

namespace emosweep::results {

struct SourceTable {
  std::filesystem::path path;  // as the user wrote it
  Table table;
};

// The experiments of all sources, by name. Where two have one name, the source's stands before it:
// "run-a: Audio Only". A cell that is not done and whose trial (id) another source holds for the
// same samples, classes and group is done by that trial. Every source's table is filled; there is
// at least one.
Table joined_tables(std::vector<SourceTable> sources);

// What sources are called: the last part of their path; "runs#1", "runs#2" where several end alike.
std::vector<std::string> source_names(const std::vector<std::filesystem::path>& paths);

}  // namespace emosweep::results
