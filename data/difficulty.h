// How hard a sample is, for curricula: a column of numbers, or how far a sample's place in a space
// such as valence, arousal, dominance is from where its class is expected. Internal to data/.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/description.h"
#include "data/description_reader.h"
#include "data/table.h"

namespace emosweep::data {

// `difficulty: {column: NAME}` or `{columns: [V, A, D], expected: {CLASS: [v, a, d], ...}}`.
DifficultyDescription read_difficulty(const Node& node, NodeReader& read);

// One a row. values: [n, columns] row-major; label: [n] indices of `classes`. A class with samples
// that `expected` lacks, and one of `expected` that does not exist, are mistakes.
std::vector<double> difficulties(const DifficultyDescription& description,
                                 std::span<const double> values,
                                 std::span<const std::int32_t> label,
                                 const std::vector<std::string>& classes, TableMistakes& mistakes);

}  // namespace emosweep::data
