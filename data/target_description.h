// What a description says of its target: `label` and `aspects`. Internal to data/.
#pragma once

#include <filesystem>

#include "data/description.h"
#include "data/description_reader.h"

namespace emosweep::data {

// `label: COLUMN` or a map: of single labels {column, classes, map, unlabelled}, of several labels
// a row {columns} of 0 and 1 or {column, separator, classes}, of numbers {column or columns, kind:
// regression, range}.
void read_label(const Node& node, NodeReader& read, TargetDescription& target);
// `aspects: {columns, classes, empty, map, unlabelled}`.
void read_aspects(const Node& node, NodeReader& read, TargetDescription& target);
// One class a line. An empty path is passed over: a mistake says why.
void read_class_file(const std::filesystem::path& file, TargetDescription& target,
                     Mistakes& mistakes);
// What only the whole description shows, with the classes of a file.
void check_target(const Description& description, Mistakes& mistakes);

}  // namespace emosweep::data
